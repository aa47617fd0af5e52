"""A log like Kafka's, a group that shares its partitions, and the client's part of both."""

import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka_worker.commits import Commit
from kafka_worker.subscription import Listener
from tests.model.faults import Crash, Fault, Faults

TOPIC = "issues"


@dataclass(frozen=True, slots=True)
class Record:
    """A message in the log; ``event_id`` is None for what no change can be read from."""

    key: str
    value: bytes
    event_id: str | None


@dataclass(slots=True)
class Log:
    """One partition: everything that was ever appended, and what retention has left of it."""

    records: list[Record] = field(default_factory=list)
    low: int = 0


class Raw:
    """A message as the Kafka client would return it."""

    def __init__(self, number: int, offset: int, record: Record) -> None:
        self._number, self._offset, self._record = number, offset, record

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._number

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return self._record.key.encode()

    def value(self) -> bytes:
        return self._record.value

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 0


class Broker:
    """The topic, and the group's committed offsets and owners.

    Attributes:
        topic_id: of the topic as it is now.
        logs: its partitions.
        committed: by partition, the offset and the topic id that the consumer sent with it.
        owners: by partition, whose commits count.
        lagging: whether consumers learn only when they ask that the topic is another one.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.topic_id = str(uuid.UUID(int=1))
        self.logs = [Log(), Log()]
        self.committed: dict[int, tuple[int, str]] = {}
        self.owners: dict[int, ModelSubscription] = {}
        self.lagging = False

    def append(self, record: Record) -> None:
        self.logs[zlib.crc32(record.key.encode()) % len(self.logs)].records.append(record)

    def make_anew(self) -> None:
        """Delete the topic and make one of the same name."""
        self.topic_id = str(uuid.UUID(int=uuid.UUID(self.topic_id).int + 1))
        self.logs = [Log() for _ in self.logs]

    def committed_here(self, number: int) -> int:
        """Committed offset of a partition of the topic as it is now; 0 without one."""
        offset, topic_id = self.committed.get(number, (0, ""))
        return offset if topic_id in ("", self.topic_id) else 0

    def committed_positions(self, numbers: Iterable[int]) -> dict[int, Commit]:
        """What the group's coordinator says of partitions."""
        return {number: Commit(*self.committed.get(number, (None, ""))) for number in numbers}

    def give(self, wanted: Mapping[int, "ModelSubscription | None"], how: Fault) -> None:
        """Let partitions go to others; ``how`` the present owners learn of it."""
        for client in {id(each): each for each in self.owners.values()}.values():
            gone = [n for n in wanted if self.owners.get(n) is client and wanted[n] is not client]
            if how is not Fault.ZOMBIE:
                client.give_up(gone, revoked=how is Fault.REVOKED)
        for number, client_or_none in wanted.items():
            if client_or_none is None:
                self.owners.pop(number, None)
            elif self.owners.get(number) is not client_or_none:
                self.owners[number] = client_or_none
                client_or_none.get(number)


class ModelSubscription:
    """What ``kafka_worker.subscription.Subscription`` is to a worker, without a Kafka client."""

    def __init__(self, broker: Broker, listener: Listener) -> None:
        self._broker = broker
        self._listener = listener
        self._places: dict[int, int] = {}
        self._answers: list[tuple[int, int]] = []

    def get(self, number: int) -> None:
        """Have the group assign a partition, from where it is committed."""
        self.give_up([number], revoked=False)
        offset = self._broker.committed.get(number, (None, ""))[0]
        self._places[number] = self._broker.logs[number].low if offset is None else offset
        self._listener.assigned([number])

    def give_up(self, numbers: Iterable[int], *, revoked: bool) -> None:
        """Have the group take partitions away."""
        self._hear()
        gone = [number for number in numbers if number in self._places]
        if gone and revoked:
            self._listener.revoking(gone)
        elif gone:
            self._listener.lost(gone)
        for number in gone:
            del self._places[number]

    def learn(self) -> None:
        """Notice the partitions that have become another's unnoticed."""
        others = [n for n in self._places if self._broker.owners.get(n) is not self]
        self.give_up(others, revoked=False)

    def receive(self, limit: int, _timeout: float) -> list[Raw]:
        self._hear()
        received: list[Raw] = []
        for number, place in sorted(self._places.items()):
            log = self._broker.logs[number]
            # Out of range: the client goes to the beginning, as auto.offset.reset says.
            start = place if log.low <= place <= len(log.records) else log.low
            stop = min(len(log.records), start + limit - len(received))
            received += [Raw(number, n, log.records[n]) for n in range(start, stop)]
            self._places[number] = max(start, stop)
        return received

    def _hear(self) -> None:
        """Take the answers to commits; they come before what the group says later."""
        answers, self._answers = self._answers, []
        for number, offset in answers:
            self._listener.committed(number, offset)

    def commit(self, offsets: Mapping[int, int], topic_id: str) -> None:
        fault = self._broker.faults.next()
        if fault is Fault.AWAY:
            return
        for number, offset in offsets.items():
            if self._broker.owners.get(number) is self:
                self._broker.committed[number] = (offset, topic_id)
                if fault not in (Fault.LOST_ANSWER, Fault.HALF):
                    self._answers.append((number, offset))
            if fault is Fault.CRASH_HALF:
                raise Crash
        if fault is Fault.CRASH_AFTER:
            raise Crash

    def positions(self, numbers: Iterable[int]) -> dict[int, Commit]:
        return self._broker.committed_positions(numbers)

    def reopen(self) -> None:
        numbers = list(self._places)
        self.give_up(numbers, revoked=True)
        for number in numbers:
            self.get(number)

    def restart(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._places[number] = self._broker.logs[number].low

    def low_mark(self, number: int) -> int:
        return self._broker.logs[number].low

    def high_mark(self, number: int) -> int:
        return len(self._broker.logs[number].records)

    def pause(self, _numbers: Iterable[int]) -> None: ...

    def resume(self, _numbers: Iterable[int]) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


class ModelIdentity:
    """What ``kafka_worker.identity.BrokerIdentity`` is, with an answer that comes at once."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._demanded = True
        self.current = ""

    @property
    def settled(self) -> bool:
        return not self._demanded

    def demand(self) -> None:
        self._demanded = True

    def tick(self, now: float) -> None:  # noqa: ARG002
        if self._demanded or not self._broker.lagging:
            self.current, self._demanded = self._broker.topic_id, False
