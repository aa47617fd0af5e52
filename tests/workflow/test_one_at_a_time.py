"""Of several processes, one works on a run: the lease, its renewal, its end, its loss."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from issuetracker.client import IssueTrackerClient
from tests.workflow.messages import start
from workflow.exceptions import LeaseLost, RunBusy
from workflow.journal import take_up
from workflow.models import Run, Status, Step
from workflow.processor import WorkflowProcessor
from workflow.registry import RunContext, get_workflow, workflow

WAIT = 20


@pytest.fixture
def make_processor(client: IssueTrackerClient) -> Callable[..., WorkflowProcessor]:
    """Makes processors that each stand for a process of its own."""

    def make(lease: float = 15) -> WorkflowProcessor:
        return WorkflowProcessor(client, lease=timedelta(seconds=lease))

    return make


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def _in_thread(threads: ThreadPoolExecutor, call: Callable[[], None]) -> "Future[Exception | None]":
    def work() -> Exception | None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()
        return None

    return threads.submit(work)


class Gate:
    """A step that waits, and says when it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        self.begun.set()
        assert self.open.wait(WAIT)
        return self.calls


def test_of_many_processors_with_one_run_a_single_one_runs_its_step(
    real_database: str,
    make_processor: Callable[..., WorkflowProcessor],
    threads: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    @workflow("gated")
    def gated(context: RunContext) -> int:
        return gate()

    message = start("gated")
    rivals = [make_processor() for _ in range(6)]
    outcomes = [_in_thread(threads, lambda one=one: one.process(message)) for one in rivals]  # type: ignore[misc]
    assert gate.begun.wait(WAIT)
    deadline = time.monotonic() + WAIT
    while sum(outcome.done() for outcome in outcomes) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    gate.open.set()
    ends = [outcome.result(WAIT) for outcome in outcomes]
    assert sum(isinstance(end, RunBusy) for end in ends) == 5
    assert gate.calls == 1
    assert Run.objects.get(pk=message.run_id).status == Status.SUCCEEDED


def test_a_step_longer_than_the_lease_keeps_it(
    real_database: str,
    make_processor: Callable[..., WorkflowProcessor],
    threads: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    @workflow("long")
    def long(context: RunContext) -> int:
        return gate()

    message = start("long")
    outcome = _in_thread(threads, lambda: make_processor(lease=0.6).process(message))
    assert gate.begun.wait(WAIT)
    time.sleep(1.3)
    with pytest.raises(RunBusy):
        make_processor().process(message)
    gate.open.set()
    assert outcome.result(WAIT) is None
    assert gate.calls == 1


def test_a_run_whose_processor_was_killed_is_taken_over_when_the_lease_ends(
    real_database: str,
    make_processor: Callable[..., WorkflowProcessor],
) -> None:
    @workflow("orphan")
    def orphan(context: RunContext) -> int:
        return context.attempt

    message = start("orphan")
    dead, heir = make_processor(lease=0.5), make_processor()
    _leave_running(dead, message.run_id)
    with pytest.raises(RunBusy) as busy:
        heir.process(message)
    assert busy.value.wait <= timedelta(seconds=1)
    time.sleep(0.6)
    heir.process(message)
    step = Step.objects.get(run_id=message.run_id)
    assert (step.attempts, step.interruptions, step.result) == (2, 1, 2)


def test_a_processor_that_was_frozen_and_overtaken_changes_nothing(
    real_database: str,
    make_processor: Callable[..., WorkflowProcessor],
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()

    @workflow("frozen")
    def frozen(context: RunContext) -> str:
        if context.attempt > 1:
            return "heir"
        gate()
        return "frozen"

    # What a stopped process does not do either.
    monkeypatch.setattr("workflow.journal.Journal.renew", lambda _journal: None)
    message = start("frozen")
    outcome = _in_thread(threads, lambda: make_processor(lease=0.3).process(message))
    assert gate.begun.wait(WAIT)
    time.sleep(0.4)
    heir = make_processor()
    heir.process(message)
    gate.open.set()
    assert isinstance(outcome.result(WAIT), LeaseLost)
    assert Step.objects.get(run_id=message.run_id).result == "heir"
    assert Run.objects.get(pk=message.run_id).status == Status.SUCCEEDED


def _leave_running(processor: WorkflowProcessor, run_id: str) -> None:
    """Leave the database as a kill in the middle of the first step leaves it."""
    run = Run.objects.create(pk=uuid.UUID(run_id), workflow="orphan")
    definition = get_workflow("orphan")
    journal = take_up(run, definition, processor._identity, processor._lease)
    journal.begin_step(definition.steps[0])
