"""How long a start takes, and what a process holds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks import reports, wrk
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples
from benchmarks.serving import get, seconds_until
from tests.system import ROOT, free_port

_MEBI = 1024 * 1024


def start(bench: Bench) -> Iterator[Figure]:
    """From the start of a consumer to its first message stored; of `make run` to its first page."""
    bare, consumer = [], []
    with bench.web():
        pass  # makes the topic
    for _ in range(bench.repetitions):
        bare.append(_bare_start())
        consumer.append(_consumer_start(bench))
    against = "start of a bare Django"
    yield Figure(
        "start of a consumer to its first message",
        "s",
        Samples(consumer),
        against,
        Samples(bare),
        Goal("value", "at most", 1),
    )
    with _everything(bench):
        pass  # what the first start alone has to make is made
    pages = []
    for _ in range(bench.repetitions):
        with _everything(bench) as seconds:
            pages.append(seconds)
    goal = Goal("value", "at most", 4)
    name = "`make run`, not the first, to its first page"
    yield Figure(name, "s", Samples(pages), against, Samples(bare), goal)


def memory(bench: Bench) -> Iterator[Figure]:
    """Resident memory after a load: of a web worker and of a consumer."""
    body = reports.body(reports.LARGE)
    with bench.web() as web, bench.bare() as server:
        wrk.load(web.url("/api/v1/issues"), bench.folder, bench.seconds, body=body)
        wrk.load(server.url("/read"), bench.folder, bench.seconds, body=body)
        worker, bare = web.worker_bytes() / _MEBI, server.worker_bytes() / _MEBI
    bench.forget()
    count = round(4_000 * bench.seconds)
    bench.log.fill(reports.distinct(count))
    with bench.consumer():
        consumer = bench.wait_until_applied(count).resident / _MEBI
    goal, against = Goal("ratio", "at most", 1.5), "a bare Django's worker"
    for name, found in (("web worker", worker), ("consumer", consumer)):
        yield Figure(f"memory of a {name}", "MiB", Samples([found]), against, Samples([bare]), goal)


def _bare_start() -> float:
    return _seconds([sys.executable, "-c", "import benchmarks.bare"])


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    return time.perf_counter() - began


def _consumer_start(bench: Bench) -> float:
    bench.forget()
    (change,) = reports.distinct(1)
    bench.log.fill([change])
    bench.system.launch("issue-consumer")
    try:
        return seconds_until(lambda: bench.store.get(change.issue_id))
    finally:
        bench.system.stop("issue-consumer")


@contextmanager
def _everything(bench: Bench) -> Iterator[float]:
    """What `make run` starts, for a while: the seconds until its first page."""
    port = free_port()
    command = [sys.executable, "-m", "embedded", "--var", str(bench.folder / "run")]
    with (bench.folder / "run.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PORT": str(port)}, stdout=log, stderr=log
        )
    try:
        yield seconds_until(lambda: get(port, "/admin/login/") == 200, within=60)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)
