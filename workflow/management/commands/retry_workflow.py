"""``manage.py retry_workflow RUN_ID``: starts a failed run again."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kafka_worker.exceptions import ConfigurationError
from workflow.exceptions import WorkflowError
from workflow.starting import retry_run


class Command(BaseCommand):
    """Starts a failed run again from the step that failed."""

    help = "Start a failed run again, from the step that failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the run's id."""
        parser.add_argument("run_id", type=uuid.UUID, metavar="RUN_ID", help="a failed run")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Send the run's message again and say so."""
        try:
            run = retry_run(options["run_id"])
        except (WorkflowError, ConfigurationError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Run {run.pk} of {run.workflow} is queued again.")
