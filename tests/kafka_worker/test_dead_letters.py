from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.cimpl import NewTopic
from prometheus_client import REGISTRY

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Reject
from kafka_worker.handlers import Rejected
from kafka_worker.letters.form import Content
from kafka_worker.letters.topic import LetterTopic
from kafka_worker.messages import Message
from tests.kafka_worker.helpers import (
    BatchRecorder,
    Recorder,
    committed,
    contents,
    eventually,
    produce,
    running,
)
from tests.kafka_worker.letters import Mail, headers, mail_of
from tests.kafka_worker.misbehaving import misbehaving_broker
from tests.services import KafkaBroker


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)


def test_a_rejected_message_lies_whole_in_the_dead_letter_topic(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()

    def act(message: Message) -> None:
        if message.value == b"bad":
            raise Reject("wrong schema", "title is missing")

    handler = Recorder(topic, group, act)
    produce(kafka.bootstrap_servers, topic, [b"good"])
    produce(kafka.bootstrap_servers, topic, [b"bad"], key=b"k", headers=[("trace", b"1")])
    produce(kafka.bootstrap_servers, topic, [b"good too"])
    with running(handler, config):
        eventually(lambda: len(handler.handled) == 2)
    (letter,) = contents(kafka.bootstrap_servers, f"{topic}.dead-letters", 1)
    topic_id = handler.handled[0].topic_id
    assert (letter.key(), letter.value()) == (f"{topic_id}:0:1".encode(), b"bad")
    said = headers(letter)
    assert said.pop("dead-letter-time").startswith("20")
    assert said == {
        "trace": "1",
        "dead-letter-reason": "wrong schema",
        "dead-letter-error": "title is missing",
        "dead-letter-topic": topic,
        "dead-letter-topic-id": topic_id,
        "dead-letter-partition": "0",
        "dead-letter-offset": "1",
        "dead-letter-attempts": "1",
        "dead-letter-group": group,
        "dead-letter-key": "k",
    }
    assert committed(kafka.bootstrap_servers, topic, group) == 3


def test_one_poisonous_message_of_a_batch_is_found_and_the_others_are_handled(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()

    def act(batch: Sequence[Message]) -> list[Rejected]:
        if any(each.value == b"poison" for each in batch):
            raise ZeroDivisionError("division by zero")
        return []

    values = [str(number).encode() for number in range(100)]
    values[61] = b"poison"
    produce(kafka.bootstrap_servers, topic, values)
    handler = BatchRecorder(topic, group, act)
    with running(handler, config):
        eventually(lambda: len(handler.values) >= 99)
    (letter,) = contents(kafka.bootstrap_servers, f"{topic}.dead-letters", 1)
    assert letter.value() == b"poison"
    assert headers(letter)["dead-letter-error"] == "ZeroDivisionError: division by zero"
    assert sorted(handler.values) == sorted(set(values) - {b"poison"})  # type: ignore[type-var]


def test_a_message_as_large_as_the_topic_takes_fits_with_its_headers(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    limit = 200_000
    topic = kafka.topic(partitions=1, max_message_bytes=str(limit))
    large = b"x" * (limit - 200)

    def act(message: Message) -> None:
        raise Reject("too much", "y" * 50_000)

    produce(kafka.bootstrap_servers, topic, [large])
    with running(Recorder(topic, kafka.group(), act), config):
        (letter,) = contents(kafka.bootstrap_servers, f"{topic}.dead-letters", 1)
    assert letter.value() == large


def test_many_letters_that_are_large_together_fit(kafka: KafkaBroker) -> None:
    mail = mail_of(kafka, max_message_bytes="200000")
    mail.write(*(mail.message(offset, b"x" * 150_000) for offset in range(20)))
    assert [letter.withheld for letter in mail.letters()] == [""] * 20


def test_a_letter_that_the_topic_refuses_for_good_leaves_its_message_out_and_finds_it_again(
    kafka: KafkaBroker, config: WorkerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when nobody may change the topic's settings.
    monkeypatch.setattr(LetterTopic, "ensure", lambda _: None)
    mail = mail_of(kafka)
    narrow = NewTopic(mail.name, 1, 1, config={"max.message.bytes": "5000"})
    admin = kafka.admin()
    admin.create_topics([narrow])[mail.name].result(10)
    large = b"b" * 10_000

    def act(message: Message) -> None:
        if message.value != b"good":
            raise Reject("wrong schema")

    group = kafka.group()
    handler = Recorder(mail.topic, group, act)
    produce(mail.servers, mail.topic, [large], key=b"k", headers=[("own", b"x" * 9_000)])
    produce(mail.servers, mail.topic, [b"good"])
    with running(handler, config):
        eventually(lambda: handler.values == [b"good"])
    assert committed(mail.servers, mail.topic, group) == 2
    (letter,) = mail.letters()
    assert letter.withheld == "MSG_SIZE_TOO_LARGE"
    opened = mail.box().open(letter)
    assert opened is not None
    assert opened[1] == Content(b"k", large, (("own", b"x" * 9_000),))
    assert mail.box().replay([letter]).done == [letter]
    assert contents(mail.servers, mail.topic, 3)[2].value() == large


def test_what_the_broker_calls_invalid_does_not_stop_the_partition() -> None:
    with misbehaving_broker() as broker:
        mail = Mail(broker.address, "orders")
        mail.write(mail.message(0))
        broker.answer_produce_with(KafkaError.INVALID_RECORD)
        mail.write(mail.message(1))
        assert [letter.withheld for letter in mail.letters()] == ["", "INVALID_RECORD"]


@pytest.mark.parametrize("error", ["half a character: \ud800", "\x00" * 100_000, ""])
def test_no_error_text_loses_a_letter(kafka: KafkaBroker, error: str) -> None:
    mail = mail_of(kafka)
    mail.write(mail.message(), error=error, reason=error)
    (letter,) = mail.letters()
    assert letter.error == error.encode(errors="backslashreplace").decode()[:200]


def test_while_the_dead_letter_topic_takes_nothing_the_partition_waits() -> None:
    def act(message: Message) -> None:
        if message.value == b"bad":
            raise Reject("wrong schema")

    with misbehaving_broker() as broker:
        mail = Mail(broker.address, "orders")
        mail.box().find()
        produce(broker.address, "orders", [b"bad", b"good"], partition=0)
        # Of these the client asks once each: they are for a person to mend.
        broker.answer_produce_with(*[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 3)
        handler = Recorder("orders", "billing", act)
        before = waits()
        with running(handler, mail.config):
            eventually(lambda: handler.values == [b"good"])
        assert handler.calls == 2
        assert [letter.withheld for letter in mail.letters()] == [""]
    assert waits() == before + 3


def waits() -> float:
    return (
        REGISTRY.get_sample_value(
            "kafka_worker_retries_total", {"handler": "recorder", "cause": "unavailable"}
        )
        or 0.0
    )
