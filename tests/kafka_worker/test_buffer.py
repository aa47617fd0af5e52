from datetime import UTC, datetime

from kafka_worker.buffer import Buffer, Cadence, Received
from kafka_worker.partitions import Partition
from kafka_worker.policies import BatchPolicy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def received(raw: int, size: int = 1, partition: Partition | None = None) -> Received[int]:
    return Received(raw, partition or Partition(0), size, NOW)


def filled(policy: BatchPolicy, sizes: list[int]) -> Buffer[int]:
    buffer: Buffer[int] = Buffer(policy)
    for number, size in enumerate(sizes):
        buffer.add(received(number, size))
    return buffer


def test_a_batch_ends_at_the_number_of_messages() -> None:
    buffer = filled(BatchPolicy(max_messages=3), [1] * 5)
    assert [item.raw for item in buffer.take()] == [0, 1, 2]
    assert [item.raw for item in buffer.take()] == [3, 4]
    assert buffer.take() == []


def test_a_batch_ends_at_the_number_of_bytes() -> None:
    buffer = filled(BatchPolicy(max_bytes=100), [40, 60, 1])
    assert [item.raw for item in buffer.take()] == [0, 1]
    assert [item.raw for item in buffer.take()] == [2]


def test_a_message_larger_than_a_batch_is_a_batch() -> None:
    buffer = filled(BatchPolicy(max_bytes=100), [500, 1])
    assert [item.raw for item in buffer.take()] == [0]
    assert buffer.room > 0


def test_room_ends_with_either_limit_and_comes_back() -> None:
    buffer = filled(BatchPolicy(max_messages=3, max_bytes=100), [1, 1])
    assert buffer.room == 1
    buffer.add(received(2, 98))
    assert buffer.room == 0
    buffer.take()
    assert buffer.room == 3


def test_messages_of_an_ended_assignment_are_dropped() -> None:
    gone, kept = Partition(0), Partition(1)
    buffer: Buffer[int] = Buffer(BatchPolicy(max_bytes=10))
    buffer.add(received(0, 9, gone))
    buffer.add(received(1, 1, kept))
    gone.alive = False
    assert buffer.discard_dead() == 1
    assert buffer.room > 0
    assert [item.raw for item in buffer.take()] == [1]


def test_the_oldest_message_is_the_one_that_came_first() -> None:
    buffer: Buffer[int] = Buffer(BatchPolicy())
    assert buffer.oldest is None
    buffer.add(received(0))
    assert buffer.oldest == NOW


def test_the_first_batch_after_a_pause_starts_at_once() -> None:
    cadence = Cadence(1.0)
    assert cadence.wait(now=100.0) == 0
    cadence.started(100.0)
    assert cadence.wait(now=102.0) == 0


def test_the_next_batch_waits_until_the_interval_is_up() -> None:
    cadence = Cadence(1.0)
    cadence.started(100.0)
    assert cadence.wait(now=100.25) == 0.75
