"""The list of issues: what the page shows, and whether anything new has come since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from issuetracker.admin.filters import (
    NAMES,
    Choice,
    Filters,
    address,
    chips,
    facets,
    orders,
    read_filters,
    with_values,
)
from issuetracker.issues import Issue
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


@dataclass(frozen=True, slots=True)
class Field:
    """A filter that is written by hand, with values it could have."""

    name: str
    label: str
    kind: str
    value: str
    suggestions: list[str]


def list_context(given: QueryDict) -> dict[str, Any]:
    """What the list's template needs.

    Args:
        given: the parameters of the page's address.

    Raises:
        InvalidInput: the cursor is none of this list's.
        StoreUnavailable: neither the store nor the recent view answers.
    """
    now = timezone.now()
    filters = read_filters(given, now)
    page = list_issues(filters.query, limit=PAGE, cursor=filters.cursor)
    rows = [_row(read, filters) for read in page.items]
    return {
        "filters": filters,
        "text": filters.query.text,
        "rows": rows,
        "degraded": page.degraded,
        "chips": chips(filters),
        "facets": facets(filters),
        "orders": orders(filters),
        "fields": _fields(filters, [row.issue for row in rows]),
        "hidden": _hidden(filters),
        "here": address(dict(given.lists())),
        "first_page": address(filters.params),
        "next_page": page.cursor and address({**filters.params, "cursor": [page.cursor]}),
        "news": _news_address(filters, rows, now),
    }


def count_news(given: QueryDict, after: datetime) -> int:
    """How many issues of a list are new or have changed since; at most a page of them.

    Args:
        given: the parameters of the list's address.
        after: the newest change that the list shows.
    """
    filters = read_filters(given, timezone.now())
    since = max(after, filters.query.since or after)
    query = msgspec.structs.replace(filters.query, since=since)
    page = list_issues(query, limit=PAGE, cursor=None)
    return sum(read.issue.updated_at > after for read in page.items)


def issue_title(issue: Issue) -> str:
    """The issue's title; a stub, whose report is yet to come, has none."""
    return issue.title or "(its report has not arrived yet)"


def _row(read: ReadIssue, filters: Filters) -> Row:
    issue = read.issue
    return Row(
        issue=issue,
        pending=read.pending,
        title=issue_title(issue),
        address=reverse("admin:issuetracker_issue_change", args=[issue.id]),
        component_address=address(with_values(filters.params, "component", [issue.component])),
        tags=[_tag(tag, filters) for tag in issue.tags[:_TAGS_SHOWN]],
    )


def _tag(tag: str, filters: Filters) -> Choice:
    chosen = filters.params.get("tag", [])
    tags = chosen if tag in chosen else [*chosen, tag]
    return Choice(tag, address(with_values(filters.params, "tag", tags)))


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
