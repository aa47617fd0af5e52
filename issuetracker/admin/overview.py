"""The overview: what broke lately, and whether reports flow. Each part stands by itself.

A part that does not answer in time says so in its own place; the page never waits for it longer
than :data:`SECONDS`. Numbers end where counting would become a scan.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError
from django.http import QueryDict
from django.utils import timezone

from issuetracker.admin.addresses import list_address
from issuetracker.admin.filters import read_filters, views
from issuetracker.admin.flow import consumers, dead_letters, failed_runs, letters_address
from issuetracker.admin.listing import Row, make_row
from issuetracker.bounded import NoAnswer, answer_of, begin
from issuetracker.exceptions import StoreUnavailable
from issuetracker.hours import RECENT_HOURS, Rise, rise_of
from issuetracker.issues import IssueQuery
from issuetracker.parts import states_of_parts
from issuetracker.reading import ReadPage, list_issues
from kafka_worker.exceptions import ConfigurationError, Unavailable

logger = logging.getLogger(__name__)

#: What all parts but the store have together; the store has its own, in ``reading``.
SECONDS = 2.5
#: Issues read to count them, and of those the ones that are shown.
COUNTED = 50
SHOWN = 5
#: The issues with the newest activity, among which rising ones are looked for.
LOOKED_THROUGH = 200

_STORE_SILENT = "The store does not answer."
_BROKER_SILENT = "The broker does not answer."
_NO_BROKER = "No broker is configured: reports go into the store directly."


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page.

    Attributes:
        known: what there is to show; None when it cannot be known.
        missing: why it cannot be known just now, as a sentence.
        absent: why there is no such part at all, as a sentence.
    """

    known: Any = None
    missing: str = ""
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Issues of one kind.

    Attributes:
        number: how many, as it is shown: ``50 or more`` where counting ended.
        address: the list of them.
        rows: the first few, each with its rise where it has one.
        degraded: the store does not answer; these are the last hour's only.
    """

    number: str
    address: str
    rows: list[tuple[Row, Rise | None]]
    degraded: bool = False


def overview_context(username: str, *, with_runs: bool) -> dict[str, Any]:
    """What the overview's template needs.

    Args:
        username: who looks at it.
        with_runs: whether the person may see workflow runs.
    """
    deadline = time.monotonic() + SECONDS
    now = timezone.now()
    waiting: dict[str, Future[Any]] = {
        "consumers": begin(consumers),
        "letters": begin(dead_letters),
    }
    runs = begin(failed_runs) if with_runs else None
    found: dict[str, Any] = {
        "new": _part(lambda: _new(now)),
        "regressed": _part(lambda: _regressed(now)),
        "rising": _part(lambda: _rising(now)),
        "parts": states_of_parts(),
    }
    for name, future in waiting.items():
        found[name] = _answer(future, name, deadline)
    found["runs"] = _answer(runs, "runs", deadline) if runs else None
    return {
        **found,
        "now": now,
        "views": views(read_filters(QueryDict(), now), username),
        "recent_hours": RECENT_HOURS,
        "looked_through": LOOKED_THROUGH,
        "letters_address": letters_address(),
        "degraded": any(
            part.known and part.known.degraded for part in (found["new"], found["regressed"])
        ),
    }


def _new(now: datetime) -> Found:
    query = IssueQuery(first_since=now - timedelta(days=1), order="-first_seen")
    address = list_address(**{"is": "new", "order": "-first_seen"})
    return _found(list_issues(query, limit=COUNTED, cursor=None), address, now)


def _regressed(now: datetime) -> Found:
    page = list_issues(IssueQuery(regressed=True), limit=COUNTED, cursor=None)
    return _found(page, list_address(**{"is": "regressed"}), now)


def _rising(now: datetime) -> Found:
    since = now - timedelta(hours=RECENT_HOURS)
    query = IssueQuery(status=("open", "in_progress"), since=since)
    page = list_issues(query, limit=LOOKED_THROUGH, cursor=None)
    if page.degraded:
        raise StoreUnavailable("the last hour's issues are known, but not what is usual for them")
    rising = [(read, rise) for read in page.items if (rise := rise_of(read.issue, now)) is not None]
    rising.sort(key=lambda each: each[1].factor, reverse=True)
    return Found(
        number=f"{len(rising)} or more" if page.cursor and rising else str(len(rising)),
        address=list_address(within="24h", order="-last_seen"),
        rows=[(make_row(read, now), rise) for read, rise in rising[:SHOWN]],
    )


def _found(page: ReadPage, address: str, now: datetime) -> Found:
    return Found(
        number=f"{len(page.items)} or more" if page.cursor else str(len(page.items)),
        address=address,
        rows=[(make_row(read, now), None) for read in page.items[:SHOWN]],
        degraded=page.degraded,
    )


def _part(ask: Callable[[], Found]) -> Part:
    try:
        return Part(ask())
    except StoreUnavailable as error:
        logger.warning("Not on the overview: %s", error)
        return Part(missing=_STORE_SILENT)


def _answer(future: Future[Any], name: str, deadline: float) -> Part:
    try:
        return Part(answer_of(future, name, deadline - time.monotonic()))
    except ConfigurationError:
        return Part(absent=_NO_BROKER)
    except (NoAnswer, Unavailable, DatabaseError) as error:
        logger.warning("Not on the overview: %s", error)
        silent = "The database does not answer." if name == "runs" else _BROKER_SILENT
        return Part(missing=silent)
