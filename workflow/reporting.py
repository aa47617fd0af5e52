"""How an exception in a workflow is told to the issue tracker."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from issuetracker.client import IssueTrackerClient, report_of

COMPONENT = "workflow-consumer"

_MAX_TAG = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the workflows an exception was raised.

    Attributes:
        workflow: name of the workflow.
        run_id: the run.
        step: name of the step; empty when it was in none.
        attempt: which attempt of the step, from 1; 0 outside of a step.
        final: whether the run has failed with it.
    """

    workflow: str
    run_id: UUID
    step: str = ""
    attempt: int = 0
    final: bool = True

    @property
    def name(self) -> str:
        """Workflow and step."""
        return f"{self.workflow}/{self.step}" if self.step else self.workflow

    @property
    def context(self) -> dict[str, str | int | bool]:
        """What a person needs to find the run."""
        return {
            "workflow": self.workflow,
            "run_id": str(self.run_id),
            "step": self.step,
            "attempt": self.attempt,
            "run_failed": self.final,
        }


def report(client: IssueTrackerClient, error: Exception, place: Place) -> UUID | None:
    """Report an exception with where it happened.

    The same fault in the same step is one issue, however often and in however many runs it
    happens; in another step or workflow it is another.

    Returns:
        The issue it is, or None when the tracker did not take the report.

    Raises:
        ValueError: the tracker answered with something that is no issue's id.
    """
    told = report_of(error)
    answer = client.log_exception(
        error,
        title=f"{place.name}: {told.title}"[:200],
        description=_description(place),
        type="exception",
        priority="high" if place.final else "medium",
        tags=["workflow", *_tags(place)],
        component=COMPONENT,
        fingerprint=_fingerprint(place, told.fingerprint),
        context=place.context,
    )
    return UUID(answer.removeprefix("temp-")) if answer else None


def _description(place: Place) -> str:
    where = f"Step {place.step}, attempt {place.attempt}, of" if place.step else "The start of"
    outcome = "The run has failed." if place.final else "The step is tried again."
    return f"{where} run {place.run_id} of the workflow {place.workflow}. {outcome}"


def _tags(place: Place) -> list[str]:
    tags = [f"workflow:{place.workflow}"[:_MAX_TAG]]
    return [*tags, f"step:{place.step}"[:_MAX_TAG]] if place.step else tags


def _fingerprint(place: Place, of_exception: str) -> str:
    digest = hashlib.sha256(f"{place.name}\n{of_exception}".encode()).hexdigest()
    return f"workflow:{digest}"
