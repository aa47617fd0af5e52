"""The lag of partitions about which the messages received say nothing."""

from confluent_kafka import TopicPartition
from prometheus_client import REGISTRY

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.messages import Message
from kafka_worker.partitions import Partition
from kafka_worker.policies import BatchPolicy
from tests.kafka_worker.helpers import BatchRecorder, Recorder, eventually, produce, running
from tests.services import KafkaBroker, unique


def lags(handler: str, partitions: int) -> list[float | None]:
    return [
        REGISTRY.get_sample_value(
            "kafka_worker_lag", {"handler": handler, "partition": str(number)}
        )
        for number in range(partitions)
    ]


def refuse(_messages: object) -> list[object]:
    raise Unavailable("the store")


def test_nothing_committed_and_nothing_received_counts_from_the_first_message_there_is(
    kafka: KafkaBroker,
) -> None:
    topic = kafka.topic(partitions=3)
    servers = kafka.bootstrap_servers
    for number in (0, 1):
        produce(servers, topic, [b"x"] * 100, partition=number)
    admin = kafka.admin()
    place = TopicPartition(topic, 1, 40)
    admin.delete_records([place])[place].result(10)
    # One message is a batch: the others stay where they are.
    policy = BatchPolicy(max_messages=1)
    handler = BatchRecorder(topic, kafka.group(), refuse, policy)  # type: ignore[arg-type]
    handler.name = unique("lagging")  # type: ignore[misc]
    with running(handler, WorkerConfig(bootstrap_servers=servers)):
        eventually(lambda: lags(handler.name, 3) == [100, 60, 0])
        # Receiving is paused by now: the consumer itself learns nothing of these.
        produce(servers, topic, [b"x"] * 10, partition=1)
        produce(servers, topic, [b"x"] * 5, partition=2)
        eventually(lambda: lags(handler.name, 3) == [100, 70, 5])


def test_what_is_handled_does_not_count(kafka: KafkaBroker) -> None:
    topic, servers = kafka.topic(partitions=1), kafka.bootstrap_servers
    waiting = Recorder(topic, kafka.group(), _refuse_the_eleventh)
    waiting.name = unique("lagging")  # type: ignore[misc]
    produce(servers, topic, [b"x"] * 30)
    with running(waiting, WorkerConfig(bootstrap_servers=servers)):
        eventually(lambda: lags(waiting.name, 1) == [20])


def _refuse_the_eleventh(message: Message) -> None:
    if message.offset == 10:
        raise Unavailable("the store")


def test_the_lag_is_unknown_until_both_ends_are_known() -> None:
    partition = Partition(0)
    assert partition.lag(50) is None
    partition.low = 20
    assert partition.lag(None) is None
    assert partition.lag(50) == 30
    partition.start_at(45)
    assert partition.lag(50) == 5
    partition.high = 60
    assert partition.lag(50) == 15
