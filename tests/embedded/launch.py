"""Starts the launcher as a person does, and looks at it from outside."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from settings.environment import Environment
from tests.system import ROOT, eventually, free_port

PARTS = ("kafka", "redis", "web", "issue-consumer", "workflow-consumer")


class Launch:
    """One running launcher.

    Args:
        var: its folder.
        environment: variables beside those of a shell that names no parts.
        command: what to run; by default the launcher.
    """

    def __init__(
        self,
        var: Path,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = ("-m", "embedded"),
    ) -> None:
        self.var = var
        self.port = int((environment or {}).get("PORT", free_port()))
        names = Environment.__struct_encode_fields__
        shell = {name: value for name, value in os.environ.items() if name not in names}
        more = ("--var", str(var)) if command == ("-m", "embedded") else ()
        self.process = subprocess.Popen(
            [sys.executable, *command, *more],
            cwd=ROOT,
            env={**shell, "PORT": str(self.port), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "".join(self._lines)

    @property
    def url(self) -> str:
        """The address of the web server, as printed."""
        return self.find(r"^  Web +(http://\S+)")

    def ready(self) -> "Launch":
        """Wait until it says so."""
        self.find(r"^(Ready after)")
        return self

    def find(self, pattern: str) -> str:
        """Wait for a line; what the pattern's group matched."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output, re.MULTILINE)
            assert found or self.process.poll() is None or self._reader.is_alive(), self.output
            return found

        return eventually(look, f"{pattern} in the output", within=60)[1]

    def pids(self, part: str = "") -> list[int]:
        """The processes below the launcher, or those of one part; their leaders first."""
        below: dict[int, str] = {}
        for pid, parent, arguments in _processes():
            if parent == self.process.pid or parent in below:
                below[pid] = arguments
        return [pid for pid, arguments in below.items() if _COMMANDS.get(part, "") in arguments]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the launcher and wait for its end; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self._reader.join(timeout=30)
        return status

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.append(line)


_COMMANDS = {
    "kafka": "embedded.broker",
    "redis": "embedded.redis_server",
    "web": "granian",
    "issue-consumer": "run_issue_consumer",
    "workflow-consumer": "run_workflow_consumer",
}


def still_running(pids: Sequence[int]) -> list[int]:
    """Which of these processes have not ended."""
    return sorted({pid for pid, _, _ in _processes()} & set(pids))


def await_end_of(pids: Sequence[int], within: float = 30) -> None:
    """Wait until none of these processes is there any more."""
    eventually(lambda: not still_running(pids), "every process has ended", within=within)


def _processes() -> list[tuple[int, int, str]]:
    """Process id, parent and command line of all that run; parents before their children."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for line in listed.stdout.splitlines():
        pid, parent, state, arguments = (*line.split(None, 3), "")[:4]
        if not state.startswith("Z"):
            found.append((int(pid), int(parent), arguments))
    return sorted(found)
