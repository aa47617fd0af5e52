"""The whole product as its processes, on parts of its own, for end-to-end and fault tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import requests

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "web": [
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}"),
        *("--workers", "2", "--blocking-threads", "16", "--no-ws"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5"),
        "settings.wsgi:application",
    ],
    "issue-consumer": ["manage.py", "run_issue_consumer"],
    "workflow-consumer": ["manage.py", "run_workflow_consumer"],
}

Result = TypeVar("Result")


def eventually(
    look: Callable[[], Result | None], what: str, *, within: float = 30, every: float = 0.05
) -> Result:
    """The first result of ``look`` that is true in the boolean sense.

    Args:
        look: called again and again.
        what: what is waited for, for the failure's message.
        within: seconds to wait.
        every: seconds between two looks.
    """
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last look: {found!r})")
        time.sleep(every)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class System:
    """The product's processes.

    Args:
        folder: for the logs and the SQLite database.
        environment: where the parts are, and what differs from a development set-up.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "DJANGO_DEBUG": "1",
            "DJANGO_SECRET_KEY": "of-a-test-and-long-enough-to-be-one",
            "DATABASE_URL": f"sqlite:///{folder / 'test.sqlite3'}",
            "ISSUETRACKER_ACCESS": "open",
            "ISSUETRACKER_URL": self.url,
            "PORT": str(self.port),
            **environment,
        }

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py`` and return what it printed; fails with what it said."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}\n{done.stderr[-3000:]}"
        return done.stdout

    def start(self, role: str) -> None:
        """Start a process and wait until it does its work: answers, or has its partitions.

        Args:
            role: a key of `COMMANDS`; with ``-2``, ``-3`` … for further processes of it.
        """
        before = self.starts(role)
        self.launch(role)
        if role == "web":
            eventually(self._is_ready, "the web process is ready")
        else:
            eventually(lambda: self.starts(role) > before, f"{role} has its partitions")

    def launch(self, role: str) -> None:
        """Start a process as `start` does, and wait for nothing."""
        command = [part.format(port=self.port) for part in COMMANDS[role.rstrip("-0123456789")]]
        with (self._folder / f"{role}.log").open("ab") as log:
            self._processes[role] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pid(self, role: str) -> int:
        """The id of a process that was started and not stopped, whether or not it still runs."""
        return self._processes[role].pid

    def ended(self) -> dict[str, int]:
        """The processes that ended by themselves, with their exit status."""
        found = {role: process.poll() for role, process in self._processes.items()}
        return {role: status for role, status in found.items() if status is not None}

    def send_signal(self, role: str, number: signal.Signals) -> None:
        """Signal a process and everything it started."""
        os.killpg(self.pid(role), number)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def starts(self, role: str) -> int:
        """How often a consumer was given its partitions."""
        path = self._folder / f"{role}.log"
        return path.read_text(errors="replace").count("Assigned partitions") if path.exists() else 0

    def stop(self, role: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal a process and everything it started, and wait for its end; its exit status."""
        process = self._processes.pop(role)
        os.killpg(process.pid, number)
        return process.wait(timeout=40)

    def log(self, role: str) -> str:
        """The end of what a process has written."""
        path = self._folder / f"{role}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else "(no log)"

    def close(self) -> None:
        """End every process that still runs."""
        for role in list(self._processes):
            if self._processes[role].poll() is None:
                self.stop(role, signal.SIGKILL)
