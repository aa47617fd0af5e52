import time

import pytest

from kafka_worker.config import WorkerConfig
from kafka_worker.messages import Message
from tests.kafka_worker.helpers import Recorder, eventually, produce, running
from tests.services import KafkaBroker

PARTITIONS = 4


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)


def partitions_of(handler: Recorder, since: int = 0) -> set[int]:
    return {each.partition for each in handler.handled[since:]}


def test_two_workers_share_the_partitions_and_nothing_is_lost_or_done_twice(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=PARTITIONS), kafka.group()
    first, second = Recorder(topic, group), Recorder(topic, group)
    produced = 0

    def trickle(count: int) -> None:
        nonlocal produced
        for _ in range(count):
            for partition in range(PARTITIONS):
                value = str(produced).encode()
                produce(kafka.bootstrap_servers, topic, [value], partition=partition)
                produced += 1

    with running(first, config):
        trickle(3)
        eventually(lambda: partitions_of(first) == set(range(PARTITIONS)))
        with running(second, config):
            deadline = time.monotonic() + 20
            while len(partitions_of(second)) < PARTITIONS // 2:
                assert time.monotonic() < deadline
                trickle(1)
        trickle(3)
        eventually(lambda: len({*first.values, *second.values}) == produced)
    assert len(first.values) + len(second.values) == produced


def test_the_first_worker_finishes_and_commits_its_message_before_it_gives_a_partition_away(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=2), kafka.group()

    def slowly(_: Message) -> None:
        time.sleep(1.5)

    first, second = Recorder(topic, group, slowly), Recorder(topic, group)
    for partition in (0, 1):
        produce(kafka.bootstrap_servers, topic, [b"1", b"2", b"3"], partition=partition)
    with running(first, config):
        eventually(lambda: first.calls)
        with running(second, config):
            eventually(lambda: len(first.handled) + len(second.handled) >= 6)
    handled = [(each.partition, each.offset) for each in first.handled + second.handled]
    assert second.handled
    assert sorted(handled) == [(partition, offset) for partition in (0, 1) for offset in range(3)]
