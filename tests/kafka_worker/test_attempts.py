"""How a runner tries, gives up and searches; the dead-letter topic is a list here."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kafka_worker.exceptions import Reject, Unavailable
from kafka_worker.handlers import Rejected
from kafka_worker.jobs import Abandoned, Entry, Job
from kafka_worker.letters.form import DeadLetter
from kafka_worker.messages import Message
from kafka_worker.metrics import Metrics
from kafka_worker.partitions import Partition
from kafka_worker.runners import BatchRunner, MessageRunner
from tests.kafka_worker.helpers import QUICK, BatchRecorder, Recorder, message

# The runners look after Django's connections; here they do so in the test's own thread.
pytestmark = pytest.mark.django_db


class Letters:
    """A dead-letter topic that refuses as often as it is told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.written: list[DeadLetter] = []
        self.refusals = refusals

    def write(self, letters: Sequence[DeadLetter]) -> None:
        if letters and self.refusals:
            self.refusals -= 1
            raise Unavailable("the dead letters")
        self.written += letters


def job_of(count: int, partition: Partition) -> Job:
    return Job([Entry(message(n, str(n).encode()), partition) for n in range(count)])


def run_messages(act: Any, count: int = 1, letters: Letters | None = None) -> Recorder:
    handler = Recorder("orders", "billing", act)
    runner = MessageRunner(handler, letters or Letters(), Metrics("test"))  # type: ignore[arg-type]
    runner.run(job_of(count, Partition(0)))
    return handler


def run_batch(act: Any, job: Job, letters: Letters | None = None) -> BatchRecorder:
    handler = BatchRecorder("orders", "billing", act)
    BatchRunner(handler, letters or Letters(), Metrics("test")).run(job)  # type: ignore[arg-type]
    return handler


def test_a_rejected_message_is_never_tried_again() -> None:
    def act(_: Message) -> None:
        raise Reject("wrong schema", "title is missing")

    letters = Letters()
    handler = run_messages(act, letters=letters)
    assert handler.calls == 1
    assert [(each.reason, each.error) for each in letters.written] == [
        ("wrong schema", "title is missing")
    ]


def test_a_failing_message_is_tried_as_often_as_the_policy_says() -> None:
    def act(_: Message) -> None:
        raise ValueError("no such order")

    letters = Letters()
    handler = run_messages(act, letters=letters)
    assert handler.calls == QUICK.max_attempts
    assert letters.written[0].attempts == QUICK.max_attempts
    assert letters.written[0].error == "ValueError: no such order"


def test_an_outage_is_waited_for_without_a_limit() -> None:
    outages = iter(range(20))

    def act(_: Message) -> None:
        if next(outages, None) is not None:
            raise Unavailable("the store")

    letters = Letters()
    handler = run_messages(act, letters=letters)
    assert handler.calls == 21
    assert not letters.written


def test_a_part_that_says_when_to_come_back_is_given_that_time() -> None:
    waits: list[float] = []
    outages = iter([timedelta(minutes=1)])

    def act(_: Message) -> None:
        for retry_after in outages:
            raise Unavailable("the store", retry_after)

    class Watched(Job):
        def pause(self, seconds: float) -> None:
            waits.append(seconds)

    handler = Recorder("orders", "billing", act)
    runner = MessageRunner(handler, Letters(), Metrics("test"))  # type: ignore[arg-type]
    runner.run(Watched([Entry(message(), Partition(0))]))
    assert waits == [60.0]


def test_a_dead_letter_topic_that_refuses_keeps_the_message() -> None:
    partition = Partition(0)

    class Watched(Letters):
        def write(self, letters: Sequence[DeadLetter]) -> None:
            assert partition.done is None
            super().write(letters)

    def act(batch: Sequence[Message]) -> list[Rejected]:
        return [Rejected(each, "no") for each in batch]

    letters = Watched(refusals=3)
    run_batch(act, job_of(2, partition), letters)
    assert len(letters.written) == 2
    assert partition.done == 2


def test_rejected_messages_of_a_batch_go_to_the_dead_letters_and_the_others_count_as_done() -> None:
    def act(batch: Sequence[Message]) -> list[Rejected]:
        return [Rejected(batch[1], "wrong schema", "title")]

    letters, partition = Letters(), Partition(0)
    run_batch(act, job_of(3, partition), letters)
    assert [(each.message.offset, each.reason) for each in letters.written] == [(1, "wrong schema")]
    assert partition.done == 3


