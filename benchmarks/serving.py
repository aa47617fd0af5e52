"""A WSGI application under granian, with the settings of the product's image."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.world import children_of, resident_bytes
from tests.system import ROOT, eventually

#: As in the Dockerfile.
WORKERS, THREADS = 2, 32


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        pid: of the process whose children are the workers.
    """

    port: int
    pid: int

    def url(self, path: str) -> str:
        """The address of ``path``, which begins with a slash."""
        return f"http://127.0.0.1:{self.port}{path}"

    def worker_bytes(self) -> float:
        """Resident memory of the largest worker."""
        return max(resident_bytes(pid) for pid in children_of(self.pid))

    def cpu_seconds(self) -> float:
        """Processor time that all workers have used, system calls included."""
        return sum(map(_cpu_seconds, children_of(self.pid)))


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    application: str, port: int, environment: Mapping[str, str], log: Path, ready: str
) -> Iterator[Server]:
    """Serve an application for a while.

    Args:
        application: ``module:name``.
        port: on 127.0.0.1.
        environment: what is added to this process's environment variables.
        log: takes what it says.
        ready: path that answers 200 or 202 as soon as it is ready.
    """
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(WORKERS), "--blocking-threads", str(THREADS)),
        # A worker that is told to end while it starts may not hear of it.
        *("--workers-kill-timeout", "5"),
        application,
    ]
    env = {**os.environ, **environment}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        eventually(lambda: get(port, ready) in (200, 202), f"{application} answers (see {log})")
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def get(port: int, path: str) -> int:
    """The status of an answer of 127.0.0.1; 0 without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def seconds_until(look: Callable[[], object], within: float = 30, every: float = 0.005) -> float:
    """Seconds until ``look`` returns something true; fails when that takes too long."""
    began = time.perf_counter()
    eventually(look, "what is waited for is there", within=within, every=every)
    return time.perf_counter() - began
