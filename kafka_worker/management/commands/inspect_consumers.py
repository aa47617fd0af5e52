"""``manage.py inspect_consumers``: who consumes what, and how far."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.handlers import Handler
from kafka_worker.inspection import Inspector
from kafka_worker.inspection_text import as_json, as_text


class Command(BaseCommand):
    """Shows the consumers of registered handlers."""

    help = "Show members, assignment, lag and committed positions of the handlers' groups."
    # A store or a cache that is away must not hide the consumers.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's attribute

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "handlers", nargs="*", metavar="HANDLER", help="names of handlers; default: all"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON document on a line, for programs"
        )
        parser.add_argument(
            "--watch", type=float, metavar="SECONDS", help="again and again, until Ctrl-C"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Show it once, or again and again.

        What is wrong, and what to do, goes to standard error; the status is 1 then.

        Raises:
            CommandError: no handler has the name, or no broker is configured.
        """
        try:
            inspector = Inspector(WorkerConfig.from_settings())
            handlers = [registry.get(name) for name in options["handlers"] or registry.names()]
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        fine = self._show(inspector, handlers, options["json"])
        try:
            while options["watch"] is not None:
                time.sleep(max(0.1, options["watch"]))
                self.stdout.write("")
                fine = self._show(inspector, handlers, options["json"])
        except KeyboardInterrupt:
            self.stdout.write("")
        if not fine:
            sys.exit(1)

    def _show(self, inspector: Inspector, handlers: list[type[Handler]], as_document: bool) -> bool:
        try:
            groups = inspector.inspect(handlers)
        except Unavailable as outage:
            problem = f"{outage}: is it running, and is its address right?"
            if as_document:
                self.stdout.write(as_json([], problem))
            self.stderr.write(problem)
            return False
        self.stdout.write(as_json(groups) if as_document else as_text(groups))
        self.stdout.flush()
        problems = [f"{group.handler}: {each}" for group in groups for each in group.problems]
        for problem in problems:
            self.stderr.write(problem)
        return not problems
