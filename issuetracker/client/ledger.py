"""Counts what became of the reports, and writes down those that did not arrive."""

import logging
import threading
import time

from issuetracker.client.delivery import Call

logger = logging.getLogger(__name__)


class Ledger:
    """A report that does not arrive is named in the service's own log, so that it is not lost.

    In full up to a limit a minute; beyond it, how many more there were.

    Args:
        limit: lines in each period.
        period: seconds.

    Attributes:
        sent: how many the tracker took.
        failed: how many it did not take.
        dropped: how many were not sent: the queue was full, or the time to drain it was up.
    """

    def __init__(self, limit: int = 20, period: float = 60.0) -> None:
        self._limit, self._period = limit, period
        self.start_anew()

    def start_anew(self) -> None:
        """In a forked child: count from zero, with a lock that no thread of the parent holds."""
        self._lock = threading.Lock()
        self.sent = self.failed = self.dropped = 0
        self._started = float("-inf")
        self._written = self._left_out = 0

    def note_sent(self) -> None:
        """The tracker took one."""
        with self._lock:
            self.sent += 1

    def note_failed(self, call: Call, reason: str) -> None:
        """The tracker did not take ``call``."""
        with self._lock:
            self.failed += 1
        self._write(call, reason)

    def note_dropped(self, call: Call, reason: str) -> None:
        """``call`` was given up without being sent."""
        with self._lock:
            self.dropped += 1
        self._write(call, reason)

    def write_rest(self) -> None:
        """Log how many losses were not named."""
        with self._lock:
            left_out, self._left_out = self._left_out, 0
        _write_left_out(left_out)

    def _write(self, call: Call, reason: str) -> None:
        with self._lock:
            left_out = self._turn_period()
            named = self._written < self._limit
            self._written += named
            self._left_out += not named
        _write_left_out(left_out)
        if named:
            logger.warning(
                "Not reported to the issue tracker (%s): %s [event %s]",
                reason,
                call.about,
                call.event_id,
                extra={"event_id": call.event_id},
            )

    def _turn_period(self) -> int:
        now = time.monotonic()
        if now - self._started < self._period:
            return 0
        self._started, self._written = now, 0
        left_out, self._left_out = self._left_out, 0
        return left_out


def _write_left_out(count: int) -> None:
    if count:
        logger.warning("%d more reports did not reach the issue tracker", count)
