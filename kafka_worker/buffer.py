"""What is received and not yet handed to the handler, and when it may be. Knows no Kafka client."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from kafka_worker.partitions import Partition
from kafka_worker.policies import BatchPolicy

Raw = TypeVar("Raw")


@dataclass(frozen=True, slots=True)
class Received(Generic[Raw]):
    """A message as it was received.

    Attributes:
        raw: the Kafka client's message.
        partition: the assignment through which it came.
        size: bytes of key and value.
        timestamp: the message's time, in UTC.
    """

    raw: Raw
    partition: Partition
    size: int
    timestamp: datetime


class Buffer(Generic[Raw]):
    """Messages in order of arrival, up to the limits of a batch.

    The limits are where it counts as full; what arrives all the same is kept.
    """

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self._items: deque[Received[Raw]] = deque()
        self._bytes = 0

    def add(self, item: Received[Raw]) -> None:
        """Append a message."""
        self._items.append(item)
        self._bytes += item.size

    @property
    def room(self) -> int:
        """How many more messages fit; 0 when full."""
        if self._bytes >= self._policy.max_bytes:
            return 0
        return max(0, self._policy.max_messages - len(self._items))

    @property
    def oldest(self) -> datetime | None:
        """Time of the message that came first, or None."""
        return self._items[0].timestamp if self._items else None

    def take(self) -> list[Received[Raw]]:
        """Remove and return the first messages, up to one batch; at least one if there is one."""
        taken: list[Received[Raw]] = []
        size = 0
        while self._items and len(taken) < self._policy.max_messages:
            if taken and size + self._items[0].size > self._policy.max_bytes:
                break
            item = self._items.popleft()
            size += item.size
            taken.append(item)
        self._bytes -= size
        return taken

    def discard_dead(self) -> int:
        """Drop the messages whose assignment is over; returns how many."""
        before = len(self._items)
        self._items = deque(item for item in self._items if item.partition.alive)
        self._bytes = sum(item.size for item in self._items)
        return before - len(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Cadence:
    """When the next batch may start: at once after a pause, otherwise every ``interval``."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a batch may start; 0: now. ``now`` is monotonic."""
        return max(0.0, self._next - now)

    def started(self, now: float) -> None:
        """Note that a batch has started."""
        self._next = now + self._interval
