"""What the worker's tests share: handlers that record, workers in threads, topics' contents."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from kafka_worker.config import WorkerConfig
from kafka_worker.handlers import BatchHandler, Handler, MessageHandler, Rejected
from kafka_worker.messages import Message
from kafka_worker.policies import BatchPolicy, RetryPolicy
from kafka_worker.worker import Worker

QUICK = RetryPolicy(
    max_attempts=3, first_delay=timedelta(milliseconds=10), max_delay=timedelta(milliseconds=50)
)


def message(offset: int = 0, value: bytes = b"v", partition: int = 0, **fields: Any) -> Message:
    """A message as a handler gets it."""
    return Message(
        topic=fields.get("topic", "orders"),
        topic_id=fields.get("topic_id", "id-of-orders"),
        partition=partition,
        offset=offset,
        key=fields.get("key", b"k"),
        value=value,
        headers=fields.get("headers", ()),
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Recorder(MessageHandler):
    """Keeps each message it is given, after doing what the test wants."""

    name = "recorder"
    retry = QUICK

    def __init__(
        self, topic: str, group: str, act: Callable[[Message], None] | None = None
    ) -> None:
        self.topic = topic  # type: ignore[misc]
        self.group = group  # type: ignore[misc]
        self.handled: list[Message] = []
        self.calls = 0
        self._act = act

    def handle(self, message: Message) -> None:
        self.calls += 1
        if self._act is not None:
            self._act(message)
        self.handled.append(message)

    @property
    def values(self) -> list[bytes | None]:
        return [each.value for each in self.handled]


class BatchRecorder(BatchHandler):
    """Keeps each batch it is given, after doing what the test wants."""

    name = "batch-recorder"
    retry = QUICK

    def __init__(
        self,
        topic: str,
        group: str,
        act: Callable[[Sequence[Message]], Sequence[Rejected]] | None = None,
        batch: BatchPolicy | None = None,
    ) -> None:
        self.topic = topic  # type: ignore[misc]
        self.group = group  # type: ignore[misc]
        self.batch = batch or BatchPolicy()
        self.batches: list[list[Message]] = []
        self._act = act

    def handle(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        rejected = self._act(batch) if self._act is not None else []
        self.batches.append(list(batch))
        return rejected

    @property
    def values(self) -> list[bytes | None]:
        return [each.value for batch in self.batches for each in batch]


class RunningWorker:
    """A worker in a thread of the test's process."""

    def __init__(self, handler: Handler, config: WorkerConfig) -> None:
        self.worker = Worker(handler, config)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 30) -> None:
        """Stop warmly, and wait for the end."""
        self.worker.stop()
        self.join(seconds)

    def join(self, seconds: float = 30) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the worker does not end"

    def _run(self) -> None:
        try:
            self.worker.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


@contextmanager
def running(handler: Handler, config: WorkerConfig) -> Iterator[RunningWorker]:
    """A worker for the time of a block; an error that ended it fails the test."""
    worker = RunningWorker(handler, config)
    try:
        yield worker
    finally:
        worker.stop()
    if worker.error is not None:
        raise worker.error


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def produce(servers: str, topic: str, values: Sequence[bytes], **fields: Any) -> None:
    """Put messages on a topic and wait for the acknowledgement of each."""
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    for value in values:
        producer.produce(
            topic, value, on_delivery=lambda error, _: failures.append(error), **fields
        )
    assert producer.flush(20) == 0
    assert set(failures) == {None}


def contents(servers: str, topic: str, count: int, seconds: float = 20) -> list[KafkaMessage]:
    """The first ``count`` messages of a topic."""
    found: list[KafkaMessage] = []
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"reader-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    # Without a name: asking for a topic by name would make it.
    eventually(lambda: topic in consumer.list_topics(timeout=10).topics)
    partitions = consumer.list_topics(timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += [each for each in consumer.consume(count, 0.2) if each.error() is None]
    consumer.close()
    assert len(found) == count
    return found


def committed(servers: str, topic: str, group: str, partition: int = 0) -> int:
    """The group's committed offset in a partition; negative without one."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group})
    place = consumer.committed([TopicPartition(topic, partition)], timeout=10)[0]
    consumer.close()
    return int(place.offset)
