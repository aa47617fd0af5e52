"""Nothing lost, nothing twice: whatever fails, at whichever point, in whatever order.

The model (``tests/model/``) drives the real consumer, merge, batches and commits over a log, a
group and a store in memory. A longer search: ``MODEL_EXAMPLES=5000 pytest`` of this file.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from issuetracker import applying, bounded, consumer
from issuetracker.merging import Delivery, Origin, _Draft
from issuetracker.messages import Reported
from kafka_worker import jobs
from kafka_worker.commits import Commit
from kafka_worker.exceptions import Unavailable
from kafka_worker.runners import BatchRunner
from tests.model.api import Answer
from tests.model.broker import Broker
from tests.model.consumers import ModelDeadLetters
from tests.model.faults import Fault
from tests.model.machine import Machine
from tests.model.store import POISON, ModelStore
from tests.model.world import World

SEARCH = "MODEL_EXAMPLES"
COMMON = settings(
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
Mistake = Callable[[pytest.MonkeyPatch], None]
Scenario = Callable[[World, int], None]
#: A batch of three with a poisonous one makes so many calls to the store, and a few more.
CALLS = 16
#: The same examples every time and as they are, unless a longer search is asked for, which also
#: makes small what it finds.
PROMISE = settings(
    COMMON,
    max_examples=int(os.environ.get(SEARCH, "150")),
    derandomize=SEARCH not in os.environ,
    phases=[Phase.generate, Phase.shrink] if SEARCH in os.environ else [Phase.generate],
)
#: For what must be found; how it looks when made small does not matter.
MISTAKE = settings(COMMON, max_examples=100, derandomize=True, phases=[Phase.generate])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without waiting, without thousands of log lines, and without Django's database."""
    monkeypatch.setattr(applying, "time", SimpleNamespace(sleep=lambda _seconds: None))
    for module in (bounded, jobs):
        monkeypatch.setattr(module, "close_old_connections", lambda: None)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def test_nothing_is_lost_and_nothing_counts_twice() -> None:
    run_state_machine_as_test(Machine, settings=PROMISE)


def ignore_marks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Draft, "_replayed", lambda _self, _origin: False)


def ignore_event_ids(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Draft, "_retried", lambda _self, _delivery: False)


def forget_what_is_unconfirmed(patch: pytest.MonkeyPatch) -> None:
    def remember(draft: _Draft, delivery: Delivery) -> None:
        draft._remember_recent(delivery.change.event_id)

    patch.setattr(_Draft, "_remember", remember)


def forget_what_was_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Draft, "pass_over", lambda _self, _origin: None)


def ignore_the_topics_id(patch: pytest.MonkeyPatch) -> None:
    found = consumer.delivery_of

    def delivery_of(message: Any) -> Delivery:
        delivery = found(message)
        return delivery._replace(origin=Origin(str(message.partition), message.offset))

    patch.setattr(consumer, "delivery_of", delivery_of)


def write_unconditionally(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ModelStore, "heedful", False)


def ignore_conflicts(patch: pytest.MonkeyPatch) -> None:
    write = ModelStore.write_many

    def write_many(store: ModelStore, writes: Any) -> set[str]:
        write(store, writes)
        return set()

    patch.setattr(ModelStore, "write_many", write_many)


def commit_before_the_write(patch: pytest.MonkeyPatch) -> None:
    settle = BatchRunner._settle

    def eager(runner: BatchRunner, job: Any, entries: Any, failed_before: int) -> Any:
        for entry in entries:
            entry.finish()
        return settle(runner, job, entries, failed_before)

    patch.setattr(BatchRunner, "_settle", eager)


def do_not_wait_for_the_dead_letters(patch: pytest.MonkeyPatch) -> None:
    write = ModelDeadLetters.write

    def careless(letters: ModelDeadLetters, given: Any) -> None:
        with suppress(Unavailable):
            write(letters, given)

    patch.setattr(ModelDeadLetters, "write", careless)


