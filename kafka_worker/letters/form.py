"""What a dead letter is as a record of its topic, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import Message as KafkaMessage

from kafka_worker.messages import Header, Message, headers_in, key_of, value_of

DEAD_LETTERS_SUFFIX = ".dead-letters"
#: Bytes that the headers of a dead letter need and the message itself did not.
HEADROOM = 64 * 1024
HEADER_PREFIX = "dead-letter-"
#: How often the message was replayed; it travels with the message, so that a second death adds up.
REPLAYS = HEADER_PREFIX + "replays"
#: The first of the headers that a letter adds: what stands before it is the message's own.
_REASON = HEADER_PREFIX + "reason"
_KEY = HEADER_PREFIX + "key"
_NULL_VALUE = HEADER_PREFIX + "null-value"
_WITHHELD = HEADER_PREFIX + "withheld"
_LONGEST_REASON = 500
_LONGEST_ERROR = 8_000
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never succeed.

    Attributes:
        message: the message, as it was received.
        reason: why, in a few words.
        error: the particulars.
        attempts: how often the handler was called with it.
    """

    message: Message
    reason: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is put on the dead-letter topic.

    Attributes:
        key: the letter's id.
        value: the message's value; empty where that is null.
        headers: the message's own, then the letter's.
    """

    key: bytes
    value: bytes
    headers: list[Header]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it lies on its topic, without the content of its message.

    Attributes:
        id: ``{topic id}:{partition}:{offset}`` of the message.
        topic: the topic that the message came from.
        topic_id: that topic's identity.
        partition: the message's partition.
        offset: the message's offset.
        reason: why it can never succeed, in a few words.
        error: the particulars; in lists only their beginning.
        attempts: how often the handler was called with it.
        replays: how often the message was replayed before it came here.
        time: when the letter was written.
        group: the consumer group that gave it up.
        size: bytes of the message's value.
        withheld: why the topic refused the message's content; empty when the letter is whole.
        places: partition and offset of the letter on its own topic. More than one partition is
            possible when partitions were added between two writings of it.
    """

    id: str
    topic: str
    topic_id: str
    partition: int
    offset: int
    reason: str
    error: str
    attempts: int
    replays: int
    time: datetime
    group: str
    size: int
    withheld: str
    places: tuple[tuple[int, int], ...]

    @property
    def position(self) -> str:
        """Where the message stood, for people: ``alphafusion.issues[3]@42``."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Content:
    """The message in a letter, byte for byte.

    Attributes:
        key: the message's key, or None.
        value: its value, or None.
        headers: its own headers, in their order.
    """

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


def dead_letters_of(topic: str) -> str:
    """Name of the topic to which rejected messages of ``topic`` go."""
    return topic + DEAD_LETTERS_SUFFIX


def letter_id(message: Message) -> str:
    """The id of the letter that holds ``message``."""
    return f"{message.topic_id}:{message.partition}:{message.offset}"


def whole(letter: DeadLetter, group: str, now: datetime) -> Record:
    """The record of a letter with everything its message had."""
    message = letter.message
    headers = [*message.headers, *_said(letter, group, now)]
    headers += _of_message(message.key, message.value)
    return Record(letter_id(message).encode(), message.value or b"", headers)


def withheld(letter: DeadLetter, group: str, now: datetime, refusal: str) -> Record:
    """The record of a letter whose message the topic refuses: it says where the message is.

    Args:
        letter: what was refused.
        group: the consumer group.
        now: the time to write into it.
        refusal: the broker's error.
    """
    replays = [header for header in letter.message.headers if header[0] == REPLAYS]
    headers = [*replays, *_said(letter, group, now), (_WITHHELD, refusal.encode())]
    return Record(letter_id(letter.message).encode(), b"", headers)


def rekeyed(raw: KafkaMessage, letter: Letter) -> Record:
    """A record in today's form of a letter in any form.

    Letters of version 0.1 before its release had the key and value of their message.
    """
    key, value, headers = key_of(raw), value_of(raw), headers_in(raw)
    if key != letter.id.encode():
        headers = [*headers, *_of_message(key, value)]
    return Record(letter.id.encode(), value or b"", headers)


def letter_in(raw: KafkaMessage, longest_error: int | None = None) -> Letter | None:
    """The letter in a record; None when it is none.

    Args:
        raw: a record of a dead-letter topic, without an error.
        longest_error: how much of the error to keep; all of it without.
    """
    own, said = _parted(raw)
    try:
        topic_id, partition, offset = _text(said["topic-id"]), said["partition"], said["offset"]
        return Letter(
            id=f"{topic_id}:{int(partition)}:{int(offset)}",
            topic=_text(said["topic"]),
            topic_id=topic_id,
            partition=int(partition),
            offset=int(offset),
            reason=_text(said["reason"]),
            error=_text(said.get("error"))[:longest_error],
            attempts=_number(said.get("attempts")),
            replays=replays_in(own),
            time=_moment(said.get("time")),
            group=_text(said.get("group")),
            size=len(raw.value() or b""),
            withheld=_text(said.get("withheld")),
            places=((raw.partition() or 0, raw.offset() or 0),),
        )
    except (KeyError, ValueError):
        return None


def content_in(raw: KafkaMessage, letter: Letter) -> Content:
    """The message in the record of ``letter``."""
    own, said = _parted(raw)
    key, value = key_of(raw), value_of(raw)
    if key == letter.id.encode():
        key = said.get("key")
        value = None if "null-value" in said else value
    return Content(key, value, tuple(own))


def replays_in(headers: Sequence[Header]) -> int:
    """How often the message with these headers was replayed."""
    return max((_number(value) for name, value in headers if name == REPLAYS), default=0)


def replayed(content: Content, replays: int) -> list[Header]:
    """The message's own headers, and how often it was replayed by now."""
    own = [header for header in content.headers if header[0] != REPLAYS]
    return [*own, (REPLAYS, str(replays).encode())]


def _said(letter: DeadLetter, group: str, now: datetime) -> list[Header]:
    message = letter.message
    said = {
        "reason": letter.reason[:_LONGEST_REASON],
        "error": letter.error[:_LONGEST_ERROR],
        "topic": message.topic,
        "topic-id": message.topic_id,
        "partition": str(message.partition),
        "offset": str(message.offset),
        "attempts": str(letter.attempts),
        "time": now.isoformat(timespec="milliseconds"),
        "group": group,
    }
    # An error may quote half a character of its message; that must not lose the letter.
    return [
        (HEADER_PREFIX + name, text.encode(errors="backslashreplace"))
        for name, text in said.items()
    ]


def _of_message(key: bytes | None, value: bytes | None) -> list[Header]:
    headers: list[Header] = [] if key is None else [(_KEY, key)]
    return headers if value is not None else [*headers, (_NULL_VALUE, b"")]


def _parted(raw: KafkaMessage) -> tuple[list[Header], dict[str, bytes]]:
    """The message's own headers; the letter's, by name without the prefix.

    By place, not by name: the message may itself have been a dead letter.
    """
    headers = headers_in(raw)
    places = [place for place, (name, _) in enumerate(headers) if name == _REASON]
    start = places[-1] if places else len(headers)
    said = {name.removeprefix(HEADER_PREFIX): value or b"" for name, value in headers[start:]}
    return headers[:start], said


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


def _number(value: bytes | None) -> int:
    try:
        return max(int(value or b"0"), 0)
    except ValueError:
        return 0


def _moment(value: bytes | None) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
