"""What a worker says about its progress: a line in the log, and gauges."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kafka_worker.metrics import Metrics

logger = logging.getLogger(__name__)

_IDLE_INTERVAL = 300.0
_GAUGE_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a worker has done since it started, and where it stands.

    Attributes:
        messages: messages handled, or given to the dead letters.
        batches: times that messages were handed to the handler.
        pauses: times that receiving was paused.
        waiting: messages received and not handed over.
        oldest: time of the oldest message received and not handled, or None.
        lag: by partition, messages not handled.
        outage: the part outside that messages wait for; empty: none.
    """

    messages: int
    batches: int
    pauses: int
    waiting: int
    oldest: datetime | None
    lag: Mapping[int, int]
    outage: str


class Reporter:
    """Turns progress into log lines: every few seconds under load, seldom when idle."""

    def __init__(self, name: str, interval: float, metrics: Metrics, now: float) -> None:
        self._name = name
        self._interval = interval
        self._metrics = metrics
        self._since = now
        self._next_gauges = 0.0
        self._messages = 0
        self._batches = 0
        self._pauses = 0
        self._oldest: datetime | None = None
        # Told when it is asked for: a loop that is stuck must not stop the clock.
        metrics.oldest_unwritten.set_function(lambda: age_of(self._oldest))

    def due(self, now: float) -> bool:
        """Whether ``report`` would do something; progress costs a little to find out."""
        return now >= self._next_gauges

    def report(self, progress: Progress, now: float) -> None:
        """Set the gauges, and log a line if it is time; ``now`` is monotonic."""
        self._next_gauges = now + _GAUGE_INTERVAL
        self._oldest = progress.oldest
        self._metrics.waiting.set(1 if progress.outage else 0)
        for partition, lag in progress.lag.items():
            self._metrics.lag(partition, lag)
        idle = progress.messages == self._messages and not sum(progress.lag.values())
        if now - self._since >= (_IDLE_INTERVAL if idle else self._interval):
            self._log(progress, now - self._since)
            self._since = now

    def close(self) -> None:
        """Note that nothing is held any more."""
        self._oldest = None
        self._metrics.waiting.set(0)

    def _log(self, progress: Progress, seconds: float) -> None:
        messages = progress.messages - self._messages
        batches = progress.batches - self._batches
        logger.info(
            "%s: %d messages in %.0f s (%.0f/s), %.0f per batch, lag %d in %d partitions, "
            "%d waiting, oldest %.1f s, %d pauses%s",
            self._name,
            messages,
            seconds,
            messages / seconds if seconds else 0.0,
            messages / batches if batches else 0.0,
            sum(progress.lag.values()),
            len(progress.lag),
            progress.waiting,
            age_of(progress.oldest),
            progress.pauses - self._pauses,
            f"; waiting for {progress.outage}" if progress.outage else "",
            extra={"handler": self._name},
        )
        self._messages, self._batches = progress.messages, progress.batches
        self._pauses = progress.pauses


def age_of(moment: datetime | None) -> float:
    """Seconds since ``moment``; 0 for None."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds()) if moment else 0.0
