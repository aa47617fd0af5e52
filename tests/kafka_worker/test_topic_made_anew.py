import threading
from datetime import timedelta

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.cimpl import NewTopic
from prometheus_client import REGISTRY

from kafka_worker.config import WorkerConfig
from tests.kafka_worker.helpers import Recorder, committed, contents, eventually, produce, running
from tests.services import KafkaBroker, unique


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(
        bootstrap_servers=kafka.bootstrap_servers, identity_interval=timedelta(seconds=1)
    )


@pytest.fixture
def topic(kafka: KafkaBroker) -> str:
    return kafka.topic(partitions=1)


def make_anew(kafka: KafkaBroker, topic: str) -> None:
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result(10)
    eventually(lambda: topic not in admin.list_topics(timeout=5).topics)

    def created() -> bool:
        # The broker refuses the name while the old topic is still being removed.
        return admin.create_topics([NewTopic(topic, 1, 1)])[topic].exception(10) is None

    eventually(created)


def test_a_topic_made_anew_while_the_worker_runs_is_read_from_its_beginning(
    kafka: KafkaBroker, config: WorkerConfig, topic: str
) -> None:
    handler = Recorder(topic, kafka.group())
    produce(kafka.bootstrap_servers, topic, [b"old"] * 30)
    with running(handler, config):
        eventually(lambda: len(handler.handled) == 30)
        make_anew(kafka, topic)
        # More than before: the old position exists in the new topic too.
        values = [str(number).encode() for number in range(50)]
        produce(kafka.bootstrap_servers, topic, values)
        eventually(lambda: {*values} <= {*handler.values}, seconds=30)
    old, new = handler.handled[0], handler.handled[-1]
    assert old.topic_id != new.topic_id


def test_offsets_committed_for_an_earlier_topic_are_not_used(
    kafka: KafkaBroker, config: WorkerConfig, topic: str
) -> None:
    group = kafka.group()
    produce(kafka.bootstrap_servers, topic, [str(number).encode() for number in range(50)])
    stale = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    place = TopicPartition(topic, 0, 30, "id-of-an-earlier-topic")
    stale.commit(offsets=[place], asynchronous=False)
    stale.close()
    handler = Recorder(topic, group)
    with running(handler, config):
        eventually(lambda: {each.offset for each in handler.handled} >= set(range(50)))


def test_a_position_of_an_earlier_topic_is_replaced_also_where_no_message_comes(
    kafka: KafkaBroker, config: WorkerConfig, topic: str
) -> None:
    group = kafka.group()
    stale = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    place = TopicPartition(topic, 0, 30, "id-of-an-earlier-topic")
    stale.commit(offsets=[place], asynchronous=False)
    stale.close()
    with running(Recorder(topic, group), config):
        eventually(lambda: committed(kafka.bootstrap_servers, topic, group) == 0)


def test_offsets_that_someone_has_set_by_hand_are_used(
    kafka: KafkaBroker, config: WorkerConfig, topic: str
) -> None:
    group = kafka.group()
    produce(kafka.bootstrap_servers, topic, [str(number).encode() for number in range(50)])
    tool = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    tool.commit(offsets=[TopicPartition(topic, 0, 30)], asynchronous=False)
    tool.close()
    handler = Recorder(topic, group)
    with running(handler, config):
        eventually(lambda: len(handler.handled) == 20)
    assert [each.offset for each in handler.handled] == list(range(30, 50))


def test_what_retention_removed_is_counted_and_consumption_goes_on(
    kafka: KafkaBroker, config: WorkerConfig, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    group = kafka.group()
    produce(kafka.bootstrap_servers, topic, [str(number).encode() for number in range(50)])
    tool = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    tool.commit(offsets=[TopicPartition(topic, 0, 10)], asynchronous=False)
    tool.close()
    admin = kafka.admin()
    place = TopicPartition(topic, 0, 35)
    admin.delete_records([place])[place].result(10)
    handler = Recorder(topic, group)
    handler.name = unique("late")  # type: ignore[misc]
    labels = {"handler": handler.name, "cause": "retention"}
    with running(handler, config):
        eventually(lambda: len(handler.handled) == 15)
        eventually(lambda: REGISTRY.get_sample_value("kafka_worker_lost_total", labels) == 25)
    assert "Retention removed 25 messages of partition 0" in caplog.text
    assert len(contents(kafka.bootstrap_servers, topic, 15)) == 15


def test_what_is_deleted_with_the_topic_unread_is_counted(
    kafka: KafkaBroker, config: WorkerConfig, topic: str
) -> None:
    go_on = threading.Event()
    handler = Recorder(topic, kafka.group(), lambda _message: assert_set(go_on))
    handler.name = unique("behind")  # type: ignore[misc]
    labels = {"handler": handler.name, "cause": "deletion"}
    produce(kafka.bootstrap_servers, topic, [b"unread"] * 40)
    with running(handler, config):
        eventually(lambda: handler.calls == 1)
        make_anew(kafka, topic)
        eventually(
            lambda: REGISTRY.get_sample_value("kafka_worker_lost_total", labels) == 40,
            seconds=30,
        )
        go_on.set()


def assert_set(event: threading.Event) -> None:
    assert event.wait(30)
