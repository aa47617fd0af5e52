"""The workflow app's Kafka handler."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from kafka_worker.handlers import MessageHandler, Part
from kafka_worker.messages import Message
from kafka_worker.policies import RetryPolicy
from kafka_worker.registry import register
from workflow.container import DependencyContainer
from workflow.messages import GROUP, TOPIC, decode
from workflow.processor import WorkflowProcessor


@register
class WorkflowHandler(MessageHandler):
    """Runs the workflows that messages start."""

    name = "workflow-consumer"
    topic = TOPIC
    group = GROUP
    # How long to wait for the database, or for another process's lease. A step's own retries are
    # its workflow's policy, which comes with `RetryDue`.
    retry = RetryPolicy(first_delay=timedelta(seconds=0.2), max_delay=timedelta(seconds=2))
    time_limit = timedelta(hours=1)

    _container: DependencyContainer
    _processor: WorkflowProcessor

    def setup(self) -> None:
        """Put the parts together."""
        self._container = DependencyContainer()
        self._processor = self._container.workflow_processor

    def handle(self, message: Message) -> None:
        """Start the run that the message asks for, or go on with it."""
        self._processor.process(decode(message.value))

    def parts(self) -> Sequence[Part]:
        """The database of the runs."""
        return [Part("database", _ask_database)]

    def close(self) -> None:
        """Send what is still to be reported."""
        self._container.close()


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
