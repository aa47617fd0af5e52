"""The topics a handler needs: there before it starts, the dead letters' one with more room."""

import logging
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ClusterMetadata,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.identity import BrokerIdentity, DerivedIdentity, TopicIdentity, derive_topic_id
from kafka_worker.marks import Marks

logger = logging.getLogger(__name__)

DEAD_LETTERS_SUFFIX = ".dead-letters"
# The headers of a dead letter need room that the message itself did not need.
HEADROOM = 64 * 1024
_IN_PROCESS_BROKER = "mockCluster"
_TIMEOUT = 5.0
# Without a broker this is how long a signal has to wait.
_FIRST_TIMEOUT = 2.0
_ASK_TIMEOUT = 1.0
_TRANSIENT = {
    KafkaError._TRANSPORT,  # noqa: SLF001 - the library's public error codes
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError.NOT_CONTROLLER,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.UNKNOWN_TOPIC_OR_PART,  # just created, not everywhere yet
}


def dead_letters_of(topic: str) -> str:
    """Name of the topic to which rejected messages of ``topic`` go."""
    return topic + DEAD_LETTERS_SUFFIX


@dataclass(frozen=True, slots=True)
class Cluster:
    """The brokers as they were found at start.

    Attributes:
        in_process: whether it is librdkafka's in-process broker, whose log is in memory.
        cluster_id: the cluster's own id.
        addresses: ``host:port`` of each broker.
        topics: names of the topics there are.
    """

    in_process: bool
    cluster_id: str
    addresses: list[str]
    topics: frozenset[str]

    @classmethod
    def of(cls, metadata: ClusterMetadata) -> "Cluster":
        """What a broker says about its cluster."""
        cluster_id = metadata.cluster_id or ""
        return cls(
            in_process=cluster_id.startswith(_IN_PROCESS_BROKER),
            cluster_id=cluster_id,
            addresses=[f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()],
            topics=frozenset(metadata.topics or {}),
        )


class Topics:
    """Looks at and creates the topics of one handler."""

    def __init__(self, config: WorkerConfig, topic: str) -> None:
        self._config = config
        self._topic = topic
        self._admin = AdminClient(dict(config.client_options()))

    @property
    def marks(self) -> Marks:
        """What tells where the topic's partitions begin and end."""
        return Marks(self._admin, self._topic)

    def ask(self) -> None:
        """Return if a broker answers within a second.

        Raises:
            KafkaException: none does.
        """
        self._admin.list_topics(self._topic, timeout=_ASK_TIMEOUT)

    def prepare(self) -> TopicIdentity:
        """Make sure of the topic and its dead-letter topic.

        Returns:
            What tells the topic's id from now on.

        Raises:
            Unavailable: no broker answers yet.
            ConfigurationError: the broker refuses; the message says what.
        """
        try:
            cluster = self._look()
            if cluster.in_process:
                # There, asking for a topic makes it, and creating topics is not supported.
                self._admin.list_topics(self._topic, timeout=_TIMEOUT)
                self._admin.list_topics(dead_letters_of(self._topic), timeout=_TIMEOUT)
            else:
                self._create_missing(cluster.topics)
        except KafkaException as failure:
            raise self._translate(failure) from failure
        return self._identity(cluster)

    def _look(self) -> Cluster:
        return Cluster.of(self._admin.list_topics(timeout=_FIRST_TIMEOUT))

    def _identity(self, cluster: Cluster) -> TopicIdentity:
        derived = derive_topic_id(cluster.cluster_id, cluster.addresses, self._topic)
        if cluster.in_process:
            logger.warning(
                "Topic %s is in an in-process broker: its log is in memory, and the topic has "
                "another id with every start of the broker",
                self._topic,
            )
            return DerivedIdentity(derived)
        interval = self._config.identity_interval.total_seconds()
        return BrokerIdentity(self._admin, self._topic, interval, fallback=derived)

    def _create_missing(self, existing: frozenset[str]) -> None:
        if self._topic not in existing:
            self._create(self._topic, {})
        limit = self._limit(self._topic)
        dead_letters = dead_letters_of(self._topic)
        if dead_letters not in existing:
            # Dead letters wait for a person, however long that takes.
            config = {"max.message.bytes": str(limit + HEADROOM), "retention.ms": "-1"}
            self._create(dead_letters, config)
        elif self._limit(dead_letters) <= limit:
            logger.warning(
                "Topic %s takes no larger messages than %s; set its max.message.bytes to %d, "
                "or a large rejected message will stop its partition",
                dead_letters,
                self._topic,
                limit + HEADROOM,
            )

    def _create(self, name: str, config: dict[str, str]) -> None:
        topic = NewTopic(
            name,
            num_partitions=self._config.partitions,
            replication_factor=self._config.replication_factor,
            config=config,
        )
        try:
            self._admin.create_topics([topic], operation_timeout=_TIMEOUT)[name].result()
        except KafkaException as failure:
            if _error_of(failure).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            logger.info("Created topic %s with %d partitions", name, self._config.partitions)

    def _limit(self, topic: str) -> int:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        answers = self._admin.describe_configs([resource], request_timeout=_TIMEOUT)
        return int(answers[resource].result()["max.message.bytes"].value)

    def _translate(self, failure: KafkaException) -> Exception:
        error = _error_of(failure)
        if error.retriable() or error.code() in _TRANSIENT:
            return Unavailable(f"Kafka at {self._config.bootstrap_servers} ({error.str()})")
        return ConfigurationError(f"Kafka refuses to prepare topic {self._topic}: {error.str()}")


def _error_of(failure: KafkaException) -> KafkaError:
    error: KafkaError = failure.args[0]
    return error
