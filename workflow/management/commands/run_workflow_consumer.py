"""``manage.py run_workflow_consumer``: runs the workflows that messages start."""

from kafka_worker.command import WorkerCommand
from workflow.handlers import WorkflowHandler


class Command(WorkerCommand):
    """Runs the workflow app's handler."""

    help = "Run the workflows that messages on Kafka start, until it is stopped."
    handler_name = WorkflowHandler.name
