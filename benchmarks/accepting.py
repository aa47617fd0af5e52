"""Accepting reports: 202 once the broker has each, beside a view that reads the body and answers.

No consumer runs meanwhile. Before each measurement both servers get a second of load.
"""

from collections.abc import Iterator, Mapping

from benchmarks import reports, wrk
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples
from benchmarks.serving import Server

_ISSUES, _READ = "/api/v1/issues", "/read"
_BARE = "bare view that reads the body"
_WARM_UPS = 10


def accept(bench: Bench) -> Iterator[Figure]:
    """Bodies of 1 kB and 30 kB, without tokens."""
    with bench.web() as web, bench.bare() as bare:
        for size in (reports.SMALL, reports.LARGE):
            body = reports.body(size)
            ours, others, missing = [], [], 0
            costs: tuple[list[float], list[float]] = [], []
            _warm_up(bench, web, _ISSUES, body)
            _warm_up(bench, bare, _READ, body)
            for _ in range(bench.repetitions):
                others.append(_load(bench, bare, _READ, body, cost=costs[1]))
                before = bench.log.length()
                ours.append(_load(bench, web, _ISSUES, body, cost=costs[0]))
                missing += max(0, ours[-1].answered - (bench.log.length() - before))
                bench.forget()
            name = f"accepted, {size // 1000} kB, {wrk.CONNECTIONS} connections"
            yield from _figures(name, ours, others, missing)
            yield _cost(*costs)


def access(bench: Bench) -> Iterator[Figure]:
    """The same with 1 kB and a token, and with metrics of several workers."""
    secret = bench.system.manage("create_service_token", reports.COMPONENT).strip()
    headers = {"Authorization": f"Bearer {secret}"}
    body = reports.body(reports.SMALL)
    metrics = bench.folder / "metrics"
    metrics.mkdir()
    strict = {"ISSUETRACKER_ACCESS": "token", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    with bench.web() as plain, bench.web(strict) as web:
        _warm_up(bench, plain, _ISSUES, body)
        _warm_up(bench, web, _ISSUES, body, headers)
        ours, others = [], []
        for _ in range(bench.repetitions):
            others.append(_load(bench, plain, _ISSUES, body))
            ours.append(_load(bench, web, _ISSUES, body, headers))
            bench.forget()
    yield Figure(
        "accepted, 1 kB, token and metrics",
        "1/s",
        Samples(one.rate for one in ours),
        "the same without",
        Samples(one.rate for one in others),
        Goal("ratio", "at least", 0.85),
        _failures(ours, 0),
    )


def _figures(
    name: str, ours: list[wrk.Outcome], others: list[wrk.Outcome], missing: int
) -> Iterator[Figure]:
    yield Figure(
        name,
        "1/s",
        Samples(one.rate for one in ours),
        _BARE,
        Samples(one.rate for one in others),
        Goal("ratio", "at least", 0.3),
        _failures(ours, missing),
    )
    for field, goal in (("p50", None), ("p99", Goal("value", "at most", 100))):
        yield Figure(
            f"  {field}",
            "ms",
            Samples(getattr(one, field) for one in ours),
            _BARE,
            Samples(getattr(one, field) for one in others),
            goal,
        )


def _cost(ours: list[float], others: list[float]) -> Figure:
    """What depends less than a rate does on what else the machine does meanwhile."""
    return Figure("  web's CPU for each", "us", Samples(ours), _BARE, Samples(others))


def _failures(ours: list[wrk.Outcome], missing: int) -> str:
    """What the rate does not say, and must be nothing."""
    failed = sum(one.failed for one in ours)
    said = [f"{failed} without a good answer"] if failed else []
    said += [f"{missing} answered and not in the log: taken past it"] if missing else []
    return "; ".join(said)


def _load(
    bench: Bench,
    server: Server,
    path: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    cost: list[float] | None = None,
) -> wrk.Outcome:
    """What came of a load; ``cost`` takes the microseconds of processor time of each answer."""
    before = server.cpu_seconds()
    found = wrk.load(server.url(path), bench.folder, bench.seconds, body=body, headers=headers)
    if cost is not None:
        cost.append((server.cpu_seconds() - before) / max(1, found.answered) * 1e6)
    return found


def _warm_up(
    bench: Bench, server: Server, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """A second of load, and again while a part is still cold, so that not all is answered."""
    for _ in range(_WARM_UPS):
        found = wrk.load(server.url(path), bench.folder, 1, body=body, headers=headers)
        if found.answered and not found.failed:
            bench.forget()
            return
    end = (bench.folder / "web.log").read_text(errors="replace")[-2000:]
    raise AssertionError(f"{path} does not accept all: {found}\n{end}")
