"""Runs a ``manage.py`` command with the addresses of the set-up that is running."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.secret_files import keep
from embedded.supervisor import PROJECT

_FILE = "running.json"


class NotRunning(Exception):
    """Nothing runs whose addresses a command could use."""


def remember(var: Path, variables: Mapping[str, str]) -> None:
    """Keep the variables of the running set-up for commands started beside it."""
    keep(var / _FILE, json.dumps(dict(variables), indent=2))


def forget(var: Path) -> None:
    """Note that nothing runs any more."""
    (var / _FILE).unlink(missing_ok=True)


def run(var: Path, arguments: Sequence[str]) -> int:
    """Run ``manage.py`` with these arguments; its exit status.

    Raises:
        NotRunning: there is no running set-up.
    """
    try:
        variables = json.loads((var / _FILE).read_text())
    except FileNotFoundError as error:
        raise NotRunning("Nothing is running here; `make run` starts it.") from error
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(  # noqa: S603 (the user's own command line)
        command, cwd=PROJECT, env={**os.environ, **variables}, check=False
    ).returncode
