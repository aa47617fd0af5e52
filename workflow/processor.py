"""Runs workflows: step by step, each result kept, each exception reported."""

import copy
import logging
import threading
import uuid
from datetime import timedelta
from types import MappingProxyType

from issuetracker.client import IssueTrackerClient
from kafka_worker.exceptions import Reject
from workflow.exceptions import RetryDue, StepInterrupted, UnknownWorkflow
from workflow.journal import LEASE, Journal, find_or_create_run, take_up
from workflow.messages import StartWorkflow
from workflow.metrics import REPORTS, RUNS, STEP_FAILURES, STEP_SECONDS
from workflow.models import Run, Status, Step
from workflow.registry import RunContext, StepDefinition, WorkflowDefinition, get_workflow
from workflow.reporting import Place, report
from workflow.traces import ErrorRecord, without_frames_of
from workflow.values import json_value

logger = logging.getLogger(__name__)

MAX_INTERRUPTIONS = 5
"""How often the process may end during one step before its run has failed."""


class WorkflowProcessor:
    """Takes messages that start workflows to the end of their runs.

    A message that comes again goes on after the run's last finished step, and does nothing when
    the run has ended. Of several processors, one works on a run at a time; calls of one processor
    from several threads queue up.

    Args:
        issue_tracker_client: where exceptions are reported.
        lease: how long a run stays with a processor that stopped without a word.
    """

    def __init__(
        self, issue_tracker_client: IssueTrackerClient, *, lease: timedelta = LEASE
    ) -> None:
        self._issue_tracker_client = issue_tracker_client
        self._lease = lease
        self._identity = uuid.uuid4()
        self._turn = threading.Lock()

    def process(self, message: StartWorkflow) -> None:
        """Take a run as far as it goes: to its end, or to a failure that is tried again.

        A run whose retries are used up has failed, which its record in the database says; that is
        no error of the message's.

        Raises:
            Reject: no installed app registers the workflow, or the run id is another workflow's.
            NotNow: the run goes on later: after a wait, or when another process has let go of it.
            Unavailable: the database is down.
        """
        with self._turn:
            definition = self._find_workflow(message)
            run = find_or_create_run(message)
            if run.is_finished:
                logger.info("A run that has ended was delivered again", extra=_fields(run))
                return
            self._work_on(take_up(run, definition, self._identity, self._lease), definition)

    def _find_workflow(self, message: StartWorkflow) -> WorkflowDefinition:
        try:
            return get_workflow(message.workflow)
        except UnknownWorkflow as error:
            self._report_exception_to_tracker(
                error, Place(message.workflow, uuid.UUID(message.run_id))
            )
            raise Reject("unknown workflow", str(error)) from error

    def _work_on(self, journal: Journal, definition: WorkflowDefinition) -> None:
        try:
            with journal.kept():
                succeeded = all(
                    self._run_step(journal, definition, step) for step in definition.steps
                )
                if succeeded:
                    journal.finish()
        except BaseException:
            journal.give_back()
            raise
        status = Status.SUCCEEDED if succeeded else Status.FAILED
        RUNS.labels(definition.name, status.value).inc()
        logger.info("A run %s", status.value, extra=_fields(journal.run))

    def _run_step(
        self, journal: Journal, definition: WorkflowDefinition, step: StepDefinition
    ) -> bool:
        """Run a step unless it has finished before; False when the run has failed with it."""
        if journal.steps[step.name].status == Status.SUCCEEDED:
            return True
        record = journal.begin_step(step)
        try:
            with STEP_SECONDS.labels(definition.name, step.name).time():
                result = self._call(journal, step, record)
        except Exception as error:  # noqa: BLE001 - whatever a step raises is the step's failure
            return self._fail_step(journal, definition, record, without_frames_of(__file__, error))
        journal.finish_step(record, result)
        return True

    def _call(self, journal: Journal, step: StepDefinition, record: Step) -> object:
        if record.interruptions > MAX_INTERRUPTIONS:
            raise StepInterrupted(
                f"the process ended {record.interruptions} times while it ran {step.name!r}"
            )
        context = RunContext(
            run_id=journal.run.pk,
            workflow=journal.run.workflow,
            step=step.name,
            attempt=record.attempts,
            # Copies: what a step changes in them would be gone after an interruption.
            payload=copy.deepcopy(journal.run.payload),
            results=MappingProxyType(copy.deepcopy(journal.results)),
        )
        return json_value(step.bound()(context))

    def _fail_step(
        self, journal: Journal, definition: WorkflowDefinition, record: Step, error: Exception
    ) -> bool:
        STEP_FAILURES.labels(definition.name, record.name).inc()
        wait = self._wait_before_retry(definition, record, error)
        place = Place(
            definition.name, journal.run.pk, record.name, record.attempts, final=wait is None
        )
        issue_id = self._report_exception_to_tracker(error, place)
        journal.fail_step(record, ErrorRecord.of(error), issue_id, wait)
        what_next = "the run has failed" if wait is None else f"trying again in {wait}"
        fields = _fields(journal.run) | {"step": record.name, "attempt": record.attempts}
        logger.warning("A step failed with %s; %s", type(error).__name__, what_next, extra=fields)
        if wait is not None:
            raise RetryDue(f"step {record.name!r} of run {journal.run.pk} failed", wait) from error
        return False

    def _wait_before_retry(
        self, definition: WorkflowDefinition, record: Step, error: Exception
    ) -> timedelta | None:
        if isinstance(error, StepInterrupted) or record.failures >= definition.retry.max_attempts:
            return None
        return timedelta(seconds=definition.retry.delay(record.failures))

    def _report_exception_to_tracker(self, error: Exception, place: Place) -> uuid.UUID | None:
        """Report an exception; whatever goes wrong with that changes nothing about the run.

        Returns:
            The issue it is, or None when the tracker did not take it.
        """
        try:
            issue_id = report(self._issue_tracker_client, error, place)
        except Exception as failure:  # noqa: BLE001 - a report must never break what it reports on
            logger.warning("Reporting an exception failed: %r", failure)
            issue_id = None
        REPORTS.labels("taken" if issue_id else "not_taken").inc()
        return issue_id


def _fields(run: Run) -> dict[str, str]:
    return {"workflow": run.workflow, "run_id": str(run.pk)}
