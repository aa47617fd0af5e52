"""How many requests a caller may make: counted in this process's memory, so that nothing waits.

Each web process counts for itself. A caller whose requests are spread over several has that many
times the rate, which is good enough to keep one caller from taking all there is.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import Counter

#: Seconds of its rate that a caller may use at once, after a rest.
BURST_SECONDS = 10
#: Callers remembered; beyond that, first those are forgotten that have their whole quota.
CALLERS_REMEMBERED = 10_000

THROTTLED = Counter(
    "issuetracker_throttled_total", "Requests refused because their caller makes too many."
)


class Quota(NamedTuple):
    """What a caller has left.

    Attributes:
        most: requests that it may make at once after a rest.
        left: requests that it may make now.
        full_in: seconds until it has ``most`` again.
        wait: seconds until its next request is let through; None: this one was.
    """

    most: int
    left: int
    full_in: float
    wait: float | None

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has it."""
        return {
            "RateLimit-Policy": f'"caller";q={self.most};w={BURST_SECONDS}',
            "RateLimit": f'"caller";r={self.left};t={math.ceil(self.full_in)}',
        }


class Rates:
    """A bucket of tokens for each caller. Safe to use from several threads.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # When each bucket is full again: all there is to know of it.
        self._full_at: dict[str, float] = {}

    def take(self, caller: str, rate: int) -> Quota:
        """Let ``caller`` make a request, or not; it gets ``rate`` a second."""
        most = rate * BURST_SECONDS
        with self._lock:
            now = self._clock()
            full_in = max(0.0, self._full_at.get(caller, 0.0) - now)
            left = most - full_in * rate
            if left < 1:
                THROTTLED.inc()
                return Quota(most, 0, full_in, (1 - left) / rate)
            full_in += 1 / rate
            self._make_room(now)
            self._full_at[caller] = now + full_in
        return Quota(most, int(left - 1), full_in, None)

    def _make_room(self, now: float) -> None:
        if len(self._full_at) < CALLERS_REMEMBERED:
            return
        self._full_at = {name: full for name, full in self._full_at.items() if full > now}
        if len(self._full_at) >= CALLERS_REMEMBERED:
            self._full_at.clear()


rates = Rates()
