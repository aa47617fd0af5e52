"""The embedded broker is one that every other process can use."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient

from embedded import broker as module
from embedded.backlog import unapplied
from embedded.broker import Broker
from embedded.supervisor import PROJECT

GROUP = {"auto.offset.reset": "earliest", "enable.auto.commit": False}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "embedded.broker"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[1]
        process.terminate()
        assert process.wait(timeout=10) == 0


def produce(address: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all", "enable.idempotence": True})
    failures: list[object] = []
    for number in range(count):
        producer.produce(topic, str(number), on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(10) == 0
    assert failures == [None] * count


def consume(address: str, topic: str, group: str, count: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": group, **GROUP})
    consumer.subscribe([topic])
    found: list[Message] = []
    deadline = time.monotonic() + 20
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            found.append(message)
            consumer.commit(message=message, asynchronous=False)
    consumer.close()
    return found


def test_asking_for_a_topic_s_metadata_makes_it(address: str) -> None:
    found = AdminClient({"bootstrap.servers": address}).list_topics("asked", timeout=10)
    assert len(found.topics["asked"].partitions) == 4


def test_what_one_client_produced_another_consumes(address: str) -> None:
    produce(address, "shared", 20)
    found = consume(address, "shared", "readers", 20)
    assert sorted(int(message.value() or b"") for message in found) == list(range(20))


def test_a_group_s_first_join_takes_a_moment_not_seconds(address: str) -> None:
    produce(address, "quick", 1)
    began = time.monotonic()
    assert len(consume(address, "quick", "quick-readers", 1)) == 1
    assert time.monotonic() - began < 2.5


def test_the_backlog_is_what_the_group_has_not_committed(address: str) -> None:
    produce(address, "backlog", 30)
    assert unapplied(address, "backlog", "writers") == 30
    consume(address, "backlog", "writers", 30)
    assert unapplied(address, "backlog", "writers") == 0


def test_a_librdkafka_without_visible_functions_gives_a_broker_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hidden() -> None:
        raise AttributeError("undefined symbol")

    monkeypatch.setattr(module, "_library", hidden)
    broker = Broker()
    produce(broker.address, "fallback", 3)
