"""The Kafka consumer, with callbacks that never raise: an exception in one can lose a message."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from kafka_worker.commits import Commit, commit_of, metadata_of
from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import FatalKafkaError

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 1.0
# The same trouble is reported by the client again and again while it lasts.
_REPEAT_AFTER = 30.0


class Listener(Protocol):
    """Who is told what happens to a subscription."""

    def assigned(self, numbers: list[int]) -> None:
        """Partitions have become this worker's."""

    def revoking(self, numbers: list[int]) -> None:
        """Partitions are about to become another worker's; commits still count."""

    def lost(self, numbers: list[int]) -> None:
        """Partitions have become another worker's already."""

    def committed(self, number: int, offset: int) -> None:
        """The broker has acknowledged an offset."""

    def troubled(self) -> None:
        """The client has reported an error."""


class Subscription:
    """One consumer of one topic. Everything here runs in the loop's thread."""

    def __init__(self, config: WorkerConfig, topic: str, group: str, listener: Listener) -> None:
        self._topic = topic
        self._listener = listener
        self._failure: BaseException | None = None
        self._reported: dict[int, float] = {}
        self._options: dict[str, Any] = {
            **config.consumer_options(group),
            "on_commit": self._on_commit,
            "error_cb": self._on_error,
        }
        self._consumer = self._connect()

    def _connect(self) -> Consumer:
        return Consumer(self._options, logger=logging.getLogger("kafka_worker.librdkafka"))

    def open(self) -> None:
        """Join the group."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def close(self) -> None:
        """Leave the group; partitions are revoked first."""
        self._consumer.close()
        self._raise_failure()

    def reopen(self) -> None:
        """Leave the group and join it anew, as a client that knows nothing of the topic.

        One that has seen the topic gone may never fetch from the one made in its place, whatever
        it is assigned.
        """
        self.close()
        self._consumer = self._connect()
        self.open()

    def receive(self, limit: int, timeout: float) -> list[Message]:
        """Receive what has come, waiting at most ``timeout`` seconds for the first message.

        Raises:
            FatalKafkaError: the client can not go on.
        """
        first = self._consumer.poll(timeout)
        received = [] if first is None else [first]
        if first is not None and limit > 1:
            # One call for the rest: each call gives the handler's thread a turn of 5 ms.
            received += self._consumer.consume(limit - 1, 0)
        self._raise_failure()
        return [message for message in received if self._is_message(message)]

    def pause(self, numbers: Iterable[int]) -> None:
        """Stop receiving from the partitions; what was fetched ahead is thrown away."""
        self._consumer.pause(self._places(numbers))

    def resume(self, numbers: Iterable[int]) -> None:
        """Receive from the partitions again."""
        self._consumer.resume(self._places(numbers))

    def commit(self, offsets: Mapping[int, int], topic_id: str) -> None:
        """Send offsets by partition to the broker; ``committed`` tells when they are there.

        The topic's id goes with them, so that they never count for another topic of that name,
        and the time, for people.
        """
        metadata = metadata_of(topic_id, datetime.now(UTC))
        places = [
            TopicPartition(self._topic, number, offset, metadata)
            for number, offset in offsets.items()
        ]
        self._consumer.commit(offsets=places, asynchronous=True)

    def positions(self, numbers: Iterable[int]) -> dict[int, Commit]:
        """By partition, what the group has committed.

        Raises:
            KafkaException: the broker did not answer within a second.
        """
        places = self._consumer.committed(self._places(numbers), timeout=_REQUEST_TIMEOUT)
        for place in places:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: commit_of(place.offset, place.metadata) for place in places}

    def restart(self, numbers: Iterable[int]) -> None:
        """Go back to the beginning of the partitions; ``seek`` would fail after a reset error."""
        self._consumer.incremental_unassign(self._places(numbers))
        self._consumer.incremental_assign(
            [TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in numbers]
        )

    def low_mark(self, number: int) -> int:
        """Offset of the first message still in the partition.

        Raises:
            KafkaException: the broker did not answer within a second.
        """
        place = TopicPartition(self._topic, number)
        marks = self._consumer.get_watermark_offsets(place, timeout=_REQUEST_TIMEOUT)
        if marks is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
        return int(marks[0])

    def high_mark(self, number: int) -> int | None:
        """Offset after the partition's last message, as last seen, or None."""
        place = TopicPartition(self._topic, number)
        marks = self._consumer.get_watermark_offsets(place, cached=True)
        return int(marks[1]) if marks is not None and marks[1] >= 0 else None

    def _places(self, numbers: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in numbers]

    def _is_message(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        self._note(error)
        self._raise_failure()
        return False

    def _note(self, error: KafkaError) -> None:
        # The error that a fenced consumer receives has the code, but is not marked as fatal.
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - a public code
            self._failure = FatalKafkaError(error.str())
        now = time.monotonic()
        if now - self._reported.get(error.code(), -_REPEAT_AFTER) >= _REPEAT_AFTER:
            self._reported[error.code()] = now
            logger.warning("Kafka client: %s (%s)", error.str(), error.name())
        self._listener.troubled()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _guard(self, call: Callable[[], None]) -> None:
        """Run what a callback does; what it raises is raised by ``receive`` or ``close``."""
        try:
            call()
        except BaseException as failure:  # noqa: BLE001 - raised as soon as the callback is left
            self._failure = self._failure or failure

    def _on_assign(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._guard(lambda: self._listener.assigned(_numbers(places)))

    def _on_revoke(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._guard(lambda: self._listener.revoking(_numbers(places)))

    def _on_lost(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._guard(lambda: self._listener.lost(_numbers(places)))

    def _on_error(self, error: KafkaError) -> None:
        self._guard(lambda: self._note(error))

    def _on_commit(self, error: KafkaError | None, places: list[TopicPartition]) -> None:
        self._guard(lambda: self._acknowledge(error, places))

    def _acknowledge(self, error: KafkaError | None, places: list[TopicPartition]) -> None:
        for place in places:
            trouble = error or place.error
            if trouble is None:
                self._listener.committed(place.partition, place.offset)
            else:
                logger.warning("Commit of %s failed: %s", self._topic, trouble.str())
                # It may be that the topic is gone: nothing else would say so before long.
                self._listener.troubled()


def _numbers(places: list[TopicPartition]) -> list[int]:
    return [place.partition for place in places]
