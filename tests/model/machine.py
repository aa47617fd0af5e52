"""The steps as hypothesis takes them, in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.model.api import Answer
from tests.model.consumers import EXPLOSIVE
from tests.model.faults import Fault
from tests.model.store import POISON
from tests.model.world import BATCHES, World

FINGERPRINTS = ["a", "b", "c"]
STORMS = 2

hours = st.integers(0, 40)
answers = st.sampled_from(Answer)
faults = st.sampled_from(Fault)
# A request makes two calls or three, a batch a dozen.
short_scripts = st.lists(faults, max_size=3)
scripts = st.lists(st.tuples(st.integers(0, 7), faults), max_size=4).map(
    lambda drawn: [each for calls, fault in drawn for each in [*[Fault.NONE] * calls, fault]]
)
slots = st.integers(0, len(BATCHES) - 1)
shares = st.sampled_from([0.0, 0.3, 0.7, 1.0])
partitions = st.integers(0, 3)
departures = st.sampled_from([Fault.REVOKED, Fault.LOST, Fault.ZOMBIE])


class Machine(RuleBasedStateMachine):
    """Whatever can happen to a tracker."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.storms = 0

    @rule(
        fingerprint=st.sampled_from([None, *FINGERPRINTS]),
        hour=hours,
        priority=st.sampled_from(["low", "high"]),
        bad=st.booleans(),
        answer=answers,
        script=short_scripts,
    )
    def report(
        self,
        fingerprint: str | None,
        hour: int,
        priority: str,
        bad: bool,
        answer: Answer,
        script: list[Fault],
    ) -> None:
        # One of many in an issue need not be among those that are kept whole.
        text = POISON if bad and fingerprint is None else ""
        change = self.world.report(fingerprint, hour, priority=priority, description=text)
        if change is not None:
            self.world.send(change, answer, script)

    @rule(
        fingerprint=st.sampled_from(FINGERPRINTS),
        hours=st.lists(hours, min_size=2, max_size=9),
        rubbish=st.sampled_from([None, None, EXPLOSIVE, b"{}"]),
        bad=st.booleans(),
        slot=slots,
        script=scripts,
    )
    def several(
        self,
        fingerprint: str,
        hours: list[int],
        rubbish: bytes | None,
        bad: bool,
        slot: int,
        script: list[Fault],
    ) -> None:
        """Reports and comments of one issue, one after the other in the log, and a consumer."""
        for hour in hours:
            change = self.world.report(fingerprint, hour)
            if change is not None:
                self.world.send(change, Answer.ACKNOWLEDGED, [])
                comment = self.world.comment(change.issue_id, hour, POISON if bad else "seen")
                self.world.send(comment, Answer.ACKNOWLEDGED, [])
                bad = False
                if rubbish is not None:
                    self.world.rubbish(change.issue_id, rubbish)
        self.world.turn(slot, script)

    @rule(
        of=st.integers(0, 99),
        hour=hours,
        body=st.sampled_from(["seen", "seen", POISON]),
        answer=answers,
        script=short_scripts,
    )
    @precondition(lambda self: self.world.oracle.events)
    def comment(self, of: int, hour: int, body: str, answer: Answer, script: list[Fault]) -> None:
        self.world.send(self.world.comment(self._some_issue(of), hour, body), answer, script)

    @rule(
        of=st.integers(0, 99),
        hour=hours,
        settings=st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["open", "resolved", "ignored", "deleted"]),
                "priority": st.sampled_from(["low", "critical"]),
                "assignee": st.sampled_from([None, "ada", "grace"]),
            },
        ),
        answer=answers,
        script=short_scripts,
    )
    @precondition(lambda self: self.world.oracle.events)
    def update(
        self,
        of: int,
        hour: int,
        settings: dict[str, str | None],
        answer: Answer,
        script: list[Fault],
    ) -> None:
        change = self.world.update(self._some_issue(of), hour, **settings)
        self.world.send(change, answer, script)

    @rule(of=st.integers(0, 99), hour=hours, answer=answers, script=short_scripts)
    def send_again(self, of: int, hour: int, answer: Answer, script: list[Fault]) -> None:
        """A client or a proxy repeats a request, whatever it was answered."""
        changes = self.world.repeatable()
        if changes:
            change = changes[-1 - of % len(changes)]
            self.world.send(self.world.again(change, hour), answer, script)

    @rule(fingerprint=st.sampled_from(FINGERPRINTS), past_the_log=st.booleans())
    def storm(self, fingerprint: str, past_the_log: bool) -> None:
        if self.storms < STORMS and self.world.can_storm(fingerprint):
            self.storms += 1
            self.world.storm(fingerprint, past_the_log=past_the_log)

    @rule(slot=slots, script=scripts)
    def turn(self, slot: int, script: list[Fault]) -> None:
        self.world.turn(slot, script)

    @rule(slots=st.lists(slots, min_size=1, max_size=3), how=departures, script=scripts)
    def rebalance(self, slots: list[int], how: Fault, script: list[Fault]) -> None:
        self.world.assign(slots, how)
        self.world.turn(slots[0], script)

    @rule(what=st.sampled_from(["late messages", "notice", "partition", "kill"]), slot=slots)
    def something_happens(self, what: str, slot: int) -> None:
        if what == "late messages":
            self.world.api.arrive()
        elif what == "notice":
            self.world.learn()
        elif what == "kill":
            self.world.kill(slot)
        elif len(self.world.broker.logs) < 4:
            self.world.add_partition()

    @rule(
        what=st.sampled_from(["anew", "retention", "set back", "set back"]),
        number=partitions,
        share=shares,
        lagging=st.booleans(),
        forget=st.booleans(),
    )
    def log_changes(
        self, what: str, number: int, share: float, lagging: bool, forget: bool
    ) -> None:
        if what == "anew":
            self.world.make_topic_anew(lagging=lagging, forget=forget)
        elif what == "retention":
            self.world.trim(number, share)
        else:
            self.world.set_back(number, share)

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @invariant()
    def what_was_answered_and_committed_holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        self.world.settle()

    def _some_issue(self, number: int) -> str:
        events = list(self.world.oracle.events.values())
        return events[number % len(events)].change.issue_id
