"""``manage.py list_workflows``: what can be started."""

from typing import Any

from django.core.management.base import BaseCommand

from workflow.registry import WorkflowDefinition, registered_workflows


class Command(BaseCommand):
    """Lists the registered workflows."""

    help = "List the registered workflows with their steps."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Write a few lines for each workflow."""
        for definition in registered_workflows():
            self.stdout.write(_describe(definition))


def _describe(definition: WorkflowDefinition) -> str:
    steps = ", ".join(step.name for step in definition.steps)
    lines = [
        definition.description,
        f"steps: {steps}",
        f"attempts: {definition.retry.max_attempts}",
        f"from: {definition.source}",
    ]
    return "\n    ".join([definition.name, *(line for line in lines if line)])
