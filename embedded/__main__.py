"""The command line of the launcher; see ``--help``."""

import argparse
import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from embedded import launcher, management
from embedded.supervisor import PROJECT


def main() -> int:
    """Run what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedded", description=_DESCRIPTION)
    parser.add_argument(
        "--var", type=Path, default=PROJECT / "var", help="folder of what is kept (default: var/)"
    )
    commands = parser.add_subparsers(dest="command")
    manage = commands.add_parser("manage", help="run a manage.py command against what is running")
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    var = options.var.resolve()
    try:
        if options.command == "manage":
            return management.run(var, options.arguments)
        return launcher.run(var, os.environ)
    except (ImproperlyConfigured, launcher.CannotStart, management.NotRunning) as error:
        sys.stderr.write(f"{error}\n")
        return 2


_DESCRIPTION = (
    "Runs the issue tracker and the workflow app on this machine. Kafka, Redis and the database "
    "are embedded unless KAFKA_BOOTSTRAP_SERVERS, REDIS_URL and DATABASE_URL name real ones."
)

if __name__ == "__main__":
    sys.exit(main())
