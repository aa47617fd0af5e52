"""Where threads are just now, for a person who wants to know why one is stuck."""

import logging
import sys
import traceback
from datetime import timedelta

from kafka_worker.exceptions import TimeLimitExceeded

logger = logging.getLogger(__name__)

# Of the time limit: a call that takes longer is worth a look.
_SHARE = 0.1


def stack_of(thread: int | None) -> str:
    """Where the thread of this identifier is, as a traceback."""
    frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the only way
    return "".join(traceback.format_stack(frame)) if frame else "(the thread has ended)"


class CallWatch:
    """Watches how long the calls of a handler take. Used by one thread.

    Args:
        name: the handler's.
        time_limit: the longest that a call may take.
        slow: a call that takes longer is logged with its stack, at the earliest after a tenth of
            the limit; and again whenever that time has doubled.
    """

    def __init__(self, name: str, time_limit: timedelta, slow: timedelta) -> None:
        self._name = name
        self._limit = time_limit
        self._first = max(slow.total_seconds(), time_limit.total_seconds() * _SHARE)
        self._next = self._first

    def look(self, seconds: float, thread: int | None) -> None:
        """Log where a slow call stands.

        Args:
            seconds: how long the present call has taken; 0 between calls.
            thread: identifier of the handler's thread.

        Raises:
            TimeLimitExceeded: the call has taken too long.
        """
        if seconds > self._limit.total_seconds():
            logger.critical(
                "%s: a call took longer than %s; the handler is at\n%s",
                self._name,
                self._limit,
                stack_of(thread),
            )
            raise TimeLimitExceeded(f"{self._name}: longer than {self._limit}")
        if seconds < self._first:
            self._next = self._first
        elif seconds >= self._next:
            self._next *= 2
            logger.warning(
                "%s: a call has taken %.0f s (the limit is %s); the handler is at\n%s",
                self._name,
                seconds,
                self._limit,
                stack_of(thread),
                extra={"handler": self._name},
            )
