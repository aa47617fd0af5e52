"""How a worker runs: addresses, times and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from django.conf import settings

from kafka_worker.exceptions import ConfigurationError

ClientOption = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """How a worker runs, whatever its handler does.

    Attributes:
        bootstrap_servers: ``host:port`` of one or more brokers, separated by commas.
        client_id: name of this client in the broker's logs.
        group_instance_id: a stable name of this very worker, such as its pod's. With one, a quick
            restart keeps its partitions instead of causing a rebalance. Empty: none.
        session_timeout: how long a worker that was killed keeps its partitions.
        grace: how long a warm shutdown waits for the handler.
        revoke_grace: how long a rebalance waits for the handler, so that what it is just doing is
            committed and not done twice.
        report_interval: time between two lines about progress in the log.
        identity_interval: time between two looks at the topic's identity.
        partitions: partitions of a topic that has to be created.
        replication_factor: replicas of a topic that has to be created; -1: the broker's default.
        health_port: port on which ``/livez``, ``/readyz`` and ``/metrics`` are served; 0: none.
        health_host: address on which they are served; "0.0.0.0" for probes from other machines.
        loop_limit: how long the loop may be stuck before ``/livez`` says so.
        slow_call: a call of the handler that takes longer, and longer than a tenth of its time
            limit, is logged with its stack.
        options: further librdkafka options, such as those for TLS and SASL.
    """

    bootstrap_servers: str
    client_id: str = "kafka-worker"
    group_instance_id: str = ""
    session_timeout: timedelta = timedelta(seconds=6)
    grace: timedelta = timedelta(seconds=20)
    revoke_grace: timedelta = timedelta(seconds=5)
    report_interval: timedelta = timedelta(seconds=10)
    identity_interval: timedelta = timedelta(seconds=60)
    partitions: int = 4
    replication_factor: int = -1
    health_port: int = 0
    health_host: str = "127.0.0.1"
    loop_limit: timedelta = timedelta(seconds=30)
    slow_call: timedelta = timedelta(seconds=10)
    options: Mapping[str, ClientOption] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, **overrides: Any) -> "WorkerConfig":  # noqa: ANN401 - any field
        """The configuration in Django's setting ``KAFKA_WORKER``.

        Args:
            overrides: fields that differ from the setting; None and "" leave it as it is.

        Raises:
            ConfigurationError: a key is unknown, or no broker is named.
        """
        given = dict(getattr(settings, "KAFKA_WORKER", {}))
        given.update({key: value for key, value in overrides.items() if value not in (None, "")})
        unknown = sorted(set(given) - {known.name for known in fields(cls)})
        if unknown:
            raise ConfigurationError(f"KAFKA_WORKER has unknown keys: {', '.join(unknown)}")
        if not given.get("bootstrap_servers"):
            raise ConfigurationError(
                "No Kafka broker is named: set bootstrap_servers in KAFKA_WORKER to host:port"
            )
        return cls(**given)

    def client_options(self) -> dict[str, ClientOption]:
        """The librdkafka options that every client of this worker has."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.client_id,
            "reconnect.backoff.max.ms": 2_000,
            "socket.timeout.ms": 10_000,
            # Trouble is told by whoever asks; librdkafka would log each of many attempts a second.
            "log_level": 2,
            **self.options,
        }

    def consumer_options(self, group: str) -> dict[str, ClientOption]:
        """The librdkafka options of the consumer in ``group``."""
        options: dict[str, ClientOption] = {
            **self.client_options(),
            "group.id": group,
            # The newer group protocol keeps a killed member's partitions for 45 s, and refuses
            # a restarted static member.
            "group.protocol": "classic",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": round(self.session_timeout.total_seconds() * 1_000),
            "heartbeat.interval.ms": round(self.session_timeout.total_seconds() * 1_000 / 4),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # Added partitions are noticed at the next refresh only.
            "topic.metadata.refresh.interval.ms": 30_000,
            "queued.max.messages.kbytes": 16_384,
            "fetch.queue.backoff.ms": 50,
        }
        if self.group_instance_id:
            options["group.instance.id"] = self.group_instance_id
        return options
