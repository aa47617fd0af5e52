"""How long after its 202 a report is seen: in the list, on its page, in the store.

Reports come one after the other with web server and consumer running: one a second, and then the
same beside a load. Their 202 begins the time; the look that sees them ends it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks import reports, wrk
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples, percentile
from benchmarks.serving import Server, seconds_until
from benchmarks.storing import write_of
from issuetracker.merging import Delivery, merge
from issuetracker.messages import bare_id

_ISSUES = "/api/v1/issues"
_REPORTS_FOR_A_SECOND = 7
_CONNECTIONS = 8
_MILLI = 1e3


def delay(bench: Bench) -> Iterator[Figure]:
    """From 202 to stored, one report a second; from 202 to seen, then and under load."""
    count = max(3, round(_REPORTS_FOR_A_SECOND * bench.seconds))
    page = bench.folder / "empty.json"
    page.write_bytes(b"{}")
    with bench.web():
        pass  # makes the topic
    bench.forget()
    with bench.web() as web, bench.bare(page) as bare, bench.consumer():
        caller = _Caller(web, bare)
        caller.report()  # the first of all finds every part cold
        time.sleep(1)
        seen, stored = _one_a_second(bench, caller, count)
        answers = [caller.ask_bare() for _ in range(count)]
        with _load(bench, web):
            busy = [_seen(caller, caller.report()) for _ in range(count)]
            busy_answers = [caller.ask_bare() for _ in range(count)]
    name = f"p99 of {count}: from 202 to"
    visible, bound = Goal("value", "at most", 50), Goal("value", "at most", 150)
    yield _figure(f"{name} stored", stored, "one raw commit", _commits(bench, count), bound)
    yield _figure(f"{name} list and page", seen, "a GET of a bare view", answers, visible)
    yield _figure(f"  beside {_CONNECTIONS} callers", busy, "the same", busy_answers, visible)


def _figure(
    name: str, seconds: list[float], against: str, baseline: list[float], goal: Goal
) -> Figure:
    ours, other = (percentile(each, 0.99) * _MILLI for each in (seconds, baseline))
    note = f"half of them within {percentile(seconds, 0.5) * _MILLI:.0f} ms"
    return Figure(name, "ms", Samples([ours]), against, Samples([other]), goal, note)


class _Caller:
    """Somebody who reports, and looks."""

    def __init__(self, web: Server, bare: Server) -> None:
        self._web, self._bare = web, bare
        self._session = requests.Session()

    def report(self) -> str:
        """Report an issue; its id."""
        content, headers = reports.body(reports.SMALL), {"Content-Type": "application/json"}
        answer = self._session.post(self._web.url(_ISSUES), content, headers=headers, timeout=10)
        if answer.status_code != 202:
            raise AssertionError(f"a report was answered with {answer.status_code}")
        return bare_id(answer.json()["id"])

    def sees(self, issue_id: str) -> bool:
        """Whether the issue is in the list and has its page."""
        listed = self._session.get(self._web.url(_ISSUES), timeout=10).json()["results"]
        if not any(bare_id(one["id"]) == issue_id for one in listed):
            return False
        address = self._web.url(f"{_ISSUES}/{issue_id}")
        return self._session.get(address, timeout=10).status_code == 200

    def ask_bare(self) -> float:
        """Seconds that an answer of the bare view takes."""
        began = time.perf_counter()
        self._session.get(self._bare.url("/page"), timeout=10)
        return time.perf_counter() - began


def _one_a_second(bench: Bench, caller: _Caller, count: int) -> tuple[list[float], list[float]]:
    seen, stored = [], []
    for _ in range(count):
        began = time.perf_counter()
        issue_id = caller.report()
        accepted = time.perf_counter()
        seen.append(_seen(caller, issue_id))
        seconds_until(lambda found=issue_id: bench.store.get(found))  # type: ignore[misc]
        stored.append(time.perf_counter() - accepted)
        time.sleep(max(0.0, began + 1 - time.perf_counter()))
    return seen, stored


def _seen(caller: _Caller, issue_id: str) -> float:
    return seconds_until(lambda: caller.sees(issue_id))


def _commits(bench: Bench, count: int) -> list[float]:
    channel, seconds = bench.channel(), []
    for change in reports.distinct(count):
        write = write_of(channel, merge(None, [Delivery(change)]).issue)
        began = time.perf_counter()
        channel.commit([write])
        seconds.append(time.perf_counter() - began)
    return seconds


@contextmanager
def _load(bench: Bench, web: Server) -> Iterator[None]:
    """Callers who report one exception without a pause, for as long as this lasts.

    Of distinct issues as many would push each other out of the list's first page.
    """
    over = threading.Event()
    body = reports.body(reports.SMALL, fingerprint="storm")

    def run() -> None:
        while not over.is_set():
            wrk.load(web.url(_ISSUES), bench.folder, 1, body=body, connections=_CONNECTIONS)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