@pytest.mark.parametrize("poison", [{0}, {999}, {3, 500, 501}])
def test_a_batch_is_halved_until_the_poisonous_messages_are_found(poison: set[int]) -> None:
    def act(batch: Sequence[Message]) -> list[Rejected]:
        if any(each.offset in poison for each in batch):
            raise ValueError("poison")
        return []

    letters, partition = Letters(), Partition(0)
    handler = run_batch(act, job_of(1_000, partition), letters)
    assert {each.message.offset for each in letters.written} == poison
    assert {int(value or b"") for value in handler.values} == set(range(1_000)) - poison
    assert partition.done == 1_000


def test_a_failure_that_passes_halves_nothing() -> None:
    failures = iter(range(2))

    def act(_: Sequence[Message]) -> list[Rejected]:
        if next(failures, None) is not None:
            raise ValueError("deadlock detected")
        return []

    letters = Letters()
    handler = run_batch(act, job_of(10, Partition(0)), letters)
    assert [len(batch) for batch in handler.batches] == [10]
    assert not letters.written


def test_an_outage_in_the_middle_of_the_search_keeps_the_piece() -> None:
    outages = iter(range(5))

    def act(batch: Sequence[Message]) -> list[Rejected]:
        if any(each.offset == 7 for each in batch):
            raise ValueError("poison")
        if next(outages, None) is not None:
            raise Unavailable("the store")
        return []

    letters, partition = Letters(), Partition(0)
    handler = run_batch(act, job_of(10, partition), letters)
    assert [each.message.offset for each in letters.written] == [7]
    assert len(handler.values) == 9
    assert partition.done == 10


def test_messages_of_a_partition_that_has_gone_are_not_tried_again() -> None:
    gone, kept = Partition(0), Partition(1)
    tries: list[list[int]] = []

    def act(batch: Sequence[Message]) -> list[Rejected]:
        tries.append([each.partition for each in batch])
        if len(tries) == 1:
            gone.alive = False
            raise Unavailable("the store")
        return []

    entries = [Entry(message(partition=each.number), each) for each in (gone, kept)]
    run_batch(act, Job(entries))
    assert tries == [[0, 1], [1]]
    assert (gone.done, kept.done) == (None, 1)


def test_a_stop_ends_the_wait_for_an_outage_and_marks_nothing_as_done() -> None:
    partition = Partition(0)
    job = job_of(5, partition)
    waiting = threading.Event()

    def act(_: Sequence[Message]) -> list[Rejected]:
        waiting.set()
        raise Unavailable("the store", timedelta(minutes=10))

    def stop_once_it_waits() -> None:
        waiting.wait(10)
        job.stop()

    stopper = threading.Thread(target=stop_once_it_waits)
    stopper.start()
    with pytest.raises(Abandoned):
        run_batch(act, job)
    stopper.join()
    assert partition.done is None


def test_a_stop_ends_a_row_of_messages_after_the_present_one() -> None:
    partition = Partition(0)
    job = job_of(5, partition)
    handler = Recorder("orders", "billing", lambda each: job.stop() if each.offset == 2 else None)
    with pytest.raises(Abandoned):
        MessageRunner(handler, Letters(), Metrics("test")).run(job)  # type: ignore[arg-type]
    assert handler.calls == 3
    assert partition.done == 3


def test_a_partition_that_goes_ends_the_wait_for_its_messages() -> None:
    partition = Partition(0)
    calls: list[int] = []

    def act(each: Message) -> None:
        calls.append(each.offset)
        partition.alive = False
        raise Unavailable("the store", timedelta(minutes=10))

    handler = Recorder("orders", "billing", act)
    MessageRunner(handler, Letters(), Metrics("test")).run(job_of(3, partition))  # type: ignore[arg-type]
    assert calls == [0]
    assert partition.done is None


def test_the_position_of_a_message_reads_well() -> None:
    assert replace(message(42, partition=3), topic="alphafusion.issues").position == (
        "alphafusion.issues[3]@42"
    )
