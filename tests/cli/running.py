"""Runs the command as a shell does, and in a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.system import ROOT

COMMAND = (sys.executable, "-m", "issuetracker")
#: What steers a terminal beyond this command's own colours and clearing of a line.
STEERING = re.compile(r"(?!\x1b\[[0-9;]*[mK])[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said where."""

    status: int
    out: str
    beside: str = ""

    @property
    def rows(self) -> list[list[str]]:
        """The cells of each line."""
        return [line.split("\t") for line in self.out.splitlines()]


@dataclass
class Shell:
    """A shell whose environment names a tracker."""

    url: str
    environment: dict[str, str] = field(default_factory=dict)

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command."""
        own = ("ISSUETRACKER_URL", "ISSUETRACKER_TOKEN", "NO_COLOR", "COLUMNS", "TERM")
        shell = {name: value for name, value in os.environ.items() if name not in own}
        given = {"ISSUETRACKER_URL": self.url, "TERM": "xterm", "TZ": "Europe/Berlin"}
        return {**shell, **given, **self.environment, **(more or {})}

    def run(self, *arguments: str, typed: str = "", **environment: str) -> Ran:
        """Run the command with pipes."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.variables(environment),
            input=typed.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.beside, ran.beside
        return ran

    def good(self, *arguments: str, typed: str = "", **environment: str) -> Ran:
        """Run the command, which must succeed."""
        ran = self.run(*arguments, typed=typed, **environment)
        assert ran.status == 0, ran
        return ran

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command with pipes, for somebody who ends it."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def see(self, *arguments: str, width: int = 80, **environment: str) -> Ran:
        """Run the command in a terminal of ``width`` columns; what is on it, in one."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.variables(environment),
            stdin=its,
            stdout=its,
            stderr=its,
        )
        os.close(its)
        shown = _read_all(ours)
        os.close(ours)
        return Ran(process.wait(timeout=60), shown.decode().replace("\r\n", "\n"))


def plain(shown: str) -> str:
    """What was on a terminal, without its colours."""
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", shown)


def _read_all(descriptor: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how Linux says that nobody has the other end any more
            piece = b""
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
