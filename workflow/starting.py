"""Starting runs, and starting failed ones again."""

import time
import uuid
from typing import Any

from django.db import transaction

from kafka_worker.config import WorkerConfig
from workflow.exceptions import InvalidStart, NotNow, UnusableValue
from workflow.messages import TOPIC, StartWorkflow
from workflow.models import Run, Status, Step
from workflow.processor import WorkflowProcessor
from workflow.publisher import publish
from workflow.registry import get_workflow
from workflow.values import json_value


def create_run(
    workflow: str, payload: dict[str, Any] | None = None, run_id: uuid.UUID | None = None
) -> Run:
    """Note a run, pending, so that it can be seen before anything has taken it up.

    Args:
        workflow: name of a registered workflow.
        payload: what its steps are given; JSON.
        run_id: the run's id; a random one by default. That of a run which is there already, of
            the same workflow and payload, gives that run.

    Raises:
        UnknownWorkflow: there is no such workflow.
        InvalidStart: the payload is no JSON object, or the run id is that of another run.
    """
    definition = get_workflow(workflow)
    try:
        value = json_value(payload or {})
    except UnusableValue as error:
        raise InvalidStart(f"the payload cannot be used: {error}") from error
    if not isinstance(value, dict):
        raise InvalidStart("the payload must be a JSON object")
    run, created = Run.objects.get_or_create(
        pk=run_id or uuid.uuid4(), defaults={"workflow": definition.name, "payload": value}
    )
    if not created and (run.workflow, run.payload) != (definition.name, value):
        raise InvalidStart(f"run {run.pk} exists with another workflow or payload")
    return run


def start_workflow(
    workflow: str,
    payload: dict[str, Any] | None = None,
    run_id: uuid.UUID | None = None,
    *,
    topic: str = TOPIC,
) -> Run:
    """Start a run: note it, send its message, wait for the broker's acknowledgement.

    Calling it again with the same run id is safe: there is one run, which runs once.

    Args:
        workflow: name of a registered workflow.
        payload: what its steps are given; JSON.
        run_id: the run's id; a random one by default.
        topic: where the message goes.

    Raises:
        UnknownWorkflow: there is no such workflow.
        InvalidStart: the payload is no JSON object, or the run id is that of another run.
        NotPublished: the broker did not acknowledge; the run is noted, and pending.
        ConfigurationError: no broker is named.
    """
    config = WorkerConfig.from_settings()
    run = create_run(workflow, payload, run_id)
    publish(message_of(run), config, topic=topic)
    return run


def retry_run(run_id: uuid.UUID, *, topic: str = TOPIC) -> Run:
    """Start a failed run again, from the step that failed.

    Args:
        run_id: the run.
        topic: where the message goes.

    Raises:
        UnknownWorkflow: the workflow is no longer there.
        InvalidStart: there is no such run, or it has not failed.
        NotPublished: the broker did not acknowledge; the run is pending, and asking again sends
            its message again.
        ConfigurationError: no broker is named.
    """
    config = WorkerConfig.from_settings()
    run = reopen_run(run_id)
    publish(message_of(run), config, topic=topic)
    return run


def reopen_run(run_id: uuid.UUID) -> Run:
    """Make a failed run pending again; a pending one stays as it is.

    Raises:
        UnknownWorkflow: the workflow is no longer there.
        InvalidStart: there is no such run, or it runs or has succeeded.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise InvalidStart(f"there is no run {run_id}")
        get_workflow(run.workflow)
        if run.status not in {Status.FAILED, Status.PENDING}:
            raise InvalidStart(f"run {run_id} has not failed; it is {run.status}")
        if run.status == Status.FAILED:
            run.status, run.finished_at = Status.PENDING, None
            run.save(update_fields=["status", "finished_at"])
            failed = Step.objects.filter(run=run, status=Status.FAILED)
            failed.update(status=Status.PENDING, finished_at=None, attempts=0, interruptions=0)
    return run


def run_here(run: Run, processor: WorkflowProcessor) -> Run:
    """Take a run to its end in this process, waiting for retries; without a broker.

    Raises:
        Reject: its workflow is no longer there.
        Unavailable: the database is down.
    """
    while True:
        try:
            processor.process(message_of(run))
        except NotNow as later:
            time.sleep(later.wait.total_seconds())
        else:
            run.refresh_from_db()
            return run


def message_of(run: Run) -> StartWorkflow:
    """The message that starts ``run``."""
    return StartWorkflow(workflow=run.workflow, run_id=str(run.pk), payload=run.payload)
