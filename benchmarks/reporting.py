"""What `log_issue` costs the service that calls it, in the background mode.

A call each millisecond, as from a service that does something else in between. The tracker is up;
then nobody listens; then somebody takes connections and never answers.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples, percentile
from issuetracker.client import IssueTrackerClient
from tests.system import free_port

_PAUSE = 0.001


def client(bench: Bench) -> Iterator[Figure]:
    """The 99th percentile of a call, in each of the three states."""
    with _logging_to(bench.folder / "client.log"):
        with bench.web() as web:
            yield _figure(bench, "up", web.url(""))
        yield _figure(bench, "down", f"http://127.0.0.1:{free_port()}")
        with socket.create_server(("127.0.0.1", 0)) as hung:
            yield _figure(bench, "hung", f"http://127.0.0.1:{hung.getsockname()[1]}")
    bench.forget()


def _figure(bench: Bench, state: str, url: str) -> Figure:
    calls = round(bench.seconds * 250)
    ours, others = [], []
    for _ in range(bench.repetitions):
        others.append(_p99(_nothing, calls))
        tracker = IssueTrackerClient(url, background=True, component="benchmarks")
        ours.append(_p99(lambda: tracker.log_issue("Something broke"), calls))  # noqa: B023 - called at once
        tracker.close(timeout=0)
    return Figure(
        f"p99 of log_issue, background, tracker {state}",
        "µs",
        Samples(ours),
        "an empty function",
        Samples(others),
        Goal("value", "at most", 100),
    )


def _nothing() -> None:
    """What a call costs at least."""


def _p99(call: Callable[[], object], calls: int) -> float:
    nanoseconds = []
    for number in range(calls + calls // 10):
        began = time.perf_counter_ns()
        call()
        took = time.perf_counter_ns() - began
        if number >= calls // 10:  # the first calls start a thread and fill caches
            nanoseconds.append(took)
        time.sleep(_PAUSE)
    return percentile(nanoseconds, 0.99) / 1e3


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """What the client says goes to a file, as in a service; not between the figures."""
    logger = logging.getLogger("issuetracker.client")
    handler = logging.FileHandler(path)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
        handler.close()
