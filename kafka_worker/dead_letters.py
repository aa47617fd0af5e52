"""The dead-letter topic: messages that can never succeed, whole, with headers that say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Report

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.messages import Message
from kafka_worker.topics import HEADROOM, dead_letters_of

Headers = list[tuple[str, str | bytes | None]]

HEADER_PREFIX = "dead-letter-"
_LONGEST_REASON = 500
_LONGEST_ERROR = 8_000
_DELIVERY_TIMEOUT_MS = 8_000
# Longer than the client's own, so that each message's fate is known when the wait ends.
_FLUSH_TIMEOUT = 10.0
# The topic decides what is too large; the client shall not be the narrower gate.
_CLIENT_LIMIT = 64 * 1024 * 1024


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


class DeadLetters:
    """Writes dead letters and waits until the broker has them."""

    def __init__(self, config: WorkerConfig, group: str) -> None:
        self._options = {
            **config.client_options(),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            "message.max.bytes": _CLIENT_LIMIT + HEADROOM,
            "message.timeout.ms": _DELIVERY_TIMEOUT_MS,
        }
        self._group = group
        self._producer: Producer | None = None

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write the letters; when this returns, the broker has acknowledged every one.

        A letter may be written twice, when an acknowledgement was lost or the worker ended before
        its commit. Topic id, partition and offset in its headers tell that it is the same one.

        Raises:
            Unavailable: at least one was not acknowledged; all of them have to be written again.
        """
        if not letters:
            return
        outcome = _Outcome()
        try:
            self._send(letters, outcome)
        except KafkaException as failure:
            self._give_up(letters[0], failure.args[0])
        if outcome.error is not None or outcome.acknowledged != len(letters):
            self._give_up(letters[0], outcome.error)

    def close(self) -> None:
        """Let go of the connection; nothing is outstanding, because ``write`` waits."""
        self._producer = None

    def _send(self, letters: Sequence[DeadLetter], outcome: "_Outcome") -> None:
        if self._producer is None:
            self._producer = Producer(dict(self._options))
        for letter in letters:
            self._producer.produce(
                dead_letters_of(letter.message.topic),
                value=letter.message.value,
                key=letter.message.key,
                headers=headers_of(letter, self._group, datetime.now(UTC)),
                on_delivery=outcome.report,
            )
            self._producer.poll(0)
        self._producer.flush(_FLUSH_TIMEOUT)

    def _give_up(self, letter: DeadLetter, error: KafkaError | None) -> None:
        # An idempotent producer may have lost its order for good; a new one costs little.
        self._producer = None
        cause = error.str() if error is not None else "no acknowledgement in time"
        raise Unavailable(f"topic {dead_letters_of(letter.message.topic)} ({cause})")


class _Outcome:
    """Collects what became of the messages of one ``write``."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.error: KafkaError | None = None

    def report(self, error: KafkaError | None, _message: Report) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.error = error


def headers_of(letter: DeadLetter, group: str, now: datetime) -> Headers:
    """The message's own headers, then those that say why and where it came from."""
    message = letter.message
    added = {
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
    return [*message.headers, *((HEADER_PREFIX + name, added[name].encode()) for name in added)]
