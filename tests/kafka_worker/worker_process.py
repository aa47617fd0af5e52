"""A worker as a process: ``python -m tests.kafka_worker.worker_process TOPIC GROUP FOLDER …``.

Its handler writes a file for the beginning and for the end of each message, and does what the
message says: nothing, or ``sleep SECONDS``.
"""

import argparse
import logging
import sys
import time
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.management import execute_from_command_line

from kafka_worker import Message, MessageHandler, register


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("topic")
    parser.add_argument("group")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--time-limit", type=float, default=60)
    parser.add_argument("--instance", default="")
    parser.add_argument("--grace", default="20")
    options, others = parser.parse_known_args()
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(name)s: %(message)s")
    settings.configure(
        INSTALLED_APPS=["kafka_worker"], KAFKA_WORKER={"bootstrap_servers": options.servers}
    )
    django.setup()

    @register
    class Acting(MessageHandler):
        name = "acting"
        topic = options.topic
        group = options.group
        time_limit = timedelta(seconds=options.time_limit)

        def handle(self, message: Message) -> None:
            (options.folder / f"begun-{message.offset}").touch()
            do, _, seconds = (message.value or b"").decode().partition(" ")
            if do == "sleep":
                time.sleep(float(seconds))
            with (options.folder / "handled").open("a") as handled:
                handled.write(f"{message.offset}\n")

        def close(self) -> None:
            (options.folder / "closed").touch()

    instance = ["--group-instance-id", options.instance] if options.instance else []
    command = [sys.argv[0], "run_worker", "acting", "--grace", options.grace, *instance, *others]
    execute_from_command_line(command)


if __name__ == "__main__":
    main()
