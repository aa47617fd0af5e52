"""Puts messages that can never succeed on the dead-letter topic, so that none stops its partition.

What is transient waits: the letters come again. What the topic refuses for good, such as a letter
that is too large for it, is written without its content, and says where the message lies.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.letters.form import DeadLetter, Record, dead_letters_of, whole, withheld
from kafka_worker.letters.sending import REFUSALS, Outgoing, Sender
from kafka_worker.letters.topic import LetterTopic
from kafka_worker.metrics import Metrics

logger = logging.getLogger(__name__)


class DeadLetters:
    """Writes the dead letters of one handler and waits until the broker has them.

    Args:
        config: where the brokers are.
        group: the handler's consumer group.
        metrics: the handler's.
    """

    def __init__(self, config: WorkerConfig, group: str, metrics: Metrics) -> None:
        self._config = config
        self._group = group
        self._metrics = metrics
        self._sender = Sender(config)
        self._topic: LetterTopic | None = None

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write the letters; when this returns, the broker has acknowledged every one.

        A letter may be written twice, when an acknowledgement was lost or the worker ended before
        its commit. Its key tells that it is the same one.

        Raises:
            Unavailable: at least one was not acknowledged; all of them have to be written again.
        """
        if not letters:
            return
        now = datetime.now(UTC)
        try:
            self._ready(letters[0].message.topic).ensure()
        except KafkaException as failure:
            raise self._outage(letters[0], failure.args[0]) from failure
        refused = self._send(letters, [whole(each, self._group, now) for each in letters])
        if refused:
            self._withhold([(letters[place], error) for place, error in refused], now)

    def close(self) -> None:
        """Let go of the connections."""
        self._sender.close()
        self._topic = None

    def _withhold(self, refused: Sequence[tuple[DeadLetter, KafkaError]], now: datetime) -> None:
        letters = [letter for letter, _ in refused]
        records = [withheld(each, self._group, now, error.name()) for each, error in refused]
        for place, error in self._send(letters, records):
            # The topic refuses whatever comes: not the letter's fault, and for a person to mend.
            raise self._outage(letters[place], error)
        self._metrics.letters_withheld.inc(len(letters))
        for letter, error in refused:
            logger.error(
                "%s takes no letter with the content of %s (%s); the message itself stays where "
                "it is until that topic's retention takes it",
                dead_letters_of(letter.message.topic),
                letter.message.position,
                error.str(),
            )

    def _send(
        self, letters: Sequence[DeadLetter], records: Sequence[Record]
    ) -> list[tuple[int, KafkaError]]:
        """Send a record for each letter; places and errors of those that are refused for good.

        Raises:
            Unavailable: another one was not acknowledged.
        """
        topic = dead_letters_of(letters[0].message.topic)
        fates = self._sender.send(
            [Outgoing(topic, record.key, record.value, record.headers) for record in records]
        )
        refused = []
        for place, error in enumerate(fates):
            if error is not None and error.code() not in REFUSALS:
                raise self._outage(letters[place], error)
            if error is not None:
                refused.append((place, error))
        return refused

    def _ready(self, topic: str) -> LetterTopic:
        if self._topic is None:
            self._topic = LetterTopic(
                self._config, topic, AdminClient(dict(self._config.client_options()))
            )
        return self._topic

    def _outage(self, letter: DeadLetter, error: KafkaError) -> Unavailable:
        return Unavailable(f"topic {dead_letters_of(letter.message.topic)} ({error.str()})")
