"""Whether it is worth asking the tracker at all."""

import logging
import threading
import time

logger = logging.getLogger(__name__)


class Circuit:
    """Opens after failures in a row, so that the hundredth exception does not wait again.

    While it is open, one call in each cool-down may try; its success closes the circuit. A change
    of state is logged once. Any number of threads may use it.

    Args:
        threshold: failures in a row that open it.
        cool_down: seconds until the next try.
    """

    def __init__(self, threshold: int = 3, cool_down: float = 30.0) -> None:
        self._threshold, self._cool_down = threshold, cool_down
        self._failures = 0
        self._open = False
        self._next_try = 0.0
        self.renew_lock()

    def renew_lock(self) -> None:
        """In a forked child: start with a lock that no thread of the parent holds."""
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Calls are refused, apart from one probe in each cool-down."""
        return self._open

    def allows_call(self) -> bool:
        """Whether to call now. Whoever gets True says how it went."""
        with self._lock:
            if not self._open:
                return True
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + self._cool_down
            return True

    def note_answer(self) -> None:
        """The tracker answered."""
        with self._lock:
            was_open, self._open, self._failures = self._open, False, 0
        if was_open:
            logger.info("The issue tracker answers again")

    def note_failure(self, reason: str, retry_after: float | None = None) -> None:
        """The tracker gave no answer, or asked to be left alone for ``retry_after`` seconds."""
        with self._lock:
            self._failures += 1
            opens = retry_after is not None or self._failures >= self._threshold
            was_open, self._open = self._open, self._open or opens
            wait = self._cool_down if retry_after is None else retry_after
            if self._open:
                self._next_try = time.monotonic() + wait
        if opens and not was_open:
            logger.warning("The issue tracker does not take reports (%s)", reason)
