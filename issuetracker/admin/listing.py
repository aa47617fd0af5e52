"""The list of issues: what the page shows, and whether anything new has come since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from issuetracker.admin.filters import (
    NAMES,
    Choice,
    Filters,
    Parameters,
    address,
    chips,
    facets,
    orders,
    read_filters,
    views,
    with_values,
)
from issuetracker.admin.sparklines import Sparkline, sparkline
from issuetracker.issues import Issue
from issuetracker.messages import Priority
from issuetracker.reading import ReadIssue, list_issues

PAGE = 50
_TAGS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Row:
    """An issue in the list, with the addresses it links to."""

    issue: Issue
    pending: bool
    title: str
    address: str
    component_address: str
    tags: list[Choice]
    more_tags: int
    sparkline: Sparkline | None


class News(NamedTuple):
    """What happened to a list since.

    Attributes:
        new: issues that are new.
        changed: others that changed.
        latest: when the latest of it happened, so that it can be told whether there is more.
    """

    new: int
    changed: int
    latest: str


@dataclass(frozen=True, slots=True)
class Field:
    """A filter that is written by hand, with values it could have."""

    name: str
    label: str
    kind: str
    value: str
    suggestions: list[str]


def list_context(given: QueryDict, username: str) -> dict[str, Any]:
    """What the list's template needs.

    Args:
        given: the parameters of the page's address.
        username: who looks at it.

    Raises:
        InvalidInput: the cursor is none of this list's.
        StoreUnavailable: neither the store nor the recent view answers.
    """
    now = timezone.now()
    filters = read_filters(given, now)
    page = list_issues(filters.query, limit=PAGE, cursor=filters.cursor)
    rows = [make_row(read, now, filters) for read in page.items]
    return {
        "filters": filters,
        "text": filters.query.text,
        "rows": rows,
        "degraded": page.degraded,
        "chips": chips(filters),
        "views": views(filters, username),
        "priorities": tuple(reversed(get_args(Priority))),
        "facets": facets(filters),
        "orders": orders(filters),
        "fields": _fields(filters, [row.issue for row in rows]),
        "hidden": _hidden(filters),
        "here": address(dict(given.lists())),
        "first_page": address(filters.params),
        "next_page": page.cursor and address({**filters.params, "cursor": [page.cursor]}),
        "exports": [
            Choice(label, "export/" + address({**filters.params, "format": [form]}))
            for label, form in (("CSV", "csv"), ("JSON lines", "jsonl"))
        ],
        "news": _news_address(filters, rows, now),
    }


def count_news(given: QueryDict, after: datetime) -> News:
    """How many issues of a list are new or have changed since; a page of them at most.

    Args:
        given: the parameters of the list's address.
        after: the newest change that the list shows.
    """
    filters = read_filters(given, timezone.now())
    since = max(after, filters.query.since or after)
    query = msgspec.structs.replace(filters.query, since=since)
    page = list_issues(query, limit=PAGE, cursor=None)
    changed = [read.issue for read in page.items if read.issue.updated_at > after]
    new = sum(issue.first_seen > after for issue in changed)
    latest = max((issue.updated_at for issue in changed), default=after)
    return News(new, len(changed) - new, latest.isoformat())


def issue_title(issue: Issue) -> str:
    """The issue's title; a stub, whose report is yet to come, has none."""
    return issue.title or "(its report has not arrived yet)"


def make_row(read: ReadIssue, now: datetime, filters: Filters | None = None) -> Row:
    """The row of an issue; its links lead to lists narrowed further than by ``filters``."""
    issue = read.issue
    params = filters.params if filters else {}
    return Row(
        issue=issue,
        pending=read.pending,
        title=issue_title(issue),
        address=reverse("admin:issuetracker_issue_change", args=[issue.id]),
        component_address=address(with_values(params, "component", [issue.component])),
        tags=[_tag(tag, params) for tag in issue.tags[:_TAGS_SHOWN]],
        more_tags=max(0, len(issue.tags) - _TAGS_SHOWN),
        sparkline=sparkline(issue, now),
    )


def _tag(tag: str, params: Parameters) -> Choice:
    chosen = params.get("tag", [])
    tags = chosen if tag in chosen else [*chosen, tag]
    return Choice(tag, address(with_values(params, "tag", tags)))


def _fields(filters: Filters, issues: Sequence[Issue]) -> list[Field]:
    known = {
        "component": {issue.component for issue in issues},
        "tag": {tag for issue in issues for tag in issue.tags},
        "reporter": {issue.reporter for issue in issues if issue.reporter},
        "assignee": {issue.assignee for issue in issues if issue.assignee},
    }
    labels = {"tag": "Tags (all of them)", "since": "Active since (UTC)", "until": "Until (UTC)"}
    return [
        Field(
            name=name,
            label=labels.get(name, name.capitalize()),
            kind="text" if name in known else "datetime-local",
            value=_written(filters, name),
            suggestions=sorted(known.get(name, ())),
        )
        for name in ("component", "tag", "reporter", "assignee", "since", "until")
    ]


def _written(filters: Filters, name: str) -> str:
    moment = {"since": filters.query.since, "until": filters.query.until}.get(name)
    values = filters.params.get(name, [])
    if moment and values:
        return moment.strftime("%Y-%m-%dT%H:%M")
    return " ".join(values)


def _hidden(filters: Filters) -> list[tuple[str, str]]:
    """What the form of the written filters must carry on."""
    written = {*NAMES, "tag", "since", "until", "q"}
    return [
        (name, value)
        for name, values in filters.params.items()
        if name not in written
        for value in values
    ]


def _news_address(filters: Filters, rows: Sequence[Row], now: datetime) -> str:
    if not filters.follows_news:
        return ""
    newest = rows[0].issue.updated_at if rows else now
    return "news/" + address({**filters.params, "after": [newest.isoformat()]})
