"""A switch that stops asking a part which does not answer."""

import logging
import time

logger = logging.getLogger(__name__)


class Circuit:
    """Open while a part is down: one call in each interval tries it, the others skip it.

    Args:
        part: what people call it, in the log.
        consequence: what its absence costs, in the log.
        seconds: how long to skip it after a failure.
        first: how long after the first one; the time then doubles, up to ``seconds``. By default
            it is ``seconds`` each time.
    """

    def __init__(
        self, part: str, consequence: str, seconds: float, *, first: float | None = None
    ) -> None:
        self._part = part
        self._consequence = consequence
        self._seconds = seconds
        self._first = seconds if first is None else min(first, seconds)
        self._pause = self._first
        self._try_at: float | None = None
        self._failed_at: float | None = None
        self._is_tried = False

    @property
    def is_open(self) -> bool:
        """Whether the part did not answer when it was asked last."""
        return self._try_at is not None

    @property
    def failed_lately(self) -> bool:
        """Whether the part did not answer some call of the last ``seconds``."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < self._seconds

    def lets_through(self) -> bool:
        """Whether this call may ask the part."""
        try_at = self._try_at  # once: another thread may close it meanwhile
        if try_at is None:
            return True
        now = time.monotonic()
        if now < try_at:
            return False
        self._try_at = now + self._pause
        self._is_tried = True
        return True

    def failed(self, error: Exception) -> None:
        """Say that the part did not answer."""
        if self._try_at is None:
            logger.warning("%s is not available (%s); %s", self._part, error, self._consequence)
            self._pause = self._first
        elif self._is_tried:
            # Not for calls that were under way when the first of them failed.
            self._pause = min(2 * self._pause, self._seconds)
        self._is_tried = False
        self._failed_at = time.monotonic()
        self._try_at = self._failed_at + self._pause

    def succeeded(self) -> None:
        """Say that the part answered."""
        if self._try_at is not None:
            logger.info("%s answers again", self._part)
        self._try_at = None
