"""The dead-letter topic is there, roomy, kept without limit and compacted, whoever made it."""

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from kafka_worker.exceptions import Reject
from kafka_worker.letters.form import HEADROOM
from kafka_worker.messages import Message
from tests.kafka_worker.helpers import Recorder, contents, eventually, produce, running
from tests.kafka_worker.letters import Mail, mail_of
from tests.services import KafkaBroker


@pytest.fixture
def mail(kafka: KafkaBroker) -> Mail:
    return mail_of(kafka, max_message_bytes="300000")


def settings_of(kafka: KafkaBroker, topic: str) -> dict[str, str]:
    admin, resource = kafka.admin(), ConfigResource(ConfigResource.Type.TOPIC, topic)
    found = admin.describe_configs([resource])[resource].result(10)
    names = ("cleanup.policy", "retention.ms", "max.message.bytes")
    return {name: found[name].value for name in names}


def is_right(kafka: KafkaBroker, mail: Mail) -> bool:
    return settings_of(kafka, mail.name) == {
        "cleanup.policy": "compact",
        "retention.ms": "-1",
        "max.message.bytes": str(300_000 + HEADROOM),
    }


def make_as_before(kafka: KafkaBroker, mail: Mail, **config: str) -> None:
    admin = kafka.admin()
    settings = {"retention.ms": "-1", "max.message.bytes": "100", **config}
    admin.create_topics([NewTopic(mail.name, 1, 1, config=settings)])[mail.name].result(10)


def letter_headers(mail: Mail, offset: int) -> list[tuple[str, bytes]]:
    said = {"reason": "r", "error": "e", "topic": mail.topic, "topic-id": "id", "partition": "0"}
    said |= {"offset": str(offset), "attempts": "1", "time": "2026-01-01T00:00:00+00:00"}
    return [("own", b"1"), *((f"dead-letter-{name}", said[name].encode()) for name in said)]


def test_a_new_one_is_compacted_and_kept_without_a_time_limit(
    kafka: KafkaBroker, mail: Mail
) -> None:
    mail.write(mail.message())
    assert is_right(kafka, mail)


def test_one_of_the_version_before_is_set_right_when_a_worker_starts(
    kafka: KafkaBroker, mail: Mail
) -> None:
    make_as_before(kafka, mail)
    with running(Recorder(mail.topic, kafka.group()), mail.config):
        eventually(lambda: is_right(kafka, mail))


def test_letters_of_the_version_before_are_not_lost_by_the_compaction(
    kafka: KafkaBroker, mail: Mail
) -> None:
    make_as_before(kafka, mail, **{"max.message.bytes": "1000000"})
    produce(mail.servers, mail.name, [b"a"], key=b"same", headers=letter_headers(mail, 1))
    produce(mail.servers, mail.name, [b"b"], key=b"same", headers=letter_headers(mail, 2))
    produce(mail.servers, mail.name, [b"c"], headers=letter_headers(mail, 3))
    produce(mail.servers, mail.name, [None], key=b"k", headers=letter_headers(mail, 4))  # type: ignore[list-item]
    mail.write(mail.message(9))
    assert settings_of(kafka, mail.name)["cleanup.policy"] == "compact"
    records = contents(mail.servers, mail.name, 5)
    assert [record.key() for record in records] == [
        *(f"id:0:{offset}".encode() for offset in (1, 2, 3, 4)),
        b"id-of-orders:0:9",
    ]
    box = mail.box()
    opened = [found for letter in mail.letters()[:4] if (found := box.open(letter))]
    messages = [content for _, content in opened if content]
    assert [(each.key, each.value) for each in messages] == [
        (b"same", b"a"),
        (b"same", b"b"),
        (None, b"c"),
        (b"k", None),
    ]
    assert {each.headers for each in messages} == {(("own", b"1"),)}


def test_a_topic_that_holds_something_else_is_not_compacted(kafka: KafkaBroker, mail: Mail) -> None:
    make_as_before(kafka, mail, **{"max.message.bytes": "1000000"})
    produce(mail.servers, mail.name, [b"no letter"])
    mail.write(mail.message(9))
    assert settings_of(kafka, mail.name)["cleanup.policy"] == "delete"
    assert len(contents(mail.servers, mail.name, 2)) == 2
    assert mail.box().find().foreign == 1


def test_one_that_is_deleted_while_a_worker_runs_is_made_anew(
    kafka: KafkaBroker, mail: Mail
) -> None:
    def act(message: Message) -> None:
        raise Reject("wrong schema")

    admin = kafka.admin()
    with running(Recorder(mail.topic, kafka.group(), act), mail.config):
        produce(mail.servers, mail.topic, [b"1"])
        eventually(lambda: len(mail.letters()) == 1)
        admin.delete_topics([mail.name])[mail.name].result(10)
        eventually(lambda: mail.name not in admin.list_topics(timeout=5).topics)
        produce(mail.servers, mail.topic, [b"2"])
        eventually(lambda: [letter.offset for letter in mail.letters()] == [1])
    assert is_right(kafka, mail)


def test_room_grows_with_the_topic_while_a_worker_runs(kafka: KafkaBroker, mail: Mail) -> None:
    mail.write(mail.message())
    admin = kafka.admin()
    entry = ConfigEntry("max.message.bytes", "900000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, mail.topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(10)
    mail.write(mail.message(1, b"x" * 800_000))
    assert [letter.size for letter in mail.letters()] == [1, 800_000]
