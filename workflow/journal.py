"""The record of a run in the database, and the right to write it.

Whoever works on a run holds its lease: a row in the database names the owner and the time until
which nobody else may take over. The lease is renewed while a step works, and ends by itself when
the process was killed. Every write is made on the condition that the lease is still held, so that
a process that was frozen and overtaken changes nothing any more. Times are the database's own:
clocks of several machines need not agree.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import (
    DataError,
    Error,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from kafka_worker.exceptions import Reject, Unavailable
from workflow.exceptions import LeaseLost, RetryDue, RunBusy, UnusableValue
from workflow.messages import StartWorkflow
from workflow.models import Run, Status, Step
from workflow.registry import StepDefinition, WorkflowDefinition
from workflow.traces import ErrorRecord
from workflow.values import json_value

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a run stays with a process that was killed."""

_ASK_AGAIN = timedelta(seconds=1)


@contextmanager
def outage_is_unavailable() -> Iterator[None]:
    """Translate a database that is down into the worker's exception.

    Raises:
        Unavailable: the database did not answer; the same may succeed later.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("the workflow database") from error


@outage_is_unavailable()
def find_or_create_run(message: StartWorkflow) -> Run:
    """The run that ``message`` starts or goes on with.

    Raises:
        Reject: the run id is another workflow's, or the database cannot hold the payload.
        Unavailable: the database is down.
    """
    try:
        payload = json_value(message.payload)
        run, _ = Run.objects.get_or_create(
            pk=UUID(message.run_id), defaults={"workflow": message.workflow, "payload": payload}
        )
    except (UnusableValue, DataError) as error:
        raise Reject("unusable payload", str(error)) from error
    if run.workflow != message.workflow:
        raise Reject("run of another workflow", f"run {run.pk} is one of {run.workflow!r}")
    return run


@outage_is_unavailable()
def take_up(run: Run, definition: WorkflowDefinition, owner: UUID, lease: timedelta) -> "Journal":
    """Take the lease of a run that is not finished, and note every step it has.

    Raises:
        RunBusy: another owner holds the lease.
        RetryDue: a step failed, and its next attempt is not due yet.
        Unavailable: the database is down.
    """
    _check_due(run)
    with transaction.atomic():
        free = Q(lease_owner=None) | Q(lease_owner=owner) | Q(lease_expires_at__lt=Now())
        taken = Run.objects.filter(
            free, pk=run.pk, status__in=[Status.PENDING, Status.RUNNING]
        ).update(
            status=Status.RUNNING,
            lease_owner=owner,
            lease_expires_at=Now() + lease,
            started_at=Coalesce("started_at", Now()),
            attempts=F("attempts") + 1,
            retry_at=None,
        )
        if not taken:
            raise RunBusy(f"run {run.pk} is in another process's hands", _ASK_AGAIN)
        steps = _note_steps(run, definition)
    run.refresh_from_db()
    return Journal(run, steps, owner, lease)


def _check_due(run: Run) -> None:
    now = timezone.now()
    if run.retry_at and run.retry_at > now:
        raise RetryDue(
            f"run {run.pk} is tried again at {run.retry_at:%H:%M:%S}", run.retry_at - now
        )


def _note_steps(run: Run, definition: WorkflowDefinition) -> dict[str, Step]:
    Step.objects.bulk_create(
        [Step(run=run, name=step.name, index=index) for index, step in enumerate(definition.steps)],
        update_conflicts=True,
        unique_fields=["run", "name"],
        update_fields=["index"],
    )
    return {step.name: step for step in Step.objects.filter(run=run)}


@dataclass(frozen=True, slots=True)
class Journal:
    """A run in this process's hands. Every method writes at once, or raises.

    Attributes:
        run: the run, as it was taken up.
        steps: its steps by name, kept up to date by the methods.
    """

    run: Run
    steps: dict[str, Step]
    _owner: UUID
    _lease: timedelta

    @property
    def results(self) -> dict[str, Any]:
        """What the finished steps returned, by name."""
        finished = (step for step in self.steps.values() if step.status == Status.SUCCEEDED)
        return {step.name: step.result for step in finished}

    @outage_is_unavailable()
    def begin_step(self, definition: StepDefinition) -> Step:
        """Note that a step begins, and, if it was begun before and never ended, that too.

        Raises:
            LeaseLost: another process has taken the run over.
            Unavailable: the database is down.
        """
        step = self.steps[definition.name]
        step.interruptions += step.status == Status.RUNNING
        step.attempts += 1
        step.status = Status.RUNNING
        step.started_at = step.started_at or timezone.now()
        self._write(step)
        return step

    @outage_is_unavailable()
    def finish_step(self, step: Step, result: Any) -> None:  # noqa: ANN401 - any JSON value
        """Keep a step's result: from now on this step is never run again.

        Raises:
            LeaseLost: another process has taken the run over.
            Unavailable: the database is down.
        """
        step.status, step.result = Status.SUCCEEDED, result
        step.finished_at = timezone.now()
        self._write(step)

    @outage_is_unavailable()
    def finish(self) -> None:
        """Note that every step has finished, and give the run back.

        Raises:
            LeaseLost: another process has taken the run over.
            Unavailable: the database is down.
        """
        with transaction.atomic():
            self._update(status=Status.SUCCEEDED, finished_at=Now(), **_NOBODY, **_NO_ERROR)

    @outage_is_unavailable()
    def fail_step(
        self, step: Step, error: ErrorRecord, issue_id: UUID | None, wait: timedelta | None
    ) -> None:
        """Note a step's exception, and give the run back.

        Args:
            step: the step that failed.
            error: the exception.
            issue_id: the issue it was reported as, if it was.
            wait: time until the next attempt; None when the run has failed.

        Raises:
            LeaseLost: another process has taken the run over.
            Unavailable: the database is down.
        """
        now = timezone.now()
        step.status = Status.PENDING if wait is not None else Status.FAILED
        step.finished_at = None if wait is not None else now
        for name, value in error.fields.items():
            setattr(step, name, value)
        self._write(
            step,
            status=step.status,
            finished_at=step.finished_at,
            retry_at=None if wait is None else now + wait,
            issue_id=issue_id or self.run.issue_id,
            **error.fields,
            **_NOBODY,
        )

    def renew(self) -> None:
        """Keep the run for another while.

        Raises:
            LeaseLost: another process has taken the run over.
        """
        self._update(lease_expires_at=Now() + self._lease)

    def give_back(self) -> None:
        """Let others take the run at once, as well as that can be done; no error matters."""
        try:
            Run.objects.filter(pk=self.run.pk, lease_owner=self._owner).update(**_NOBODY)
        except Error as error:
            logger.info(
                "A run's lease is left to expire: %s",
                type(error).__name__,
                extra={"run_id": str(self.run.pk)},
            )

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease in the background for as long as the block takes."""
        ended = threading.Event()
        every = self._lease.total_seconds() / 3
        thread = threading.Thread(
            target=self._renew_until, args=(ended, every), name="workflow-lease", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(every)

    def _renew_until(self, ended: threading.Event, every: float) -> None:
        while not ended.wait(every):
            try:
                self.renew()
            except LeaseLost:
                logger.warning("Lost the lease of a run", extra={"run_id": str(self.run.pk)})
                return
            except Error as error:
                logger.warning("Could not renew a run's lease: %s", type(error).__name__)
            finally:
                connection.close()

    def _write(self, step: Step, **of_run: Any) -> None:  # noqa: ANN401 - any column
        # A connection that the server dropped during a long step must not cost its result.
        connection.close_if_unusable_or_obsolete()
        with transaction.atomic():
            self._update(**{"lease_expires_at": Now() + self._lease, **of_run})
            step.save()

    def _update(self, **values: Any) -> None:  # noqa: ANN401 - any column
        held = Run.objects.filter(pk=self.run.pk, lease_owner=self._owner)
        if not held.update(**values):
            raise LeaseLost(f"run {self.run.pk} was taken over by another process", _ASK_AGAIN)


_NOBODY: dict[str, None] = {"lease_owner": None, "lease_expires_at": None}
_NO_ERROR = {"error_type": "", "error_message": "", "error_trace": ""}
