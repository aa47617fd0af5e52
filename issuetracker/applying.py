"""Bringing changes into the store: read, merge, write if unchanged, and again where it was not.

The consumer does this with what it reads from the log; the API does the same, with the same
function, when the log is out of reach.
"""

import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from issuetracker.exceptions import StoreRefused, StoreUnavailable
from issuetracker.issues import Issue
from issuetracker.merging import Delivery, Merged, Origin, merge
from issuetracker.metrics import (
    APPLIED,
    CONFLICTS,
    DUPLICATE,
    READ_SECONDS,
    REFUSED,
    WRITE_SECONDS,
    WRITES,
)
from issuetracker.providers.base import Stored, StoreProvider, Write

logger = logging.getLogger(__name__)

#: After so many races lost in a row the store counts as unavailable: the caller keeps its batch.
ATTEMPTS = 12


@dataclass(slots=True)
class Applied:
    """What came of a batch.

    Attributes:
        issues: every issue that was written, or that already had all of its changes.
        refused: deliveries whose write the store will never take, and why.
        applied: changes that were new.
        duplicates: changes that had been applied before.
        writes: issues written.
    """

    issues: dict[str, Issue] = field(default_factory=dict)
    refused: list[tuple[Delivery, str]] = field(default_factory=list)
    applied: int = 0
    duplicates: int = 0
    writes: int = 0


def apply_changes(store: StoreProvider, deliveries: Sequence[Delivery]) -> Applied:
    """Apply ``deliveries`` to the issues in ``store``; each counts once, however often it comes.

    Args:
        store: where the issues are.
        deliveries: of any issues, those of one issue in the order of their logs.

    Raises:
        StoreUnavailable: some may have been applied, others not. Calling again with the same
            deliveries is safe, and the way to go on.
    """
    grouped: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        grouped.setdefault(delivery.change.issue_id, []).append(delivery)
    outcome = Applied()
    for part in _apply_in_parts(store, grouped):
        outcome.issues |= part.issues
        outcome.refused += part.refused
        outcome.applied += part.applied
        outcome.duplicates += part.duplicates
        outcome.writes += part.writes
    return outcome


def _apply_in_parts(store: StoreProvider, grouped: dict[str, list[Delivery]]) -> list[Applied]:
    ids = list(grouped)
    parts = [
        {issue_id: grouped[issue_id] for issue_id in ids[start : start + store.max_writes]}
        for start in range(0, len(ids), store.max_writes)
    ]
    if store.parallel == 1 or len(parts) == 1:
        return [_apply_part(store, part) for part in parts]
    # No issue is in two parts. While one waits for the store, the next is merged.
    with ThreadPoolExecutor(store.parallel, thread_name_prefix="apply") as pool:
        return list(pool.map(lambda part: _apply_part(store, part), parts))


def _apply_part(store: StoreProvider, grouped: dict[str, list[Delivery]]) -> Applied:
    outcome = Applied()
    _apply_or_bisect(store, grouped, outcome)
    return outcome


def _apply_or_bisect(
    store: StoreProvider, grouped: dict[str, list[Delivery]], outcome: Applied
) -> None:
    """Apply; where the store refuses, halve until the delivery that it refuses stands alone."""
    try:
        _apply_group(store, grouped, outcome)
        return
    except StoreRefused as error:
        reason = str(error)
    items = list(grouped.items())
    if len(items) > 1:
        middle = len(items) // 2
        _apply_or_bisect(store, dict(items[:middle]), outcome)
        _apply_or_bisect(store, dict(items[middle:]), outcome)
        return
    issue_id, deliveries = items[0]
    if len(deliveries) == 1:
        logger.error("The store refused a change: %s", reason, extra={"issue_id": issue_id})
        outcome.refused.append((deliveries[0], reason))
        REFUSED.inc()
        return
    middle = len(deliveries) // 2
    _apply_or_bisect(store, {issue_id: deliveries[:middle]}, outcome)
    _apply_or_bisect(store, {issue_id: deliveries[middle:]}, outcome)


def _apply_group(
    store: StoreProvider, grouped: dict[str, list[Delivery]], outcome: Applied
) -> None:
    remaining = grouped
    refused = _origins(outcome.refused)
    for attempt in range(ATTEMPTS):
        with READ_SECONDS.time():
            stored = store.get_many(remaining)
        merged = {
            issue_id: merge(_issue_of(stored.get(issue_id)), group, refused.get(issue_id, ()))
            for issue_id, group in remaining.items()
        }
        with WRITE_SECONDS.time():
            conflicts = store.write_many(_writes(stored, merged))
        CONFLICTS.inc(len(conflicts))
        _count(outcome, [one for issue_id, one in merged.items() if issue_id not in conflicts])
        remaining = {issue_id: remaining[issue_id] for issue_id in conflicts}
        if not remaining:
            return
        # Two writers that met once should not meet again at the next step.
        time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))
    raise StoreUnavailable(f"{len(remaining)} issues were changed by others {ATTEMPTS} times")


def _origins(refused: Sequence[tuple[Delivery, str]]) -> dict[str, list[Origin]]:
    """By issue, where the changes that the store refused stood in the log."""
    origins: dict[str, list[Origin]] = {}
    for delivery, _ in refused:
        if delivery.origin is not None:
            origins.setdefault(delivery.change.issue_id, []).append(delivery.origin)
    return origins


def _issue_of(stored: Stored | None) -> Issue | None:
    return stored.issue if stored else None


def _writes(stored: dict[str, Stored], merged: dict[str, Merged]) -> list[Write]:
    # What changed nothing but marks is written too: the mark is what recognises the next replay.
    return [
        Write(
            issue=result.issue,
            version=stored[issue_id].version if issue_id in stored else None,
            put=result.put,
            drop=result.drop,
        )
        for issue_id, result in merged.items()
    ]


def _count(outcome: Applied, written: Sequence[Merged]) -> None:
    applied = sum(result.applied for result in written)
    duplicates = sum(result.duplicates for result in written)
    outcome.issues |= {result.issue.id: result.issue for result in written}
    outcome.applied += applied
    outcome.duplicates += duplicates
    outcome.writes += len(written)
    APPLIED.inc(applied)
    DUPLICATE.inc(duplicates)
    WRITES.inc(len(written))
