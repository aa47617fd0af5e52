"""``manage.py run_worker NAME``: runs any registered handler."""

from argparse import ArgumentParser

from kafka_worker.command import WorkerCommand


class Command(WorkerCommand):
    """Runs the handler that is registered under a name."""

    help = "Consume a Kafka topic with the handler that is registered under NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the handler's name to the options."""
        parser.add_argument("handler", metavar="NAME", help="the handler's registered name")
        super().add_arguments(parser)
