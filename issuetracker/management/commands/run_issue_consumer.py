"""``manage.py run_issue_consumer``: writes reported issues to the store."""

from issuetracker.handlers import IssueHandler
from kafka_worker.command import WorkerCommand


class Command(WorkerCommand):
    """Runs the issue tracker's handler."""

    help = "Write the issues that come through Kafka to the store, until it is stopped."
    handler_name = IssueHandler.name
