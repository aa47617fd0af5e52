"""The API in this process, with librdkafka's in-process broker and Django's test database."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from django.test import Client

from issuetracker.publisher import IssuePublisher, publishers
from tests.services import unique


class MemoryBroker:
    """An in-process broker, and a look at what is on a topic."""

    def __init__(self) -> None:
        self._cluster = Producer(
            {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 2}
        )
        broker = next(iter(self._cluster.list_topics(timeout=10).brokers.values()))
        self.bootstrap_servers = f"{broker.host}:{broker.port}"

    def messages(self, topic: str, count: int) -> list[dict[str, Any]]:
        """The first ``count`` messages of ``topic``, decoded."""
        return read_topic(self.bootstrap_servers, topic, count)


def read_topic(bootstrap_servers: str, topic: str, count: int) -> list[dict[str, Any]]:
    """The first ``count`` messages of ``topic``, decoded, of every partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": unique("look"),
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([topic])
        found = consumer.consume(count, timeout=15)
        return [json.loads(message.value() or b"null") for message in found]
    finally:
        consumer.close()


@pytest.fixture(scope="session")
def memory_broker() -> MemoryBroker:
    """One in-process broker for the session."""
    return MemoryBroker()


@pytest.fixture(scope="session")
def _publisher(memory_broker: MemoryBroker) -> Iterator[IssuePublisher]:
    publisher = IssuePublisher(memory_broker.bootstrap_servers, unique("issues"), partitions=4)
    assert publisher.warm(20)
    yield publisher
    publisher.close()


@pytest.fixture
def publisher(_publisher: IssuePublisher) -> Iterator[IssuePublisher]:
    """A publisher that works, in the place of the process's own."""
    before = publishers.replace(_publisher)
    yield _publisher
    publishers.replace(before)


@pytest.fixture
def no_broker() -> Iterator[IssuePublisher]:
    """A publisher without a broker: every change goes past the log."""
    absent = IssuePublisher("", "nowhere")
    before = publishers.replace(absent)
    yield absent
    publishers.replace(before)


@pytest.fixture
def api(transactional_db: None) -> Client:
    """A client on this machine, which needs no token."""
    return Client(raise_request_exception=False)
