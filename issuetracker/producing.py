"""One Kafka producer, and what is known of it."""

import logging
import re
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, Producer

#: Seconds for the brokers to answer a question about the topic.
REQUEST_SECONDS = 2.0
_STATISTICS_MS = 250
_IDENTIFIED = re.compile(r'"idemp_state":\s*"Assigned"')
_IN_PROCESS_BROKER = "mockCluster"


class Session:
    """One producer and what is known of it.

    Attributes:
        producer: the producer.
        identified: set once the broker gave it the id without which it sends nothing.
        in_process_broker: whether the broker is librdkafka's own, in a process's memory.
    """

    def __init__(self, servers: str, on_error: Callable[[KafkaError], None]) -> None:
        self.identified = threading.Event()
        self.in_process_broker = False
        self._fatal = False
        self._tell = on_error
        self.producer = Producer(
            {
                "bootstrap.servers": servers,
                "client.id": "issuetracker",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 2,
                # What its caller gave up is not tried for ever; in the log twice is no harm.
                "message.timeout.ms": 5_000,
                "socket.timeout.ms": 3_000,
                "reconnect.backoff.max.ms": 500,
                "statistics.interval.ms": _STATISTICS_MS,
                "stats_cb": self._on_statistics,
                "error_cb": self._on_error,
                # Errors are told below; librdkafka would log each of ten attempts a second.
                "log_level": 2,
            },
            logger=logging.getLogger(f"{__name__}.client"),
        )

    @property
    def is_dead(self) -> bool:
        """Whether the producer said that it can never send again."""
        return self._fatal

    def has_topic(self, topic: str) -> bool:
        """Whether the brokers have the topic; makes the producer know it.

        Raises:
            KafkaException: they do not answer.
        """
        found = self.producer.list_topics(timeout=REQUEST_SECONDS)
        self.in_process_broker = (found.cluster_id or "").startswith(_IN_PROCESS_BROKER)
        if topic not in (found.topics or {}):
            return False
        self.producer.list_topics(topic, timeout=REQUEST_SECONDS)
        return True

    def _on_error(self, error: KafkaError) -> None:
        self._fatal = self._fatal or error.fatal()
        self._tell(error)

    def _on_statistics(self, statistics: str) -> None:
        if _IDENTIFIED.search(statistics):
            self.identified.set()
        else:
            self.identified.clear()
