"""Processes that outlive the one that started them: identity, signals, waiting."""

import os
import pwd
import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path

from deploy.services.part import ServiceError

_POLL_SECONDS = 0.05
# Started by this very process: only a parent can reap, and an unreaped child looks alive.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(command: list[str], log: Path, account: str | None = None) -> int:
    """Start a program in a session of its own, so that Ctrl-C does not reach it.

    Args:
        command: the program and its arguments.
        log: the file that its output is appended to.
        account: the user to run as, or None for the present one.

    Returns:
        The process id.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent if account is None else "/",
            start_new_session=True,
            user=account,
            group=None if account is None else pwd.getpwnam(account).pw_gid,
            extra_groups=None if account is None else [],
        )
    _children[child.pid] = child
    return child.pid


def birth(pid: int) -> str | None:
    """What tells this process from a later one with the same id; None when it is gone."""
    _reap(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _birth_from_ps(pid)
    except ProcessLookupError:
        return None
    # The program's name stands in parentheses and may itself hold spaces and parentheses.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and all its descendants, children first.

    PostgreSQL's children have sessions of their own, so a process group is not enough.
    """
    for member in [*reversed(_descendants(pid)), pid]:
        try:
            os.kill(member, number)
        except ProcessLookupError:
            continue


def freeze(pid: int, seconds: float = 5) -> None:
    """Stop a process and all its descendants where they are, and wait until every thread stands.

    A signal is only sent when `kill` returns: what has many threads may answer once more.

    Raises:
        ServiceError: some still run after so many seconds.
    """
    send(pid, signal.SIGSTOP)
    deadline = time.monotonic() + seconds
    while not all(map(_stands, [pid, *_descendants(pid)])):
        if time.monotonic() > deadline:
            raise ServiceError(f"process {pid} does not stop within {seconds:g} s")
        time.sleep(0.005)
        send(pid, signal.SIGSTOP)  # to children, too, that were begun in between


def wait_gone(pid: int, born: str, seconds: float) -> bool:
    """Wait until a process has ended; whether it did in time."""
    deadline = time.monotonic() + seconds
    while birth(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def run(command: list[str], log: Path, account: str | None = None) -> None:
    """Run a program to its end, its output into a log.

    Raises:
        ServiceError: it failed; the message has the end of its output.
    """
    pid = spawn(command, log, account)
    if _children.pop(pid).wait() != 0:
        raise ServiceError(f"{Path(command[0]).name} failed:\n{tail(log)}")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _birth_from_ps(pid: int) -> str | None:
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = listed.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def _stands(pid: int) -> bool:
    """Whether all threads of a process are stopped, or it has ended."""
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-o", "stat=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, check=False).stdout[:1] in b"TZ"
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            state = thread.read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "TtZX":
            return False
    return True


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    children: dict[int, list[int]] = defaultdict(list)
    for line in listed.stdout.splitlines():
        child, parent = line.split()
        children[int(parent)].append(int(child))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        offspring = children[waiting.pop()]
        found += offspring
        waiting += offspring
    return found
