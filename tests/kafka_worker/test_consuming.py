from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from kafka_worker.config import WorkerConfig
from kafka_worker.handlers import Rejected
from kafka_worker.messages import Message
from kafka_worker.policies import BatchPolicy
from tests.kafka_worker.helpers import (
    BatchRecorder,
    Recorder,
    committed,
    eventually,
    produce,
    running,
)
from tests.services import KafkaBroker, unique


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)


def test_a_message_arrives_whole(kafka: KafkaBroker, config: WorkerConfig) -> None:
    topic = kafka.topic(partitions=1)
    produce(kafka.bootstrap_servers, topic, [b"v"], key=b"k", headers=[("trace", b"1")])
    handler = Recorder(topic, kafka.group())
    with running(handler, config):
        eventually(lambda: handler.handled)
    (got,) = handler.handled
    assert (got.key, got.value, got.headers) == (b"k", b"v", (("trace", b"1"),))
    assert got.position == f"{topic}[0]@0"
    assert got.topic_id
    assert abs(datetime.now(UTC) - got.timestamp) < timedelta(minutes=1)


def test_a_restart_goes_on_where_the_last_one_ended(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=2), kafka.group()
    first, second = Recorder(topic, group), Recorder(topic, group)
    values = [str(number).encode() for number in range(200)]
    produce(kafka.bootstrap_servers, topic, values[:120])
    with running(first, config):
        eventually(lambda: len(first.handled) == 120)
    produce(kafka.bootstrap_servers, topic, values[120:])
    with running(second, config):
        eventually(lambda: len(second.handled) == 80)
    assert set(first.values + second.values) == set(values)
    assert sum(committed(kafka.bootstrap_servers, topic, group, n) for n in (0, 1)) == 200


def test_commits_do_not_wait_for_the_end(kafka: KafkaBroker, config: WorkerConfig) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()
    produce(kafka.bootstrap_servers, topic, [b"v"] * 5)
    with running(Recorder(topic, group), config):
        eventually(lambda: committed(kafka.bootstrap_servers, topic, group) == 5)


def test_the_topic_and_its_dead_letters_are_made_when_absent(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic = unique("absent")
    handler = Recorder(topic, kafka.group())
    admin = kafka.admin()
    try:
        with running(handler, config):
            eventually(lambda: f"{topic}.dead-letters" in admin.list_topics(timeout=5).topics)
            produce(kafka.bootstrap_servers, topic, [b"v"])
            eventually(lambda: handler.values == [b"v"])
        assert len(admin.list_topics(timeout=5).topics[topic].partitions) == config.partitions
    finally:
        for done in admin.delete_topics([topic, f"{topic}.dead-letters"]).values():
            done.result(10)


def test_an_idle_batch_handler_gets_the_first_message_at_once_and_then_waits(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic = kafka.topic(partitions=1)
    started: list[float] = []

    def act(batch: Sequence[Message]) -> list[Rejected]:
        started.append(datetime.now(UTC).timestamp())
        return []

    interval = timedelta(seconds=2)
    handler = BatchRecorder(topic, kafka.group(), act, BatchPolicy(interval=interval))
    with running(handler, config):
        produce(kafka.bootstrap_servers, topic, [b"first"])
        eventually(lambda: len(started) == 1)
        for number in range(20):
            produce(kafka.bootstrap_servers, topic, [str(number).encode()])
        eventually(lambda: len(handler.values) == 21)
    assert [len(batch) for batch in handler.batches] == [1, 20]
    assert started[1] - started[0] >= 0.95 * interval.total_seconds()


def test_a_full_batch_does_not_wait_for_the_interval(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic = kafka.topic(partitions=1)
    produce(kafka.bootstrap_servers, topic, [str(n).encode() for n in range(3_000)])
    policy = BatchPolicy(max_messages=500, interval=timedelta(hours=1))
    handler = BatchRecorder(topic, kafka.group(), batch=policy)
    with running(handler, config):
        eventually(lambda: len(handler.values) >= 2_500)
    # Only the first, which comes at once, may be smaller.
    assert {len(batch) for batch in handler.batches[1:]} == {500}


def test_a_backlog_comes_in_batches_of_the_limit(kafka: KafkaBroker, config: WorkerConfig) -> None:
    topic = kafka.topic(partitions=1)
    produce(kafka.bootstrap_servers, topic, [str(n).encode() for n in range(3_000)])
    policy = BatchPolicy(max_messages=500, interval=timedelta(milliseconds=200))
    handler = BatchRecorder(topic, kafka.group(), batch=policy)
    with running(handler, config):
        eventually(lambda: len(handler.values) == 3_000)
    sizes = [len(batch) for batch in handler.batches]
    assert max(sizes) == 500
    assert len(sizes) <= 8
    assert handler.values == [str(n).encode() for n in range(3_000)]
