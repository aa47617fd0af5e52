"""What the overview asks of parts other than the store: brokers, consumers, workflow runs.

The workflow app and the pages of others are found by name, so that none needs the other.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, reverse

from issuetracker.processes import PerProcess
from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.inspection import Group, Inspector
from kafka_worker.letters.form import dead_letters_of

#: Counting stops here: more is "more", and costs no scan.
RUNS_COUNTED = 100
RUNS_SHOWN = 5

inspectors = PerProcess(lambda: Inspector(WorkerConfig.from_settings()))


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of one topic.

    Attributes:
        topic: the dead-letter topic.
        count: how many it holds, those that were replayed among them.
    """

    topic: str
    count: int


@dataclass(frozen=True, slots=True)
class FailedRuns:
    """Workflow runs that failed for good.

    Attributes:
        count: how many, :data:`RUNS_COUNTED` at most.
        more: whether there are more.
        runs: the newest.
        address: of the list of all.
    """

    count: int
    more: bool
    runs: list[tuple[Any, str]]
    address: str


def consumers() -> list[Group]:
    """The consumers of each handler.

    Raises:
        Unavailable: no broker answers.
        ConfigurationError: none is named.
    """
    return inspectors.get().inspect([registry.get(name) for name in registry.names()])


def dead_letters() -> list[Letters]:
    """The dead letters of each handler's topic.

    Raises:
        Unavailable: no broker answers.
        ConfigurationError: none is named.
    """
    inspector = inspectors.get()
    topics = dict.fromkeys(dead_letters_of(registry.get(name).topic) for name in registry.names())
    return [Letters(topic, count) for topic, count in inspector.held(topics).items()]


def failed_runs() -> FailedRuns | None:
    """The workflow runs that failed, newest first; None where the workflow app is not installed.

    Raises:
        django.db.Error: the database does not answer.
    """
    if not apps.is_installed("workflow"):
        return None
    failed = apps.get_model("workflow", "Run")._default_manager.filter(status="failed")  # noqa: SLF001
    newest = list(failed.only("id", "workflow", "finished_at", "error_type")[: RUNS_COUNTED + 1])
    return FailedRuns(
        count=min(len(newest), RUNS_COUNTED),
        more=len(newest) > RUNS_COUNTED,
        runs=[
            (run, reverse("admin:workflow_run_change", args=[run.pk]))
            for run in islice(newest, RUNS_SHOWN)
        ],
        address=reverse("admin:workflow_run_changelist") + "?status__exact=failed",
    )


def letters_address() -> str:
    """The page of dead letters, where there is one."""
    try:
        return reverse("admin:kafka_worker_deadletter_changelist")
    except NoReverseMatch:
        return ""
