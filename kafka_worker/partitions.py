"""Where a worker stands in each partition that is assigned to it. Knows no Kafka client."""

from collections.abc import Iterable, Iterator


class Partition:
    """One assignment of one partition, from its beginning to its end.

    A partition that goes and comes back is another object, so that what is still under way for
    the earlier assignment can not move the position of the later one.

    Attributes:
        number: number of the partition.
        alive: whether its messages may be handled; False as soon as it is about to go.
        admitted: whether the position it started from is known to belong to this topic.
        first: offset of the first message that came, or None.
        expected: offset of the message that should come next; None: not known yet.
        done: everything below this offset is handled; None: nothing yet.
        committed: the offset that the broker has acknowledged; None: none by this assignment.
        skipped: ranges of offsets that did not come, not yet looked into.
        restarted: whether it is read from its beginning, whatever was committed.
        low: offset of the first message in the partition, as last heard; None: not yet.
        high: offset after the last message in the partition, as last heard; None: not yet.
    """

    __slots__ = (
        *("admitted", "alive", "committed", "done", "expected", "first", "high", "low", "number"),
        *("restarted", "skipped"),
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.alive = True
        self.admitted = False
        self.first: int | None = None
        self.expected: int | None = None
        self.done: int | None = None
        self.committed: int | None = None
        self.skipped: list[range] = []
        self.restarted = False
        self.low: int | None = None
        self.high: int | None = None

    def receive(self, offset: int) -> bool:
        """Note that the message at ``offset`` has come; False if offsets run backwards."""
        if self.first is None:
            self.first = offset
        expected, self.expected = self.expected, offset + 1
        if expected is None or offset == expected:
            return True
        if offset < expected:
            return False
        self.skipped.append(range(expected, offset))
        return True

    def start_at(self, offset: int) -> None:
        """Say from which committed offset the assignment has started."""
        if self.first is not None and self.first > offset:
            self.skipped.append(range(offset, self.first))
        if self.expected is None:
            self.expected = offset

    def replace_position(self) -> None:
        """Have its beginning committed instead of a position that does not count.

        Only as long as nothing has come: from then on the handler's thread says what is done.
        """
        if self.restarted and self.done is None and self.first is None and self.low is not None:
            self.done = self.low

    def finish(self, offset: int) -> None:
        """Note that everything up to and including ``offset`` is handled."""
        self.done = offset + 1

    @property
    def position(self) -> int | None:
        """Offset of the first message that is not handled, as far as known."""
        known = (self.done, self.first, self.expected)
        return next((each for each in known if each is not None), None)

    def lag(self, high: int | None) -> int | None:
        """How many messages are not handled; None while that is not known.

        Args:
            high: offset after the last message, as the consumer has seen it. That is behind while
                receiving is paused, and unknown before the first message.
        """
        ends = [end for end in (high, self.high) if end is not None]
        # Without a committed offset it is read from its beginning.
        starts = [start for start in (self.position, self.low) if start is not None]
        return max(0, max(ends) - max(starts)) if ends and starts else None

    def removed_below(self, low: int) -> int:
        """How many of the skipped messages lay below ``low``; forgets the skipped ranges."""
        skipped, self.skipped = self.skipped, []
        return sum(max(0, min(gap.stop, low) - gap.start) for gap in skipped)


class Partitions:
    """The partitions assigned at present."""

    def __init__(self) -> None:
        self._by_number: dict[int, Partition] = {}

    def add(self, numbers: Iterable[int]) -> None:
        """Begin an assignment of each partition; one that it replaces is over."""
        for number in numbers:
            self.remove([number])
            self._by_number[number] = Partition(number)

    def leave(self, numbers: Iterable[int]) -> None:
        """Have no more messages of the partitions handled; what is under way still counts."""
        for number in numbers:
            partition = self._by_number.get(number)
            if partition is not None:
                partition.alive = False

    def remove(self, numbers: Iterable[int]) -> None:
        """End the assignment of each partition; those not assigned are ignored."""
        for number in numbers:
            partition = self._by_number.pop(number, None)
            if partition is not None:
                partition.alive = False

    def get(self, number: int) -> Partition | None:
        """The present assignment of the partition, or None."""
        return self._by_number.get(number)

    def numbers(self) -> list[int]:
        """Numbers of the assigned partitions, sorted."""
        return sorted(self._by_number)

    def uncommitted(self) -> dict[int, int]:
        """By partition, the offsets to commit: what is done and not acknowledged."""
        return {
            partition.number: partition.done
            for partition in self
            if partition.done is not None and partition.done != partition.committed
        }

    def acknowledge(self, number: int, offset: int) -> None:
        """Note that the broker has acknowledged ``offset``; ignored when no longer assigned."""
        partition = self._by_number.get(number)
        if partition is not None:
            partition.committed = offset

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._by_number.values()))

    def __len__(self) -> int:
        return len(self._by_number)
