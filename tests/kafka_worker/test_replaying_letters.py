"""Replaying and discarding: byte for byte, once for each letter, never in a circle."""

from typing import Any

import pytest
from confluent_kafka import Message as KafkaMessage

from kafka_worker.exceptions import ConfigurationError, Reject
from kafka_worker.messages import Message, headers_in
from tests.kafka_worker.helpers import Recorder, contents, eventually, produce, running
from tests.kafka_worker.letters import Mail, crash_before_the_letter_goes, mail_of
from tests.services import KafkaBroker


@pytest.fixture
def mail(kafka: KafkaBroker) -> Mail:
    return mail_of(kafka)


def reject(message: Message) -> None:
    raise Reject("wrong schema")


def whole(record: KafkaMessage) -> tuple[Any, ...]:
    own = [header for header in headers_in(record) if header[0] != "dead-letter-replays"]
    return record.key(), record.value(), own


@pytest.mark.parametrize(
    "fields",
    [
        {"key": None, "value": b"v"},
        {"key": b"k", "value": None},
        {"key": b"", "value": b""},
        {"key": b"\xff\x00", "value": bytes(range(256))},
        {
            "key": b"k",
            "value": b"v",
            "headers": [("a", b"1"), ("b", b"\xff\x00"), ("a", b"2"), ("empty", b""), ("no", None)],
        },
        {"key": b"k", "value": b"v", "headers": [("dead-letter-reason", b"an earlier one's")]},
    ],
)
def test_a_message_comes_back_byte_for_byte(
    kafka: KafkaBroker, mail: Mail, fields: dict[str, Any]
) -> None:
    value = fields.pop("value")
    produce(mail.servers, mail.topic, [value], **fields)
    with running(Recorder(mail.topic, kafka.group(), reject), mail.config):
        eventually(mail.letters)
    (letter,) = mail.letters()
    outcome = mail.box().replay([letter])
    assert (outcome.done, outcome.failed) == ([letter], [])
    first, again = contents(mail.servers, mail.topic, 2)
    assert whole(again) == whole(first)
    assert headers_in(again)[-1] == ("dead-letter-replays", b"1")
    assert mail.letters() == []


def test_a_message_goes_back_to_its_partition(kafka: KafkaBroker) -> None:
    mail = mail_of(kafka, partitions=4)
    mail.write(*(mail.message(0, partition=number, key=b"same") for number in range(4)))
    assert len(mail.box().replay(mail.letters()).done) == 4
    found = contents(mail.servers, mail.topic, 4)
    assert sorted(record.partition() or 0 for record in found) == [0, 1, 2, 3]


def test_a_message_that_keeps_dying_is_held_back(kafka: KafkaBroker, mail: Mail) -> None:
    produce(mail.servers, mail.topic, [b"poison"], headers=[("own", b"1")])
    with running(Recorder(mail.topic, kafka.group(), reject), mail.config):
        for replays in range(3):
            eventually(mail.letters)
            (letter,) = mail.letters()
            assert letter.replays == replays
            mail.box().replay([letter])
            eventually(
                lambda known=letter.id: [each.id for each in mail.letters()] not in ([], [known])  # type: ignore[misc]
            )
        (letter,) = mail.letters()
        outcome = mail.box().replay([letter])
        assert outcome.done == []
        assert "it came back 3 times already" in outcome.failed[0][1]
        assert [each.id for each in mail.letters()] == [letter.id]
    assert mail.box().replay([letter], force=True).done == [letter]
    last = contents(mail.servers, mail.topic, 5)[-1]
    assert headers_in(last) == [("own", b"1"), ("dead-letter-replays", b"4")]


def test_what_comes_back_while_it_runs_is_not_replayed_again(
    kafka: KafkaBroker, mail: Mail
) -> None:
    produce(mail.servers, mail.topic, [b"poison"] * 1_200)
    with running(Recorder(mail.topic, kafka.group(), reject), mail.config):
        eventually(lambda: len(mail.letters()) == 1_200, seconds=60)
        outcome = mail.box().replay(mail.letters())
        eventually(lambda: len(mail.letters()) == 1_200, seconds=60)
    assert len(outcome.done) == 1_200
    assert {letter.replays for letter in mail.letters()} == {1}
    assert len(contents(mail.servers, mail.topic, 2_400)) == 2_400


def test_a_crash_between_the_two_leaves_the_letter(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.write(mail.message(0, b"once"))
    crash_before_the_letter_goes(mail, monkeypatch)
    assert len(mail.letters()) == 1
    assert len(mail.box().replay(mail.letters()).done) == 1
    assert [each.value() for each in contents(mail.servers, mail.topic, 2)] == [b"once"] * 2
    assert mail.letters() == []


def test_what_the_topic_does_not_take_keeps_its_letter(kafka: KafkaBroker) -> None:
    mail = mail_of(kafka, max_message_bytes="10000")
    mail.write(mail.message(1, b"x" * 20_000), mail.message(2, b"small"))
    large, small = mail.letters()
    outcome = mail.box().replay([large, small])
    assert outcome.done == [small]
    assert [letter for letter, _ in outcome.failed] == [large]
    assert "not acknowledged: Broker: Message size too large" in outcome.failed[0][1]
    assert mail.letters() == [large]


def test_without_its_topic_nothing_is_replayed(kafka: KafkaBroker, mail: Mail) -> None:
    mail.write(mail.message())
    admin = kafka.admin()
    admin.delete_topics([mail.topic])[mail.topic].result(10)
    eventually(lambda: mail.topic not in admin.list_topics(timeout=5).topics)
    with pytest.raises(ConfigurationError, match="is not there"):
        mail.box().replay(mail.letters())
    assert len(mail.letters()) == 1


def test_a_discarded_letter_is_gone_and_its_message_is_not_sent(mail: Mail) -> None:
    mail.write(mail.message(1), mail.message(2))
    first, second = mail.letters()
    assert mail.box().discard([first]).done == [first]
    assert mail.letters() == [second]
    stone = contents(mail.servers, mail.name, 3)[-1]
    assert (stone.key(), stone.value()) == (b"id-of-orders:0:1", None)
