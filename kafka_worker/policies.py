"""How often a handler is tried, and how large and how frequent its batches are."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_LARGEST_EXPONENT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How failures are tried again: delays double, up to a limit, and are scattered.

    Attributes:
        max_attempts: calls after which a failing message is given up (at least 1). A part that is
            ``Unavailable`` is waited for without such a limit.
        first_delay: the longest wait after the first failure.
        max_delay: the longest wait of all.
        jitter: the share of each wait that is random, from 0 to 1, so that many workers do not
            come back in the same moment.
    """

    max_attempts: int = 5
    first_delay: timedelta = timedelta(seconds=0.5)
    max_delay: timedelta = timedelta(seconds=30)
    jitter: float = 0.5

    def delay(self, failures: int, draw: Callable[[], float] = random.random) -> float:
        """Seconds to wait after ``failures`` failures in a row (1 or more)."""
        doublings = min(failures - 1, _LARGEST_EXPONENT)
        longest = min(self.first_delay.total_seconds() * 2.0**doublings, self._longest)
        return longest * (1 - self.jitter * draw())

    @property
    def _longest(self) -> float:
        return self.max_delay.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """How large a batch may be, and how often messages of one key are in one.

    A message whose key was in no batch for ``interval`` is handed over at once, as soon as the
    handler is free. One whose key was waits until ``interval`` has passed, and those behind it in
    its partition with it, or until a batch is full: under a backlog batches grow to the limits
    first, and only then come more often.

    Attributes:
        max_messages: messages in one batch.
        max_bytes: bytes of keys and values in one batch; a single larger message is a batch.
        interval: time between the starts of two batches with messages of one key, as long as
            they are not full. Messages without a key count as of one.
    """

    max_messages: int = 2_000
    max_bytes: int = 8 * 1024 * 1024
    interval: timedelta = timedelta(0)
