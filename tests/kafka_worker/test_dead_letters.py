import time
from collections.abc import Sequence

import pytest
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Reject
from kafka_worker.handlers import Rejected
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
from tests.services import KafkaBroker

SET = AlterConfigOpType.SET


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)


def headers(letter: KafkaMessage) -> dict[str, str]:
    found = letter.headers() or []
    assert isinstance(found, list)
    return {name: bytes(value or b"").decode() for name, value in found}  # type: ignore[arg-type]


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
    assert (letter.key(), letter.value()) == (b"k", b"bad")
    said = headers(letter)
    assert said.pop("dead-letter-time").startswith("20")
    assert said == {
        "trace": "1",
        "dead-letter-reason": "wrong schema",
        "dead-letter-error": "title is missing",
        "dead-letter-topic": topic,
        "dead-letter-topic-id": handler.handled[0].topic_id,
        "dead-letter-partition": "0",
        "dead-letter-offset": "1",
        "dead-letter-attempts": "1",
        "dead-letter-group": group,
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


def test_dead_letters_are_kept_until_someone_has_looked(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic = kafka.topic(partitions=1)
    admin = kafka.admin()
    resource = ConfigResource(ConfigResource.Type.TOPIC, f"{topic}.dead-letters")
    with running(Recorder(topic, kafka.group()), config):
        eventually(lambda: resource.name in admin.list_topics(timeout=5).topics)
    settings = admin.describe_configs([resource])[resource].result(10)
    assert settings["retention.ms"].value == "-1"


def test_while_the_dead_letter_topic_refuses_the_partition_waits(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()
    dead_letters, admin = f"{topic}.dead-letters", kafka.admin()
    narrow = NewTopic(dead_letters, 1, 1, config={"max.message.bytes": "100"})
    admin.create_topics([narrow])[dead_letters].result(10)

    def act(message: Message) -> None:
        if message.value != b"good":
            raise Reject("wrong schema")

    handler = Recorder(topic, group, act)
    produce(kafka.bootstrap_servers, topic, [b"b" * 1_000, b"good"])
    with running(handler, config):
        eventually(lambda: handler.calls)
        time.sleep(1)
        assert handler.calls == 1
        assert committed(kafka.bootstrap_servers, topic, group) < 0
        wider = ConfigEntry("max.message.bytes", "100000", incremental_operation=SET)
        resource = ConfigResource(
            ConfigResource.Type.TOPIC, dead_letters, incremental_configs=[wider]
        )
        admin.incremental_alter_configs([resource])[resource].result(10)
        eventually(lambda: handler.values == [b"good"])
    assert len(contents(kafka.bootstrap_servers, dead_letters, 1)) == 1
    assert committed(kafka.bootstrap_servers, topic, group) == 2
