"""A list of 100 issues, beside a bare view that returns the very same bytes.

First from the store with Redis laid over it, then, while the store hangs, from Redis alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks import reports, wrk
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples
from benchmarks.serving import Server
from tests.system import eventually

_LIST = "/api/v1/issues?limit=100"
_ISSUES = 300
#: Fewer than services that report: with many readers a list would wait so long for its turn that
#: it counts as a store that does not answer.
_READERS = 16


def listing(bench: Bench) -> Iterator[Figure]:
    """Lists a second, from the store and from Redis."""
    with bench.web() as web:
        bench.forget()
        bench.log.fill(reports.distinct(_ISSUES))
        with bench.consumer():
            bench.wait_until_applied(_ISSUES)
        yield _figure(bench, web, "the store")
        with _store_hangs(bench):
            eventually(lambda: _read(web)["degraded"], "the list comes from Redis")
            yield _figure(bench, web, "Redis")


def _figure(bench: Bench, web: Server, source: str) -> Figure:
    page = bench.folder / "page.json"
    page.write_bytes(requests.get(web.url(_LIST), timeout=10).content)
    ours, others = [], []
    with bench.bare(page) as bare:
        for server, path in ((web, _LIST), (bare, "/page")):
            _load(bench, server, path, 1)
        for _ in range(bench.repetitions):
            others.append(_load(bench, bare, "/page", bench.seconds))
            ours.append(_load(bench, web, _LIST, bench.seconds))
    failed = sum(one.failed for one in ours)
    return Figure(
        f"list of 100 from {source}",
        "1/s",
        Samples(one.rate for one in ours),
        f"bare view with the same {page.stat().st_size:,} bytes",
        Samples(one.rate for one in others),
        Goal("ratio", "at least", 0.3),
        f"p99 {Samples(one.p99 for one in ours).median:.0f} ms"
        + (f"; {failed} without a good answer" if failed else ""),
    )


def _load(bench: Bench, server: Server, path: str, seconds: float) -> wrk.Outcome:
    return wrk.load(server.url(path), bench.folder, seconds, connections=_READERS)


def _read(web: Server) -> dict[str, object]:
    found: dict[str, object] = requests.get(web.url(_LIST), timeout=10).json()
    if len(found["results"]) != 100:  # type: ignore[arg-type]
        raise AssertionError("the list has not 100 issues")
    return found


@contextmanager
def _store_hangs(bench: Bench) -> Iterator[None]:
    bench.services.pause("firestore")
    try:
        yield
    finally:
        bench.services.resume("firestore")
