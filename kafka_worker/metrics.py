"""Every metric of a worker, in one place."""

from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram

_LABELS = ("handler",)

CONSUMED = Counter("kafka_worker_messages_consumed", "Messages received from the topic.", _LABELS)
BATCHES = Counter("kafka_worker_batches", "Calls of the handler that succeeded.", _LABELS)
BATCH_MESSAGES = Histogram(
    "kafka_worker_batch_messages",
    "Messages in one call of the handler.",
    _LABELS,
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
)
HANDLE_SECONDS = Histogram(
    "kafka_worker_handle_seconds",
    "Time of one call of the handler.",
    _LABELS,
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
)
RETRIES = Counter(
    "kafka_worker_retries",
    "Calls that have to be repeated: a failure, or a part outside unavailable.",
    (*_LABELS, "cause"),
)
DEAD_LETTERS = Counter(
    "kafka_worker_dead_letters", "Messages put into the dead-letter topic.", _LABELS
)
LETTERS_WITHHELD = Counter(
    "kafka_worker_dead_letters_withheld",
    "Dead letters without their message's content, which the topic refused.",
    _LABELS,
)
LETTERS_REPLAYED = Counter(
    "kafka_worker_dead_letters_replayed", "Dead letters put back on their topic.", _LABELS
)
LETTERS_DISCARDED = Counter(
    "kafka_worker_dead_letters_discarded", "Dead letters thrown away by a person.", _LABELS
)
PAUSES = Counter("kafka_worker_pauses", "Times consumption was paused for a busy handler.", _LABELS)
REBALANCES = Counter(
    "kafka_worker_rebalances", "Changes of the assigned partitions.", (*_LABELS, "change")
)
LOST = Counter(
    "kafka_worker_lost",
    "Messages that Kafka removed before they were read; cause: retention, or the topic's deletion.",
    (*_LABELS, "cause"),
)
BEGUN_ANEW = Counter(
    "kafka_worker_topic_begun_anew", "Times the topic turned out to be another one.", _LABELS
)
LAG = Gauge(
    "kafka_worker_lag", "Messages of the partition not handled yet.", (*_LABELS, "partition")
)
OLDEST_UNWRITTEN_SECONDS = Gauge(
    "kafka_worker_oldest_unwritten_seconds",
    "Age of the oldest message that is received and not handled yet; 0 without one.",
    _LABELS,
)
WAITING_FOR_OUTAGE = Gauge(
    "kafka_worker_waiting_for_outage",
    "1 while messages wait for a part outside that is down, else 0.",
    _LABELS,
)


@dataclass(frozen=True)
class Metrics:
    """The metrics of one handler.

    Attributes:
        handler: the handler's name.
    """

    handler: str
    consumed: Counter = field(init=False)
    batches: Counter = field(init=False)
    batch_messages: Histogram = field(init=False)
    handle_seconds: Histogram = field(init=False)
    dead_letters: Counter = field(init=False)
    letters_withheld: Counter = field(init=False)
    pauses: Counter = field(init=False)
    begun_anew: Counter = field(init=False)
    oldest_unwritten: Gauge = field(init=False)
    waiting: Gauge = field(init=False)

    def __post_init__(self) -> None:
        bound = {
            "consumed": CONSUMED,
            "batches": BATCHES,
            "batch_messages": BATCH_MESSAGES,
            "handle_seconds": HANDLE_SECONDS,
            "dead_letters": DEAD_LETTERS,
            "letters_withheld": LETTERS_WITHHELD,
            "pauses": PAUSES,
            "begun_anew": BEGUN_ANEW,
            "oldest_unwritten": OLDEST_UNWRITTEN_SECONDS,
            "waiting": WAITING_FOR_OUTAGE,
        }
        for name, metric in bound.items():
            object.__setattr__(self, name, metric.labels(self.handler))

    def retried(self, cause: str) -> None:
        """Count a call that has to be repeated; cause: ``failure`` or ``unavailable``."""
        RETRIES.labels(self.handler, cause).inc()

    def lost(self, messages: int, cause: str) -> None:
        """Count messages that were removed unread; cause: ``retention`` or ``deletion``."""
        LOST.labels(self.handler, cause).inc(messages)

    def rebalanced(self, change: str) -> None:
        """Count a rebalance; change: ``assigned``, ``revoked`` or ``lost``."""
        REBALANCES.labels(self.handler, change).inc()

    def lag(self, partition: int, messages: int) -> None:
        """Set the lag of a partition; 0 when it has become another worker's."""
        LAG.labels(self.handler, str(partition)).set(messages)
