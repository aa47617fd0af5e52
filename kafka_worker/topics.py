"""The topics a handler needs: there before it starts."""

import logging
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ClusterMetadata,
)
from confluent_kafka.cimpl import NewTopic

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.identity import BrokerIdentity, DerivedIdentity, TopicIdentity, derive_topic_id
from kafka_worker.letters.topic import IN_PROCESS_BROKER, LetterTopic
from kafka_worker.marks import Marks

logger = logging.getLogger(__name__)

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
            in_process=cluster_id.startswith(IN_PROCESS_BROKER),
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
                # There, asking for a topic makes it.
                self._admin.list_topics(self._topic, timeout=_TIMEOUT)
            elif self._topic not in cluster.topics:
                self._create()
            LetterTopic(self._config, self._topic, self._admin).ensure()
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

    def _create(self) -> None:
        topic = NewTopic(
            self._topic,
            num_partitions=self._config.partitions,
            replication_factor=self._config.replication_factor,
        )
        try:
            self._admin.create_topics([topic], operation_timeout=_TIMEOUT)[self._topic].result()
        except KafkaException as failure:
            if _error_of(failure).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            logger.info("Created topic %s with %d partitions", self._topic, self._config.partitions)

    def _translate(self, failure: KafkaException) -> Exception:
        error = _error_of(failure)
        if error.retriable() or error.code() in _TRANSIENT:
            return Unavailable(f"Kafka at {self._config.bootstrap_servers} ({error.str()})")
        return ConfigurationError(f"Kafka refuses to prepare topic {self._topic}: {error.str()}")


def _error_of(failure: KafkaException) -> KafkaError:
    error: KafkaError = failure.args[0]
    return error
