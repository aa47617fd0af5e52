"""From the log to the store: one consumer, on a log that was filled before it starts.

Time and processor time count from the moment at which it has its partitions until all is stored.
Its start does not count; fetching, decoding, merging, writing and refreshing Redis do.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import reports
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples
from issuetracker.issues import Issue
from issuetracker.merging import Delivery, Origin, merge
from issuetracker.messages import Reported
from issuetracker.providers.firestore_channel import CommitRequest, FirestoreChannel
from issuetracker.providers.firestore_documents import write_issue

_IN_A_COMMIT = 500
_DISTINCT_A_SECOND, _STORM_A_SECOND, _STORM_MOST = 4_000, 33_334, 100_000


@dataclass(frozen=True)
class _Run:
    """What it took to bring a filled log into the store."""

    rate: float
    writes: float
    micros: float


def store(bench: Bench) -> Iterator[Figure]:
    """Distinct issues beside raw commits of the same documents, and a storm beside both."""
    channel = bench.channel()
    count = round(_DISTINCT_A_SECOND * bench.seconds)
    flood = min(_STORM_MOST, round(_STORM_A_SECOND * bench.seconds))
    with bench.web():
        pass  # makes the topic
    # The emulator is slow at first; it gets warm with the baseline and with the product.
    _commit(channel, _issues(list(reports.distinct(count // 4))))
    _consume(bench, list(reports.distinct(count // 4)))
    raw: list[float] = []
    distinct: list[_Run] = []
    storms: list[_Run] = []
    for _ in range(bench.repetitions):
        changes = list(reports.distinct(count))
        raw.append(_commit(channel, _issues(changes)))
        distinct.append(_consume(bench, changes))
        storms.append(_storm(bench, flood))
    yield Figure(
        f"stored, {count:,} issues, one consumer",
        "1/s",
        Samples(one.rate for one in distinct),
        f"raw commits of the same documents, {_IN_A_COMMIT} in each",
        Samples(raw),
        Goal("ratio", "at least", 0.7),
    )
    yield from _storm_figures(flood, storms, distinct)


def _storm_figures(flood: int, storms: list[_Run], distinct: list[_Run]) -> Iterator[Figure]:
    yield Figure(
        f"stored, {flood:,} reports of one exception",
        "1/s",
        Samples(one.rate for one in storms),
        "distinct issues",
        Samples(one.rate for one in distinct),
        Goal("ratio", "at least", 10),
        "the count of the issue was exact each time",
    )
    yield Figure(
        "  writes for each report",
        "",
        Samples(one.writes / flood for one in storms),
        "one for each",
        Samples(1.0 for _ in storms),
        Goal("value", "at most", 1 / 200),
    )
    yield Figure(
        "  consumer's CPU for each report of it",
        "µs",
        Samples(one.micros for one in storms),
        "distinct issues",
        Samples(one.micros for one in distinct),
        Goal("value", "at most", 25),
    )
    yield Figure(
        "consumer's CPU for each distinct issue",
        "µs",
        Samples(one.micros for one in distinct),
        "a report of the storm",
        Samples(one.micros for one in storms),
        Goal("value", "at most", 100),
    )


def _storm(bench: Bench, count: int) -> _Run:
    changes = list(reports.storm(count))
    run = _consume(bench, changes)
    found = bench.store.get(changes[0].issue_id)
    if found is None or found.count != count:
        raise AssertionError(f"{count} reports count as {found.count if found else 'no issue'}")
    return run


def _consume(bench: Bench, changes: Sequence[Reported]) -> _Run:
    bench.forget()
    bench.log.fill(changes)
    with bench.consumer():
        before = bench.look()
        after = bench.wait_until_applied(len(changes))
    count = after.applied - before.applied
    return _Run(
        rate=count / (after.time - before.time),
        writes=after.writes - before.writes,
        micros=(after.cpu - before.cpu) / count * 1e6,
    )


def _issues(changes: Sequence[Reported]) -> list[Issue]:
    deliveries = (Delivery(one, Origin("log:0", place)) for place, one in enumerate(changes))
    return [merge(None, [delivery]).issue for delivery in deliveries]


def _commit(channel: FirestoreChannel, issues: Sequence[Issue]) -> float:
    """Documents a second: made and committed, on no condition, nothing read before."""
    began = time.perf_counter()
    for start in range(0, len(issues), _IN_A_COMMIT):
        channel.commit(write_of(channel, one) for one in issues[start : start + _IN_A_COMMIT])
    return len(issues) / (time.perf_counter() - began)


def write_of(channel: FirestoreChannel, issue: Issue) -> bytes:
    """The part of a request that writes ``issue``, whatever was there before."""
    request = CommitRequest()
    name = f"{channel.database}/documents/issues/{issue.id}"
    write_issue(request.writes.add().update, name, issue)
    part: bytes = request.SerializeToString()
    return part