def take_an_unknown_outcome_for_done(patch: pytest.MonkeyPatch) -> None:
    process = consumer.IssueTrackerConsumer.process

    def hasty(self: consumer.IssueTrackerConsumer, batch: Any) -> Any:
        try:
            return process(self, batch)
        except Unavailable:
            return []

    patch.setattr(consumer.IssueTrackerConsumer, "process", hasty)


def trust_positions_of_an_earlier_topic(patch: pytest.MonkeyPatch) -> None:
    positions = Broker.committed_positions

    def nameless(broker: Broker, numbers: Any) -> Any:
        return {n: Commit(found.offset) for n, found in positions(broker, numbers).items()}

    patch.setattr(Broker, "committed_positions", nameless)


def a_storm_is_read_again(world: World, _calls: int) -> None:
    world.storm("a", past_the_log=False)
    world.turn(2, [])
    for number in range(len(world.broker.logs)):
        world.set_back(number, 0)


def a_message_turns_up_late(world: World, _calls: int) -> None:
    world.send(reported(world), Answer.UNKNOWN_LATE, [])
    world.storm("a", past_the_log=True)


def a_retry_turns_up_late(world: World, _calls: int) -> None:
    change = reported(world)
    world.send(change, Answer.REFUSED, [])
    world.send(change, Answer.UNKNOWN_LATE, [])
    world.storm("a", past_the_log=True)


def the_process_dies(world: World, calls: int) -> None:
    with_a_poisonous_message_first(world)
    world.turn(2, [Fault.NONE] * calls + [Fault.LOOP, Fault.CRASH_BEFORE])


def something_is_away_and_the_process_dies(world: World, calls: int) -> None:
    with_a_poisonous_message_first(world)
    world.turn(2, [Fault.NONE] * calls + [Fault.AWAY, Fault.CRASH_AFTER])


def the_topic_is_made_anew(world: World, _calls: int) -> None:
    for _ in range(3):
        world.send(reported(world), Answer.ACKNOWLEDGED, [])
    world.settle()
    world.kill(2)
    world.make_topic_anew(lagging=False, forget=False)
    for _ in range(6):
        world.send(reported(world), Answer.ACKNOWLEDGED, [])


def reported(world: World) -> Reported:
    change = world.report("a", 1)
    assert change is not None
    return change


def with_a_poisonous_message_first(world: World) -> None:
    change = reported(world)
    world.send(world.comment(change.issue_id, 1, POISON), Answer.ACKNOWLEDGED, [])
    world.send(change, Answer.ACKNOWLEDGED, [])
    world.send(world.comment(change.issue_id, 2, "seen"), Answer.ACKNOWLEDGED, [])


def goes_well(scenario: Scenario) -> None:
    """Run it with the fault at each of the calls that a batch makes."""
    for calls in range(CALLS):
        world = World()
        scenario(world, calls)
        world.settle()


@pytest.mark.parametrize(
    "mistake",
    [ignore_event_ids, write_unconditionally, ignore_conflicts, take_an_unknown_outcome_for_done],
    ids=lambda mistake: mistake.__name__,
)
def test_the_search_finds_a_mistake(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=MISTAKE)


@pytest.mark.parametrize(
    ("mistake", "scenario"),
    [
        (ignore_marks, a_storm_is_read_again),
        (forget_what_is_unconfirmed, a_message_turns_up_late),
        (forget_what_is_unconfirmed, a_retry_turns_up_late),
        (forget_what_was_refused, the_process_dies),
        (commit_before_the_write, the_process_dies),
        (do_not_wait_for_the_dead_letters, something_is_away_and_the_process_dies),
        (ignore_the_topics_id, the_topic_is_made_anew),
        (trust_positions_of_an_earlier_topic, the_topic_is_made_anew),
    ],
    ids=lambda function: function.__name__,
)
def test_a_mistake_that_takes_long_to_find_fails_where_it_matters(
    mistake: Mistake, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mechanism matters: with it all goes well, without it something is lost or doubled."""
    goes_well(scenario)
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        goes_well(scenario)
