"""Sends records and waits until the broker has said what became of each."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_worker.config import WorkerConfig
from kafka_worker.letters.form import HEADROOM
from kafka_worker.messages import Header

_DELIVERY_TIMEOUT_MS = 8_000
# Longer than the client's own, so that each message's fate is known when the wait ends.
_FLUSH_TIMEOUT = 10.0
# The topic decides what is too large; the client shall not be the narrower gate.
_CLIENT_LIMIT = 64 * 1024 * 1024 + HEADROOM
ANY_PARTITION = -1
#: Answers of the broker that waiting does not change.
REFUSALS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
    }
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send.

    Attributes:
        topic: where to.
        key: its key, or None.
        value: its value, or None.
        headers: its headers, in their order.
        partition: where to; ``ANY_PARTITION``: as its key says.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()
    partition: int = ANY_PARTITION


class Sender:
    """Sends with an idempotent producer, which is made when it is needed.

    Args:
        config: where the brokers are.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._options = {
            **config.client_options(),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            # The topic's limit holds for what is sent together, too.
            "batch.size": HEADROOM,
            "message.max.bytes": _CLIENT_LIMIT,
            "message.timeout.ms": _DELIVERY_TIMEOUT_MS,
        }
        self._producer: Producer | None = None

    def send(self, records: Sequence[Outgoing]) -> list[KafkaError | None]:
        """Send the records and wait.

        The broker refuses what came together as a whole, so those are sent again one by one.

        Returns:
            For each, why it was not acknowledged; None when it was. One that was not may lie in
            the log all the same.
        """
        fates = self._send(records)
        if len(records) > 1:
            for place, error in enumerate(fates):
                if error is not None and error.code() in REFUSALS:
                    (fates[place],) = self._send([records[place]])
        return fates

    def close(self) -> None:
        """Let go of the connection; nothing is outstanding, because ``send`` waits."""
        self._producer = None

    def _send(self, records: Sequence[Outgoing]) -> list[KafkaError | None]:
        # Of whoever never hears: its time was up.
        fates: list[KafkaError | None] = [KafkaError(KafkaError._TIMED_OUT)] * len(records)  # noqa: SLF001
        producer = self._producer = self._producer or self._new()
        for place, record in enumerate(records):
            try:
                _produce(producer, record, _noting(fates, place))
            except KafkaException as failure:
                fates[place] = failure.args[0]
            producer.poll(0)
        producer.flush(_FLUSH_TIMEOUT)
        if any(error is not None and error.code() not in REFUSALS for error in fates):
            # An idempotent producer may have lost its order for good; a new one costs little.
            self.close()
        return fates

    def _new(self) -> Producer:
        return Producer(dict(self._options), logger=logging.getLogger("kafka_worker.librdkafka"))


def _produce(
    producer: Producer, record: Outgoing, on_delivery: Callable[[KafkaError | None, Message], None]
) -> None:
    def hand_over() -> None:
        producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            partition=record.partition,
            on_delivery=on_delivery,
        )

    try:
        hand_over()
    except BufferError:
        producer.flush(_FLUSH_TIMEOUT)
        hand_over()


def _noting(
    fates: list[KafkaError | None], place: int
) -> Callable[[KafkaError | None, Message], None]:
    def note(error: KafkaError | None, _message: Message) -> None:
        fates[place] = error

    return note
