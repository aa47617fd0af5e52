"""Everything of the model in one place, and the steps that can be taken in it."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from prometheus_client import REGISTRY

from issuetracker.messages import (
    AnyChange,
    Commented,
    Report,
    Reported,
    Updated,
    new_issue_id,
)
from tests.model.api import PRODUCING, Answer, Api, record_of
from tests.model.broker import Broker, Log, Record
from tests.model.consumers import ModelDeadLetters, Process
from tests.model.faults import Crash, Fault, Faults
from tests.model.oracle import Event, Oracle
from tests.model.store import ModelStore

START = datetime(2026, 11, 23, tzinfo=UTC)
#: Messages in a batch of each process.
BATCHES = (3, 8, 200)
#: More changes than an issue remembers.
STORM = 140
#: Reports of one issue of which each can still be seen.
VISIBLE = 28
#: Of a storm; all times lie within the week for which messages stay in the log.
_LAST_HOUR = 150


class World:
    """A broker, a store, three consumer processes, the API, and what became of it all."""

    def __init__(self) -> None:
        self.faults = Faults(self._interlude)
        self.broker = Broker(self.faults)
        self.store = ModelStore(self.faults)
        self.letters = ModelDeadLetters(self.faults)
        self.api = Api(self.broker, self.store)
        self.oracle = Oracle(self.store)
        self.processes: list[Process | None] = [None] * len(BATCHES)
        self._current: Process | None = None
        self._hours: dict[str, set[int]] = {}
        self._excused: set[tuple[str, int, int]] = set()
        self._uncounted: set[tuple[str, int, int]] = set()
        self._counted_before = _lost_to_retention()
        self._ever_lagged = False
        self._made = 0
        self.assign([len(BATCHES) - 1], Fault.LOST)

    # Asking.

    def report(self, fingerprint: str | None, hour: int, **fields: Any) -> Reported | None:
        """A new report; None where it could not be told from others any more."""
        event_id = self._new_id()
        report = Report(title=f"report {event_id}", fingerprint=fingerprint, **fields)
        issue_id = new_issue_id(report, event_id)
        if len(self.oracle.of(issue_id)) >= VISIBLE and issue_id not in self.oracle.stormed:
            return None
        return Reported(
            issue_id=issue_id,
            event_id=event_id,
            time=self._free_hour(issue_id, hour),
            actor="service.model",
            issue=report,
        )

    def comment(self, issue_id: str, hour: int, body: str) -> Commented:
        return Commented(
            issue_id=issue_id, event_id=self._new_id(), time=_at(hour), actor="ada", body=body
        )

    def update(self, issue_id: str, hour: int, **settings: Any) -> Updated:
        return Updated(
            issue_id=issue_id, event_id=self._new_id(), time=_at(hour), actor="ada", **settings
        )

    def again(self, change: AnyChange, hour: int) -> AnyChange:
        """The same change, sent once more: the API gives it another time."""
        reported = isinstance(change, Reported)
        time = self._free_hour(change.issue_id, hour) if reported else _at(hour)
        return msgspec.structs.replace(change, time=time)

    def send(self, change: AnyChange, answer: Answer, script: Sequence[Fault]) -> None:
        """Ask the API for a change."""
        event = self.oracle.events.setdefault(change.event_id, Event())
        event.attempts.append(change)
        event.past |= change.issue_id in self._awaiting_a_storm()
        where = ""
        try:
            with self.faults.scripted(script):
                where = self.api.accept(change, answer)
        except Crash:
            pass  # The web process is gone; nobody was answered.
        event.stored |= where == "store"
        if answer in PRODUCING:
            event.produced += 1
            event.confirmable = where == "store"

    def storm(self, fingerprint: str, *, past_the_log: bool) -> None:
        """More reports of one issue than it remembers."""
        changes = [self._one_of_a_storm(fingerprint) for _ in range(STORM)]
        issue_id = changes[0].issue_id
        self.oracle.stormed.add(issue_id)
        for event in self.oracle.of(issue_id).values():
            event.past = True
        for change in changes:
            produced = 0 if past_the_log else 1
            self.oracle.events[change.event_id] = Event(
                [change], stored=past_the_log, produced=produced, past=True
            )
        if past_the_log:
            self.api.accept_past_the_log(changes)
        else:
            for change in changes:
                self.broker.append(record_of(change))

    def can_storm(self, fingerprint: str) -> bool:
        """Whether nothing on its way would be a retry further back than an issue remembers."""
        issue_id = new_issue_id(Report(title="x", fingerprint=fingerprint), self._new_id())
        waiting = {record.event_id for record in self._waiting()}
        return not self._ever_lagged and all(
            len(event.attempts) == 1 or (event.produced == 1 and event.confirmable)
            for event_id, event in self.oracle.of(issue_id).items()
            if event_id in waiting
        )

    def repeatable(self) -> list[AnyChange]:
        """Changes that may be sent again without coming further back than an issue remembers."""
        busy = self._awaiting_a_storm()
        return [
            event.change
            for event in self.oracle.events.values()
            if not event.past and event.change.issue_id not in busy
        ]

    def _awaiting_a_storm(self) -> set[str]:
        """Issues that will have more changes than they remember, when the log is read.

        The order in which changes are applied counts: such a storm comes after what is written
        past the log now, and so between it and a retry of it.
        """
        events = self.oracle.events
        waiting = [events[record.event_id] for record in self._waiting() if record.event_id]
        return {event.change.issue_id for event in waiting if event.past}

    def _one_of_a_storm(self, fingerprint: str) -> Reported:
        event_id = self._new_id()
        report = Report(title=f"report {event_id}", fingerprint=fingerprint)
        return Reported(
            issue_id=new_issue_id(report, event_id),
            event_id=event_id,
            time=_at(_LAST_HOUR),
            actor="service.model",
            issue=report,
        )

    # Consuming.

    def start(self, slot: int) -> Process:
        process = self.processes[slot]
        if process is None:
            process = Process(self.broker, self.store, self.letters, BATCHES[slot])
            self.processes[slot] = process
        return process

    def turn(self, slot: int, script: Sequence[Fault]) -> None:
        """Have a process receive, handle and commit."""
        process = self.start(slot)
        try:
            with self.faults.scripted(script):
                self._turn(process)
        except Crash:
            self.kill(slot)
        self._reap()

    def kill(self, slot: int) -> None:
        process = self.processes[slot]
        if process is not None:
            owners = self.broker.owners
            self.broker.owners = {n: c for n, c in owners.items() if c is not process.client}
            self.processes[slot] = None

    def assign(self, slots: Sequence[int], how: Fault) -> None:
        """Give each partition to one of the processes."""
        wanted = {
            number: self.start(slots[number % len(slots)]).client
            for number in range(len(self.broker.logs))
        }
        self.broker.give(wanted, how)

    def learn(self) -> None:
        """Have the zombies notice that they are some."""
        for process in self._alive():
            process.client.learn()

    def _alive(self) -> list[Process]:
        return [process for process in self.processes if process is not None]

    def _turn(self, process: Process) -> None:
        before, self._current = self._current, process
        try:
            process.turn()
        finally:
            self._current = before

    def _reap(self) -> None:
        for slot, process in enumerate(self.processes):
            if process is not None and process.ended:
                mine = {n: None for n, c in self.broker.owners.items() if c is process.client}
                self.broker.give(mine, Fault.REVOKED)
                self.kill(slot)

    def _interlude(self, fault: Fault) -> None:
        current = self._current
        others = [process for process in self._alive() if process is not current]
        if current is None or fault is Fault.RACE:
            for other in others:
                self._turn(other)
        elif fault is Fault.STOP:
            current.stop()
        elif fault is Fault.LOOP:
            current.go_round()
        else:
            slot = next(n for n, process in enumerate(self.processes) if process is not current)
            other = self.start(slot)
            mine = [n for n, c in self.broker.owners.items() if c is current.client]
            self.broker.give(dict.fromkeys(mine, other.client), fault)
            self._turn(other)
            self._turn(other)

    # What happens to the log.

    def rubbish(self, key: str, value: bytes) -> None:
        """Somebody else's message, of which no change can be made."""
        self.broker.append(Record(key, value, None))

    def make_topic_anew(self, *, lagging: bool, forget: bool) -> None:
        for number, log in enumerate(self.broker.logs):
            self._excuse(number, log, len(log.records))
        self._uncounted.clear()
        self.broker.make_anew()
        self.broker.lagging = lagging and not self.oracle.stormed
        self._ever_lagged |= self.broker.lagging
        # Kafka forgets the positions in a deleted topic; only one that carries the topic's id
        # could be told from a position in the new topic if it did not.
        self.broker.committed = {
            number: place
            for number, place in self.broker.committed.items()
            if place[1] and not forget
        }

    def add_partition(self) -> None:
        self.broker.logs.append(Log())

    def trim(self, number: int, share: float) -> None:
        """Have retention remove a part of a partition, but not its last message."""
        number %= len(self.broker.logs)
        log = self.broker.logs[number]
        low = max(log.low, int(len(log.records) * share) - 1)
        self._excuse(number, log, low)
        committed = self.broker.committed.get(number)
        if committed is not None and committed[1] == self.broker.topic_id:
            lost = range(max(log.low, committed[0]), low)
            self._uncounted |= {(self.broker.topic_id, number, place) for place in lost}
        log.low = low

    def set_back(self, number: int, share: float) -> None:
        """Have somebody set the group's position back by hand; the group must be away for it."""
        number %= len(self.broker.logs)
        self.broker.give({number: None}, Fault.LOST)
        self.learn()
        offset = int(self.broker.committed_here(number) * share)
        self.broker.committed[number] = (offset, "")

    def _excuse(self, number: int, log: Log, stop: int) -> None:
        for place in range(max(log.low, self.broker.committed_here(number)), stop):
            self._excused.add((self.broker.topic_id, number, place))
            event_id = log.records[place].event_id
            if event_id is not None:
                self.oracle.events[event_id].excused = True

    def _waiting(self) -> list[Record]:
        waiting = list(self.api.in_flight)
        for number, log in enumerate(self.broker.logs):
            waiting += log.records[self.broker.committed_here(number) :]
        return waiting

    # Looking.

    def check(self) -> None:
        """What must hold at every moment: what was answered, and what was committed."""
        required = set()
        for number, log in enumerate(self.broker.logs):
            for place in range(self.broker.committed_here(number)):
                event_id = self._check_committed(number, place, log.records[place])
                required |= {event_id} if event_id else set()
        self.oracle.check(required)

    def _check_committed(self, number: int, place: int, record: Record) -> str | None:
        """Hold a committed message to being in the dead letters; or its event, to be looked for."""
        where = (self.broker.topic_id, number, place)
        if where in self._excused:
            return None
        if record.event_id is None or self.oracle.events[record.event_id].poisonous:
            assert where in self.letters.written, "committed, and neither applied nor a dead letter"
            return None
        assert where not in self.letters.written, "a good message is a dead letter"
        return record.event_id

    def settle(self) -> None:
        """Let everything come to rest, with all parts well, and check what came of it."""
        self.api.arrive()
        self.broker.lagging = False
        self.learn()
        self.assign([slot for slot, each in enumerate(self.processes) if each] or [0], Fault.LOST)
        for _ in range(500):
            for process in self._alive():
                self._turn(process)
            if all(self._is_read(number) for number in range(len(self.broker.logs))):
                break
        else:
            raise AssertionError("the log is never read to its end")
        self.check()
        self._check_nothing_is_missing()

    def _is_read(self, number: int) -> bool:
        log = self.broker.logs[number]
        return log.low == len(log.records) or self.broker.committed_here(number) == len(log.records)

    def _check_nothing_is_missing(self) -> None:
        produced = {
            event_id
            for event_id, event in self.oracle.events.items()
            if event.produced and not event.excused and not event.poisonous
        }
        self.oracle.check(produced)
        counted = _lost_to_retention() - self._counted_before
        assert counted >= len(self._uncounted), "what retention removed is not counted"

    def _new_id(self) -> str:
        self._made += 1
        # Scattered, so that the order of ids is not the order of events.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(self._made)))

    def _free_hour(self, issue_id: str, hour: int) -> datetime:
        taken = self._hours.setdefault(issue_id, set())
        while hour in taken:
            hour += 1
        taken.add(hour)
        return _at(hour)


def _at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def _lost_to_retention() -> float:
    labels = {"handler": "model"}
    return (
        REGISTRY.get_sample_value("kafka_worker_lost_total", labels | {"cause": "retention"}) or 0.0
    )
