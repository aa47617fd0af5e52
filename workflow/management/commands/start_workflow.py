"""``manage.py start_workflow NAME``: starts one run."""

import json
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kafka_worker.exceptions import ConfigurationError, WorkerError
from workflow.container import DependencyContainer
from workflow.exceptions import NotPublished, WorkflowError
from workflow.models import Run, Status
from workflow.starting import create_run, run_here, start_workflow


class Command(BaseCommand):
    """Starts a workflow through Kafka, or in this process."""

    help = "Start a run of the workflow NAME; `manage.py list_workflows` shows the names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the workflow's name and what the run is started with."""
        parser.add_argument("workflow", metavar="NAME", help="a registered workflow")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="a JSON object")
        parser.add_argument(
            "--run-id",
            type=uuid.UUID,
            metavar="UUID",
            help="the run's id; starting the same id again makes no second run",
        )
        parser.add_argument(
            "--local", action="store_true", help="run it in this process, without Kafka"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Start the run and say what to do next."""
        payload = _payload(options["payload"])
        start = self._run_here if options["local"] else self._publish
        try:
            start(options["workflow"], payload, options["run_id"] or uuid.uuid4())
        except (WorkflowError, WorkerError) as error:
            raise CommandError(str(error)) from error

    def _publish(self, workflow: str, payload: dict[str, Any], run_id: uuid.UUID) -> None:
        try:
            run = start_workflow(workflow, payload, run_id)
        except NotPublished as error:
            raise CommandError(
                f"The broker did not acknowledge: {error}.\nRun {run_id} is noted as pending. When "
                f"the broker is back, send it again with the same name and payload, and "
                f"--run-id {run_id}: it will run once."
            ) from error
        except ConfigurationError as error:
            raise CommandError(f"{error}. Or run it in this process with --local.") from error
        if run.is_finished:
            self.stdout.write(f"Run {run.pk} of {workflow} has {run.status} already.")
            return
        self.stdout.write(
            f"Run {run.pk} of {workflow} is queued.\n"
            f"A consumer runs it: manage.py run_workflow_consumer\n"
            f"Its steps: /admin/workflow/run/{run.pk}/"
        )

    def _run_here(self, workflow: str, payload: dict[str, Any], run_id: uuid.UUID) -> None:
        container = DependencyContainer()
        try:
            run = run_here(create_run(workflow, payload, run_id), container.workflow_processor)
        finally:
            container.close()
        self.stdout.write(describe(run))
        if run.status == Status.FAILED:
            raise CommandError(f"Run {run.pk} failed: {run.error_message}")


def describe(run: Run) -> str:
    """How a run ended, step by step."""
    steps = [f"    {step.name}: {step.status}" for step in run.steps.all()]
    return "\n".join([f"Run {run.pk} of {run.workflow}: {run.status}", *steps])


def _payload(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--payload is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise CommandError("--payload must be a JSON object, such as '{\"fail\": false}'")
    return payload
