"""What is received and not yet handed to the handler, and when it may be. Knows no Kafka client."""

from collections import deque
from collections.abc import Iterable
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
        key: its key, or None.
        size: bytes of key and value.
        timestamp: the message's time, in UTC.
    """

    raw: Raw
    partition: Partition
    key: bytes | None
    size: int
    timestamp: datetime


class Buffer(Generic[Raw]):
    """Messages in order of arrival, up to the limits of a batch.

    The limits are where it counts as full; what arrives all the same is kept. A partition's
    messages are handed out together, or none of them: one behind a message that has to wait waits
    too, since a position says that everything before it is done.
    """

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self._items: deque[Received[Raw]] = deque()
        self._bytes = 0
        self._cadence = Cadence(policy.interval.total_seconds())
        # By assignment, when all of its messages may be handed out.
        self._due: dict[Partition, float] = {}

    def add(self, item: Received[Raw]) -> None:
        """Append a message."""
        self._items.append(item)
        self._bytes += item.size
        self._note_due(item)

    def wait(self, now: float) -> float:
        """Seconds until there is something to take; 0: now. ``now`` is monotonic."""
        if not self.room:
            return 0.0
        return max(0.0, min(self._due.values(), default=now) - now)

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

    def take(self, now: float) -> list[Received[Raw]]:
        """Remove and return the first messages that may be handed out, up to one batch.

        When it is full that is all of them; at least one is returned if there is one.

        Args:
            now: monotonic.
        """
        is_full = not self.room
        taken: list[Received[Raw]] = []
        waiting: list[Received[Raw]] = []
        size = 0
        while self._items and len(taken) < self._policy.max_messages:
            item = self._items[0]
            if taken and size + item.size > self._policy.max_bytes:
                break
            self._items.popleft()
            if is_full or self._due[item.partition] <= now:
                size += item.size
                taken.append(item)
            else:
                waiting.append(item)
        self._items.extendleft(reversed(waiting))
        self._bytes -= size
        self._cadence.started((item.key for item in taken), now)
        self._note_all_due()
        return taken

    def discard_dead(self) -> int:
        """Drop the messages whose assignment is over; returns how many."""
        before = len(self._items)
        self._items = deque(item for item in self._items if item.partition.alive)
        self._bytes = sum(item.size for item in self._items)
        self._note_all_due()
        return before - len(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def _note_due(self, item: Received[Raw]) -> None:
        due = max(self._due.get(item.partition, 0.0), self._cadence.due(item.key))
        self._due[item.partition] = due

    def _note_all_due(self) -> None:
        self._due.clear()
        for item in self._items:
            self._note_due(item)


class Cadence:
    """When messages of a key may be in a batch: at once after a pause, else every ``interval``.

    Args:
        interval: seconds.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        # The keys of the last interval; the one that was in a batch last stands last.
        self._started: dict[bytes | None, float] = {}

    def due(self, key: bytes | None) -> float:
        """The moment, monotonic, from which messages of ``key`` may be in a batch; 0: any."""
        started = self._started.get(key)
        return 0.0 if started is None else started + self._interval

    def started(self, keys: Iterable[bytes | None], now: float) -> None:
        """Note that a batch with messages of these keys has started."""
        if not self._interval:
            return
        for key in keys:
            self._started.pop(key, None)
            self._started[key] = now
        # Assigned keys stand in order of time, so what is over stands first.
        while self._started:
            oldest = next(iter(self._started))
            if self._started[oldest] + self._interval > now:
                break
            del self._started[oldest]
