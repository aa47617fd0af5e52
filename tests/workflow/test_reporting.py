"""What the tracker is told of an exception, and that nothing it does changes a run."""

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from issuetracker.client import IssueTrackerClient
from tests.workflow.messages import start
from tests.workflow.tracker import LocalTracker, closed_port, hung_tracker
from workflow.container import DependencyContainer
from workflow.exceptions import RetryDue
from workflow.models import Run, Status, Step
from workflow.processor import WorkflowProcessor
from workflow.registry import RetryPolicy, RunContext, step, workflow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _failing() -> None:
    """A workflow that fails in the step its payload names, with a text of its payload."""

    @workflow("failing", retry=RetryPolicy(max_attempts=1))
    class Failing:
        @step
        def first(self, context: RunContext) -> None:
            self._maybe_fail(context)

        @step
        def second(self, context: RunContext) -> None:
            self._maybe_fail(context)

        def _maybe_fail(self, context: RunContext) -> None:
            if context.payload["step"] == context.step:
                raise LookupError(context.payload["text"])


def _reports(tracker: LocalTracker, processor: WorkflowProcessor, *steps: str) -> list[Any]:
    for number, name in enumerate(steps):
        processor.process(start("failing", step=name, text=f"no row {number}"))
    return tracker.reports


def test_a_report_says_what_broke_where_and_how(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    message = start("nightly-report")
    processor.process(message)
    [report] = tracker.reports
    assert report["title"].startswith("nightly-report/deliver: ReportNotDelivered: 2 totals")
    assert (report["type"], report["component"], report["priority"]) == (
        "exception",
        "workflow-consumer",
        "high",
    )
    assert {"workflow:nightly-report", "step:deliver"} <= set(report["tags"])
    expected = {
        "workflow": "nightly-report",
        "run_id": message.run_id,
        "step": "deliver",
        "attempt": 1,
        "run_failed": True,
    }
    assert expected.items() <= report["context"].items()
    assert message.run_id in report["description"]


def test_a_report_carries_the_whole_chain_from_the_step_to_the_line_that_raised(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    processor.process(start("nightly-report"))
    raised, cause = tracker.reports[0]["exception"]
    assert raised["type"] == "workflow.workflows.ReportNotDelivered"
    assert [frame["function"] for frame in raised["frames"]] == ["NightlyReport.deliver", "_send"]
    assert cause["type"] == "builtins.KeyError"
    assert cause["relation"] == "cause"
    assert cause["frames"][-1]["function"] == "_address_of"
    assert cause["frames"][-1]["code"].strip() == "return addresses[report]"


def test_eleven_failures_of_one_step_have_one_fingerprint(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    reports = _reports(tracker, processor, *["first"] * 11)
    assert len(reports) == 11
    assert len({report["title"] for report in reports}) == 11
    assert len({report["fingerprint"] for report in reports}) == 1


def test_the_same_fault_in_another_step_is_another_issue(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    # Reached through one helper, so that only the step tells them apart.
    reports = _reports(tracker, processor, "first", "second")
    assert len({report["fingerprint"] for report in reports}) == 2


def test_the_same_fault_in_another_workflow_is_another_issue(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    def fail(context: RunContext) -> None:
        raise LookupError("nothing")

    for name in ("one", "other"):
        workflow(name, retry=RetryPolicy(max_attempts=1))(fail)
        processor.process(start(name))
    assert len({report["fingerprint"] for report in tracker.reports}) == 2


def test_every_attempt_is_reported_and_only_the_last_as_the_end_of_the_run(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    @workflow("twice", retry=RetryPolicy(max_attempts=2, first_delay=timedelta(0)))
    def twice(context: RunContext) -> None:
        raise OSError("away")

    message = start("twice")
    with pytest.raises(RetryDue):
        processor.process(message)
    processor.process(message)
    contexts = [report["context"] for report in tracker.reports]
    assert [(each["attempt"], each["run_failed"]) for each in contexts] == [(1, False), (2, True)]
    assert [report.get("priority", "medium") for report in tracker.reports] == ["medium", "high"]
    assert len({report["fingerprint"] for report in tracker.reports}) == 1
    assert len({report["event_id"] for report in tracker.reports}) == 2


def test_the_run_names_the_issue_it_was_reported_as(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    issue_id = uuid.uuid4()
    tracker.answer = (202, f'{{"id": "temp-{issue_id}"}}'.encode())
    processor.process(start("nightly-report"))
    assert Run.objects.get().issue_id == issue_id


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"oops"),
        (200, b"<html>hello</html>"),
        (202, b"{}"),
        (202, b'{"id": "banana"}'),
        (202, b'{"id": ' + b'"' + b"x" * 50_000 + b'"}'),
        (202, b'{"id": {"a": 1}}'),
        (202, b"[" * 50_000),
        (302, b""),
        (401, b'{"title": "no token"}'),
    ],
)
def test_a_tracker_that_answers_nonsense_changes_nothing_about_the_run(
    processor: WorkflowProcessor, tracker: LocalTracker, answer: tuple[int, bytes]
) -> None:
    tracker.answer = answer
    processor.process(start("nightly-report"))
    _assert_recorded()


@pytest.fixture(params=["down", "hung"])
def dead_tracker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a tracker that does not answer."""
    if request.param == "down":
        yield closed_port()
    else:
        with hung_tracker() as url:
            yield url


def test_a_tracker_that_does_not_answer_changes_nothing_about_the_run(dead_tracker: str) -> None:
    began = time.monotonic()
    with IssueTrackerClient(dead_tracker) as client:
        WorkflowProcessor(client).process(start("nightly-report"))
    _assert_recorded()
    assert time.monotonic() - began < 5


def test_runs_do_not_wait_for_a_tracker_that_does_not_answer(
    dead_tracker: str, settings: Any
) -> None:
    settings.ENVIRONMENT = type(
        "Environment",
        (),
        {
            "issuetracker_url": dead_tracker,
            "issuetracker_token": "",
        },
    )
    container = DependencyContainer()
    began = time.monotonic()
    for _ in range(20):
        container.workflow_processor.process(start("nightly-report"))
    assert time.monotonic() - began < 2
    assert Run.objects.filter(status=Status.FAILED).count() == 20
    container.close()
    assert time.monotonic() - began < 10


def test_a_client_with_a_fault_of_its_own_changes_nothing_about_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class BrokenClient(IssueTrackerClient):
        def log_exception(self, *_arguments: Any, **_named: Any) -> str | None:
            raise RuntimeError("a fault")

    WorkflowProcessor(BrokenClient("http://127.0.0.1:9")).process(start("nightly-report"))
    _assert_recorded()
    assert "Reporting an exception failed" in caplog.text


def test_the_container_says_that_the_client_is_there(caplog: pytest.LogCaptureFixture) -> None:
    container = DependencyContainer()
    assert isinstance(container.workflow_processor, WorkflowProcessor)
    container.close()
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("Issue tracker client initialized (for exception reporting)") == 1


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_that_cannot_be_printed_is_recorded_and_reported(
    processor: WorkflowProcessor, tracker: LocalTracker
) -> None:
    @workflow("unprintable", retry=RetryPolicy(max_attempts=1))
    def unprintable(context: RunContext) -> None:
        raise _Unprintable

    processor.process(start("unprintable"))
    assert "_Unprintable" in Run.objects.get().error_type
    assert len(tracker.reports) == 1


def _assert_recorded() -> None:
    run = Run.objects.get()
    assert (run.status, run.issue_id) == (Status.FAILED, None)
    assert run.error_type == "workflow.workflows.ReportNotDelivered"
    finished = Step.objects.filter(run=run, status=Status.SUCCEEDED)
    assert set(finished.values_list("name", flat=True)) == {"collect_trades", "sum_up"}
