"""Starts the parts as fresh processes, shows what they say, and ends them in order."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from embedded.child import ANNOUNCEMENT

T = TypeVar("T")

PROJECT = Path(__file__).resolve().parent.parent
_NAME_WIDTH = 17
_TICK_SECONDS = 0.02


class SupervisorError(Exception):
    """Base of what ends the launcher before someone asks it to end."""


class PartEnded(SupervisorError):
    """A part that should run until the end has ended by itself."""


class NotReady(SupervisorError):
    """A part did not become ready in its time."""


class StopRequested(Exception):
    """Someone asked the launcher to end."""


@dataclass(frozen=True)
class Part:
    """One process of the launcher.

    Attributes:
        name: shown before each of its lines.
        command: a module or a script, and its arguments; see `embedded.child`.
        orphan_delay: seconds for which it goes on when the launcher has died.
        once: it does something and ends; ending with 0 is no failure.
    """

    name: str
    command: tuple[str, ...]
    orphan_delay: float = 0.0
    once: bool = False


@dataclass
class Running:
    """A part's process.

    Attributes:
        part: what it runs.
        process: its process, the leader of a group of its own.
        announced: what it told the launcher by `embedded.child.announce`.
        stopping: the launcher has told it to end.
    """

    part: Part
    process: "subprocess.Popen[str]"
    announced: str | None = None
    stopping: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether it and whatever it started are gone, and all it said is shown."""
        return self._ended.is_set()

    def tell_to_end(self) -> None:
        """Ask it to end."""
        self.stopping = True
        self.process.terminate()

    def kill(self) -> None:
        """End it and whatever it started, at once."""
        self.stopping = True
        # macOS answers EPERM for a group whose members have all ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait_until_ended(self, seconds: float) -> None:
        """Wait until `ended` holds, or the time is over."""
        self._ended.wait(seconds)

    def mark_ended(self) -> None:
        """Note that `ended` holds."""
        self._ended.set()


class Supervisor:
    """The processes of one launcher.

    Its methods that wait raise `StopRequested` when a signal asks the launcher to end, and
    `PartEnded` when a part ends by itself.

    Args:
        environment: the environment variables of every part.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._running: list[Running] = []
        self._stop_requests: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._output = threading.Lock()
        self._output_gone = False

    def listen_for_signals(self) -> None:
        """Take a terminal's Ctrl-C or hang-up, or TERM, as the request to end."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def start(self, part: Part) -> Running:
        """Start a part as a fresh process."""
        process = subprocess.Popen(  # noqa: S603 (the command is this package's own)
            [
                sys.executable,
                *("-m", "embedded.child", str(part.orphan_delay)),
                *part.command,
            ],
            cwd=PROJECT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: a Ctrl-C reaches the launcher alone, which ends all in order.
            start_new_session=True,
        )
        running = Running(part, process)
        self._running.append(running)
        shown = threading.Thread(target=self._show_output, args=(running,), daemon=True)
        shown.start()
        threading.Thread(target=self._await_end, args=(running, shown), daemon=True).start()
        return running

    def wait_for(
        self,
        find: Callable[[], T | None],
        what: str,
        seconds: float,
        every: float = _TICK_SECONDS,
    ) -> T:
        """Wait until ``find`` gives something.

        Args:
            find: quick, asked again and again.
            what: named when it takes too long.
            seconds: how long it may take.
            every: seconds between two times that it is asked.

        Raises:
            NotReady: it took longer.
        """
        deadline = time.monotonic() + seconds
        while (found := find()) is None:
            if time.monotonic() > deadline:
                raise NotReady(f"{what} was not ready after {seconds:.0f} s")
            self._pause(every)
        return found

    def announcement(self, running: Running, seconds: float = 20.0) -> str:
        """Wait for what a part announces."""
        return self.wait_for(lambda: running.announced, running.part.name, seconds)

    def wait_for_end(self, running: Running, seconds: float = 60.0) -> int:
        """Wait for a part that runs once; its exit status."""
        done = lambda: True if running.ended else None  # noqa: E731
        self.wait_for(done, running.part.name, seconds)
        return running.process.wait()

    def wait(self) -> None:
        """Wait until something ends the launcher; never returns."""
        while True:
            self._pause(0.1)

    def stop(self, running: Running | None, seconds: float) -> None:
        """End one part and wait for it; a second request to end cuts the time short.

        Args:
            running: the part; nothing when it was not started.
            seconds: the time it has; then it is killed.
        """
        if running is None or running.ended:
            return
        running.tell_to_end()
        deadline = time.monotonic() + seconds
        while not running.ended and time.monotonic() < deadline and not self.is_asked_again():
            time.sleep(_TICK_SECONDS)
        if not running.ended:
            self.say(f"{running.part.name} did not end in time and was killed")
            running.kill()
        running.wait_until_ended(5)

    def stop_all(self) -> None:
        """End what is still running, the last started first."""
        for running in reversed(self._running):
            self.stop(running, seconds=5)

    def forget_stop_requests(self) -> None:
        """From here on, another request to end means: at once."""
        while not self._stop_requests.empty():
            self._stop_requests.get()

    def is_asked_again(self) -> bool:
        """Whether another request to end came."""
        return not self._stop_requests.empty()

    def say(self, line: str = "", name: str = "") -> None:
        """Print a line, with its part's name before it."""
        text = f"{name:<{_NAME_WIDTH}}| {line}\n" if name else f"{line}\n"
        with self._output:
            if self._output_gone:
                return
            try:
                sys.stdout.write(text)
                sys.stdout.flush()
            except OSError:
                # Whoever read it is gone (a closed terminal, `| head`): end, quietly.
                self._output_gone = True
                self._stop_requests.put("nobody reads the output any more")

    def _on_signal(self, number: int, _frame: object) -> None:
        self._stop_requests.put(signal.Signals(number).name)

    def _pause(self, seconds: float) -> None:
        with contextlib.suppress(queue.Empty):
            raise StopRequested(self._stop_requests.get(timeout=seconds))
        for running in self._running:
            if running.ended and not running.stopping and not running.part.once:
                raise PartEnded(f"{running.part.name} ended by itself ({_how(running.process)})")

    def _show_output(self, running: Running) -> None:
        assert running.process.stdout  # noqa: S101 (for the type checker: it is a pipe)
        for line in running.process.stdout:
            if line.startswith(ANNOUNCEMENT):
                running.announced = line.removeprefix(ANNOUNCEMENT).strip()
            else:
                self.say(line.rstrip(), running.part.name)

    @staticmethod
    def _await_end(running: Running, shown: threading.Thread) -> None:
        running.process.wait()
        # A web worker outlives its killed parent, and would hold the port.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.process.pid, signal.SIGKILL)
        shown.join()
        running.mark_ended()


def _how(process: "subprocess.Popen[str]") -> str:
    status = process.returncode
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
