import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.handlers import Rejected
from kafka_worker.messages import Message
from kafka_worker.policies import BatchPolicy, RetryPolicy
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


def pauses(handler: str) -> float:
    return REGISTRY.get_sample_value("kafka_worker_pauses_total", {"handler": handler}) or 0.0


def test_an_unreachable_store_pauses_consumption_and_loses_nothing(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=2), kafka.group()
    back = time.monotonic() + 4

    def act(batch: Sequence[Message]) -> list[Rejected]:
        if time.monotonic() < back:
            raise Unavailable("the store")
        return []

    values = [str(number).encode() for number in range(2_000)]
    produce(kafka.bootstrap_servers, topic, values)
    handler = BatchRecorder(topic, group, act, BatchPolicy(max_messages=100))
    handler.name = unique("batch")  # type: ignore[misc]
    # Shorter than the outage: the worker must go on polling to keep its partitions.
    lively = replace(config, options={"max.poll.interval.ms": 6_000})
    with running(handler, lively):
        time.sleep(2)
        assert committed(kafka.bootstrap_servers, topic, group) < 0
        eventually(lambda: len(handler.values) >= 2_000)
    assert sorted(handler.values) == sorted(values)  # type: ignore[type-var]
    assert pauses(handler.name) >= 1
    assert sum(committed(kafka.bootstrap_servers, topic, group, n) for n in (0, 1)) == 2_000


def test_a_handler_slower_than_the_poll_interval_keeps_its_partitions(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()
    handler = Recorder(topic, group, lambda each: time.sleep(8 if each.offset == 0 else 0))
    handler.name = unique("slow")  # type: ignore[misc]
    lively = replace(config, options={"max.poll.interval.ms": 6_000})
    produce(kafka.bootstrap_servers, topic, [str(number).encode() for number in range(1_500)])
    with running(handler, lively):
        eventually(lambda: len(handler.handled) == 1_500, seconds=30)
    assert [each.offset for each in handler.handled] == list(range(1_500))


def test_a_worker_that_starts_before_its_broker_can_be_stopped(config: WorkerConfig) -> None:
    nowhere = replace(config, bootstrap_servers="127.0.0.1:1")
    with running(Recorder("orders", "billing"), nowhere):
        time.sleep(0.2)


def test_a_stop_in_the_middle_of_an_outage_leaves_the_messages_for_the_next_worker(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()

    def act(batch: Sequence[Message]) -> list[Rejected]:
        raise Unavailable("the store")

    produce(kafka.bootstrap_servers, topic, [b"1", b"2"])
    down = BatchRecorder(topic, group, act)
    down.retry = RetryPolicy(first_delay=timedelta(minutes=5), max_delay=timedelta(minutes=5))
    with running(down, config):
        time.sleep(2)
    up = BatchRecorder(topic, group)
    with running(up, config):
        eventually(lambda: up.values == [b"1", b"2"])
