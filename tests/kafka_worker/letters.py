"""Dead letters for tests: written as a worker writes them, read as anybody would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError
from confluent_kafka import Message as KafkaMessage
from pytest_django import Settings

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.dead_letters import DeadLetters
from kafka_worker.handlers import Handler
from kafka_worker.letters.box import LetterBox
from kafka_worker.letters.form import DeadLetter, Letter
from kafka_worker.letters.sending import Outgoing, Sender
from kafka_worker.messages import Message
from kafka_worker.metrics import Metrics
from tests.kafka_worker.helpers import Recorder, message
from tests.services import KafkaBroker


def headers(record: KafkaMessage) -> dict[str, str]:
    """A record's headers as text."""
    found = record.headers() or []
    assert isinstance(found, list)
    return {name: bytes(value or b"").decode() for name, value in found}  # type: ignore[arg-type]


@dataclass
class Mail:
    """The dead letters of one topic, which is made by the test.

    Attributes:
        servers: the broker.
        topic: the topic.
    """

    servers: str
    topic: str
    config: WorkerConfig = field(init=False)
    handler: type[Handler] = field(init=False)

    def __post_init__(self) -> None:
        self.config = WorkerConfig(bootstrap_servers=self.servers, partitions=1)
        names = {"name": self.topic, "topic": self.topic, "group": "billing"}
        self.handler = type("Orders", (Recorder,), names)

    @property
    def name(self) -> str:
        """The dead-letter topic."""
        return f"{self.topic}.dead-letters"

    def box(self, seconds: float = 60) -> LetterBox:
        """What people do with the letters."""
        return LetterBox(self.handler, self.config, seconds)

    def letters(self) -> list[Letter]:
        """The letters there are."""
        return self.box().find().letters

    def message(self, offset: int = 0, value: bytes | None = b"v", **fields: Any) -> Message:
        """A message of the topic."""
        return message(offset, value, topic=self.topic, **fields)  # type: ignore[arg-type]

    def write(self, *messages: Message, reason: str = "wrong schema", error: str = "e") -> None:
        """Give messages up."""
        writer = DeadLetters(self.config, "billing", Metrics("billing"))
        writer.write([DeadLetter(each, reason, error, 1) for each in messages])
        writer.close()


def mail_of(kafka: KafkaBroker, partitions: int = 1, **config: str) -> Mail:
    """A topic of the test's own, and its dead letters."""
    return Mail(kafka.bootstrap_servers, kafka.topic(partitions=partitions, **config))


def registered_mail(
    kafka: KafkaBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Mail:
    """The dead letters of the only handler that is registered, named ``orders``."""
    mail = mail_of(kafka)
    settings.KAFKA_WORKER = {"bootstrap_servers": mail.servers}
    monkeypatch.setattr(registry, "_handlers", {"orders": mail.handler})
    mail.handler.name = "orders"
    return mail


def crash_before_the_letter_goes(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay every letter in a process that ends before it has discarded them."""
    send = Sender.send

    def dies(self: Sender, records: Sequence[Outgoing]) -> list[KafkaError | None]:
        if any(record.value is None for record in records):
            raise KeyboardInterrupt
        return send(self, records)

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            mail.box().replay(mail.letters())
