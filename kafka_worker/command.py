"""Running a worker as a process: signals, messages for people, the status it ends with."""

import faulthandler
import gc
import logging
import os
import signal
import sys
from argparse import ArgumentParser
from datetime import timedelta
from types import FrameType
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import (
    ConfigurationError,
    FatalKafkaError,
    Interrupted,
    TimeLimitExceeded,
)
from kafka_worker.worker import Worker

logger = logging.getLogger(__name__)

FAILED = 1

# A batch makes tens of thousands of objects and drops them together, in no cycle. By default the
# collector would go through all that is alive again and again meanwhile: a third of the time.
_COLLECT_AFTER = 50_000


def run_worker(handler_name: str, **overrides: Any) -> None:  # noqa: ANN401 - WorkerConfig's fields
    """Run a registered handler until SIGTERM or SIGINT; must be called in the main thread.

    The first signal ends it warmly: the present call finishes, its messages are committed. The
    second ends it at once. When the handler can not be ended, the process ends here, with 1.
    SIGUSR1 has every thread's stack written to standard error.

    Args:
        handler_name: the handler's registered name.
        overrides: fields of ``WorkerConfig`` that differ from the setting ``KAFKA_WORKER``.

    Raises:
        ConfigurationError: the handler or a setting is wrong, or the broker refuses a topic.
        FatalKafkaError: the Kafka client can not go on.
    """
    config = WorkerConfig.from_settings(**overrides)
    handler = registry.get(handler_name)()
    worker = Worker(handler, config)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    # Needs no turn of the interpreter: it answers also when the main thread is stuck.
    faulthandler.register(signal.SIGUSR1, file=sys.__stderr__ or sys.stderr, all_threads=True)
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER)
    before = {each: signal.signal(each, on_signal) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        worker.run()
    except (Interrupted, TimeLimitExceeded) as end:
        _end_now(end)
    finally:
        gc.set_threshold(*thresholds)
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _end_now(end: Exception) -> None:
    """End the process although the handler's thread is busy: nothing else could end that."""
    logger.critical("%s; the process ends, its messages will be delivered again", end)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FAILED)


class WorkerCommand(BaseCommand):
    """A management command that runs one handler; derive from it and set ``handler_name``.

    Attributes:
        handler_name: the handler's registered name.
    """

    handler_name = ""
    # Those of addresses and pages would import all that only the web process needs.
    requires_system_checks = (Tags.models, registry.CHECKED)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that every worker has."""
        parser.add_argument(
            "--group-instance-id",
            default="",
            help="a stable name of this worker: a quick restart then keeps its partitions",
        )
        parser.add_argument(
            "--grace",
            type=float,
            metavar="SECONDS",
            help="how long a warm shutdown waits for the handler",
        )
        parser.add_argument(
            "--health-port",
            type=int,
            metavar="PORT",
            help="serve /livez, /readyz and /metrics on this port",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Run the worker until it is stopped."""
        name = options.get("handler") or self.handler_name
        grace = options["grace"]
        overrides = {
            "group_instance_id": options["group_instance_id"],
            "grace": timedelta(seconds=grace) if grace is not None else None,
            "health_port": options["health_port"],
        }
        try:
            self._announce(name, WorkerConfig.from_settings(**overrides))
            run_worker(name, **overrides)
        except (ConfigurationError, FatalKafkaError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{name}: stopped; everything handled is committed")

    def _announce(self, name: str, config: WorkerConfig) -> None:
        handler = registry.get(name)
        self.stdout.write(
            f"{name}: consuming {handler.topic} as group {handler.group} "
            f"from {config.bootstrap_servers} (Ctrl-C ends it)"
        )
        self.stdout.flush()
