"""librdkafka's in-process broker, and looks at what is on a topic, for tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer

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


@contextmanager
def publishing(bootstrap_servers: str, topic: str) -> Iterator[IssuePublisher]:
    """For this long, the process publishes to a topic of its own."""
    publisher = IssuePublisher(bootstrap_servers, topic)
    assert publisher.warm(20)
    before = publishers.replace(publisher)
    try:
        yield publisher
    finally:
        publishers.replace(before)
        publisher.close()
