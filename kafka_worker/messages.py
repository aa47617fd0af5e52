"""A message as a handler sees it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import confluent_kafka

Header = tuple[str, bytes | None]

_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a Kafka topic.

    Attributes:
        topic: the topic's name.
        topic_id: the topic's identity. A topic that is deleted and made anew under the same name
            starts at offset 0 again, and has another id.
        partition: number of the partition.
        offset: place in the partition.
        key: the key, or None.
        value: the payload, or None.
        headers: names and values, in the order in which they were sent; a value may be None.
        timestamp: when the message was made (or appended, if the topic says so), in UTC.
    """

    topic: str
    topic_id: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp: datetime

    @property
    def position(self) -> str:
        """Where the message stands, for people: ``alphafusion.issues[3]@42``."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    @property
    def place(self) -> dict[str, str | int]:
        """The same for a log line's ``extra``: topic, partition, offset."""
        return {"topic": self.topic, "partition": self.partition, "offset": self.offset}


def from_kafka(raw: "confluent_kafka.Message", topic_id: str, timestamp: datetime) -> Message:
    """Make a message of what the Kafka client has received.

    Args:
        raw: a message without an error.
        topic_id: identity of the topic that it was read from.
        timestamp: the message's time (:func:`timestamp_of`).
    """
    return Message(
        topic=raw.topic() or "",
        topic_id=topic_id,
        partition=raw.partition() or 0,
        offset=raw.offset() or 0,
        key=key_of(raw),
        value=value_of(raw),
        headers=tuple(headers_in(raw)),
        timestamp=timestamp,
    )


def timestamp_of(raw: "confluent_kafka.Message") -> datetime:
    """The message's time in UTC."""
    return datetime.fromtimestamp(max(raw.timestamp()[1], 0) / _MILLISECONDS, UTC)


def size_of(raw: "confluent_kafka.Message") -> int:
    """Bytes of key and value together."""
    return len(raw.key() or b"") + len(raw.value() or b"")


def key_of(raw: "confluent_kafka.Message") -> bytes | None:
    """The message's key, or None."""
    return _bytes(raw.key())


def value_of(raw: "confluent_kafka.Message") -> bytes | None:
    """The message's value, or None."""
    return _bytes(raw.value())


def headers_in(raw: "confluent_kafka.Message") -> list[Header]:
    """The message's headers, in their order."""
    headers = raw.headers()
    if not headers:
        return []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(name, _bytes(value)) for name, value in pairs]


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
