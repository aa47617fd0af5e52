"""What a message does: runs, checkpoints, resuming, retries, what is rejected."""

import logging
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from kafka_worker.exceptions import Reject
from tests.workflow.messages import start
from tests.workflow.tracker import LocalTracker
from workflow.exceptions import RetryDue
from workflow.models import Run, Status, Step
from workflow.processor import MAX_INTERRUPTIONS, WorkflowProcessor
from workflow.registry import RetryPolicy, RunContext, step, workflow
from workflow.starting import reopen_run

pytestmark = pytest.mark.django_db

SOON = RetryPolicy(max_attempts=3, first_delay=timedelta(seconds=30), jitter=0)


class Calls(list[str]):
    """The steps that were called, and how often ``unstable`` fails before it works."""

    failures = 0


@pytest.fixture
def calls() -> Calls:
    """What the workflow ``three-steps`` did."""
    calls = Calls()

    @workflow("three-steps", retry=SOON)
    class ThreeSteps:
        @step
        def first(self, context: RunContext) -> Any:
            calls.append("first")
            return {"from": context.payload["source"]}

        @step
        def unstable(self, context: RunContext) -> Any:
            calls.append(f"unstable {context.attempt}")
            if calls.failures > 0:
                calls.failures -= 1
                raise ConnectionError("not this time")
            context.results["first"]["from"] = "changed"
            return (1, 2)

        @step
        def last(self, context: RunContext) -> Any:
            calls.append("last")
            return [context.results["first"]["from"], context.results["unstable"]]

    return calls


