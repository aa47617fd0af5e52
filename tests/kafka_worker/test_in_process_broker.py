"""The same loop on librdkafka's in-process broker, which `make run` uses when no other is named."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Reject
from kafka_worker.letters.form import Content
from kafka_worker.messages import Message
from tests.kafka_worker.helpers import Recorder, contents, eventually, produce, running
from tests.kafka_worker.letters import Mail
from tests.services import unique


@pytest.fixture
def servers() -> Iterator[str]:
    owner = Producer({"test.mock.num.brokers": 1})
    brokers = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{each.host}:{each.port}" for each in brokers)
    del owner


def test_messages_are_handled_rejected_and_not_repeated_after_a_restart(servers: str) -> None:
    topic, group = unique("orders"), unique("billing")

    def act(message: Message) -> None:
        if message.value == b"bad":
            raise Reject("wrong schema")

    config = WorkerConfig(bootstrap_servers=servers)
    first, second = Recorder(topic, group, act), Recorder(topic, group, act)
    with running(first, config):
        produce(servers, topic, [b"1", b"bad", b"2"])
        eventually(lambda: set(first.values) == {b"1", b"2"})
        (letter,) = contents(servers, f"{topic}.dead-letters", 1)
    produce(servers, topic, [b"3"])
    with running(second, config):
        eventually(lambda: second.values == [b"3"])
    assert letter.value() == b"bad"
    assert first.handled[0].topic_id == second.handled[0].topic_id


def test_letters_are_listed_shown_replayed_and_discarded(servers: str) -> None:
    mail = Mail(servers, unique("orders"))

    def act(message: Message) -> None:
        if message.value in {b"bad", b"worse"}:
            raise Reject("wrong schema")

    with running(Recorder(mail.topic, unique("billing"), act), mail.config):
        produce(servers, mail.topic, [b"bad", b"good", b"worse"], key=b"k", partition=1)
        eventually(lambda: len(mail.letters()) == 2)
        bad, worse = mail.letters()
        opened = mail.box().open(bad)
        assert opened is not None
        assert opened[1] == Content(b"k", b"bad", ())
        assert mail.box().discard([worse]).done == [worse]
        assert mail.box().replay([bad]).done == [bad]
        eventually(lambda: [letter.replays for letter in mail.letters()] == [1])
    assert contents(servers, mail.topic, 4)[3].value() == b"bad"


def test_a_topic_has_another_id_with_every_start_of_the_broker() -> None:
    ids = []
    for _ in range(2):
        owner = Producer({"test.mock.num.brokers": 1})
        brokers = owner.list_topics(timeout=10).brokers.values()
        servers = ",".join(f"{each.host}:{each.port}" for each in brokers)
        handler = Recorder("orders", "billing")
        produce(servers, "orders", [b"1"])
        with running(handler, WorkerConfig(bootstrap_servers=servers)):
            eventually(lambda handler=handler: handler.handled)  # type: ignore[misc]
        ids.append(handler.handled[0].topic_id)
        del owner
    assert ids[0] != ids[1]