def _due_now(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(retry_at=timezone.now())


def test_steps_run_in_order_and_see_what_was_kept_of_the_earlier_ones(
    processor: WorkflowProcessor, calls: Calls
) -> None:
    processor.process(start("three-steps", source="desk"))
    run = Run.objects.get()
    assert (run.status, run.attempts, run.issue_id) == (Status.SUCCEEDED, 1, None)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert calls == ["first", "unstable 1", "last"]
    # Not "changed": a step's changes to what it was given would be gone after an interruption.
    assert list(run.steps.values_list("name", "status", "result")) == [
        ("first", "succeeded", {"from": "desk"}),
        ("unstable", "succeeded", [1, 2]),
        ("last", "succeeded", ["desk", [1, 2]]),
    ]


def test_a_message_of_a_run_that_has_ended_does_nothing(
    processor: WorkflowProcessor, calls: Calls
) -> None:
    message = start("three-steps", source="desk")
    processor.process(message)
    processor.process(message)
    assert calls == ["first", "unstable 1", "last"]
    assert Run.objects.get().attempts == 1


def test_a_failed_step_is_tried_again_after_its_wait_and_earlier_ones_are_not(
    processor: WorkflowProcessor, calls: Calls
) -> None:
    calls.failures = 2
    message = start("three-steps", source="desk")
    with pytest.raises(RetryDue) as first:
        processor.process(message)
    run = Run.objects.get()
    assert first.value.retry_after == timedelta(seconds=30)
    assert (run.status, run.error_type, run.lease_owner) == (
        Status.PENDING,
        "ConnectionError",
        None,
    )
    with pytest.raises(RetryDue) as too_early:
        processor.process(message)
    assert timedelta() < too_early.value.wait <= timedelta(seconds=30)
    assert calls == ["first", "unstable 1"]

    _due_now(run)
    with pytest.raises(RetryDue) as second:
        processor.process(message)
    assert second.value.retry_after == timedelta(minutes=1) / 2  # max_delay
    _due_now(run)
    processor.process(message)
    run.refresh_from_db()
    assert calls == ["first", "unstable 1", "unstable 2", "unstable 3", "last"]
    assert (run.status, run.attempts, run.error_type) == (Status.SUCCEEDED, 3, "")
    assert run.issue_id is not None


def test_a_run_whose_retries_are_used_up_has_failed_and_its_message_is_done(
    processor: WorkflowProcessor, calls: Calls, tracker: LocalTracker
) -> None:
    calls.failures = 99
    message = start("three-steps", source="desk")
    for _ in range(2):
        with pytest.raises(RetryDue):
            processor.process(message)
        _due_now(Run.objects.get())
    processor.process(message)
    run = Run.objects.get()
    failed = run.steps.get(name="unstable")
    assert (run.status, failed.status, failed.attempts) == (Status.FAILED, Status.FAILED, 3)
    assert run.finished_at is not None
    assert "not this time" in run.error_message
    assert "in unstable" in run.error_trace
    assert "processor.py" not in run.error_trace
    assert run.steps.get(name="last").status == Status.PENDING
    processor.process(message)
    assert calls.count("unstable 3") == 1
    assert len(tracker.reports) == 3


def test_a_failed_run_that_is_reopened_goes_on_from_the_step_that_failed(
    processor: WorkflowProcessor, calls: Calls
) -> None:
    calls.failures = 3
    message = start("three-steps", source="desk")
    for _ in range(2):
        with pytest.raises(RetryDue):
            processor.process(message)
        _due_now(Run.objects.get())
    processor.process(message)
    reopen_run(uuid.UUID(message.run_id))
    processor.process(message)
    assert Run.objects.get().status == Status.SUCCEEDED
    assert calls.count("first") == 1
    assert calls[-2:] == ["unstable 1", "last"]


def test_an_interrupted_step_runs_again_and_the_interruption_is_no_failure(
    processor: WorkflowProcessor,
) -> None:
    ends = [KeyboardInterrupt(), SystemExit(3)]

    @workflow("interrupted", retry=RetryPolicy(max_attempts=1))
    def only(context: RunContext) -> int:
        if ends:
            raise ends.pop()
        return context.attempt

    message = start("interrupted")
    with pytest.raises(SystemExit):
        processor.process(message)
    # Another process may go on at once.
    assert Run.objects.get().lease_owner is None
    with pytest.raises(KeyboardInterrupt):
        processor.process(message)
    processor.process(message)
    record = Step.objects.get()
    assert (record.status, record.attempts, record.interruptions) == (Status.SUCCEEDED, 3, 2)


def test_a_step_in_which_the_process_ends_again_and_again_fails_the_run(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    @workflow("deadly")
    def deadly(context: RunContext) -> None:
        raise SystemExit

    message = start("deadly")
    for _ in range(MAX_INTERRUPTIONS + 1):
        with pytest.raises(SystemExit):
            processor.process(message)
    processor.process(message)
    run = Run.objects.get()
    assert (run.status, run.error_type) == (
        Status.FAILED,
        "workflow.exceptions.StepInterrupted",
    )
    assert len(tracker.reports) == 1


@pytest.mark.parametrize("result", [object(), float("nan"), "a\x00b"])
def test_a_result_that_cannot_be_kept_is_the_steps_failure(
    processor: WorkflowProcessor, result: Any
) -> None:
    @workflow("unkept", retry=RetryPolicy(max_attempts=1))
    def unkept(context: RunContext) -> Any:
        return result

    processor.process(start("unkept"))
    assert Run.objects.get().error_type == "workflow.exceptions.UnusableValue"


def test_a_step_added_to_a_workflow_runs_in_runs_that_are_under_way(
    processor: WorkflowProcessor, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.failures = 1
    message = start("three-steps", source="desk")
    with pytest.raises(RetryDue):
        processor.process(message)
    _due_now(Run.objects.get())
    monkeypatch.setattr("workflow.registry._workflows", {})

    @workflow("three-steps")
    class Later:
        @step
        def added(self, context: RunContext) -> Any:
            return list(context.results)

        @step
        def first(self, _context: RunContext) -> None:
            raise AssertionError("it has finished")

    processor.process(message)
    assert Run.objects.get().status == Status.SUCCEEDED
    assert Step.objects.get(name="added").result == ["first"]
    assert Step.objects.get(name="first").index == 1


def test_an_unknown_workflow_is_rejected_and_reported(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    with pytest.raises(Reject) as rejected:
        processor.process(start("nobody-knows"))
    assert rejected.value.reason == "unknown workflow"
    assert "nobody-knows" in tracker.reports[0]["title"]
    assert not Run.objects.exists()


def test_a_run_id_of_another_workflow_is_rejected(
    processor: WorkflowProcessor, calls: Calls
) -> None:
    message = start("three-steps", source="desk")
    processor.process(message)
    with pytest.raises(Reject, match="run of another workflow"):
        processor.process(start("nightly-report", uuid.UUID(message.run_id)))


def test_a_payload_that_no_database_keeps_is_rejected(processor: WorkflowProcessor) -> None:
    with pytest.raises(Reject, match="unusable payload"):
        processor.process(start("nightly-report", name="a\x00b"))


def test_the_log_names_the_run_and_never_its_payload(
    processor: WorkflowProcessor, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    calls.failures = 1
    message = start("three-steps", source="private@person.example")
    with pytest.raises(RetryDue):
        processor.process(message)
    [record] = [one for one in caplog.records if "step failed" in one.getMessage()]
    assert (record.__dict__["run_id"], record.__dict__["step"], record.__dict__["attempt"]) == (
        message.run_id,
        "unstable",
        1,
    )
    assert "private@person" not in caplog.text


def test_metrics_count_runs_by_their_end_and_failures_by_step(
    processor: WorkflowProcessor,
) -> None:
    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0

    @workflow("measured", retry=RetryPolicy(max_attempts=1))
    def measured(context: RunContext) -> None:
        if context.payload["fail"]:
            raise LookupError

    for fail in (True, False, True):
        processor.process(start("measured", fail=fail))
    assert sample("workflow_runs_total", workflow="measured", status="failed") == 2
    assert sample("workflow_runs_total", workflow="measured", status="succeeded") == 1
    assert sample("workflow_step_failures_total", workflow="measured", step="measured") == 2
    assert sample("workflow_step_seconds_count", workflow="measured", step="measured") == 3
