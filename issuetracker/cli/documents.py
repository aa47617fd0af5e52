"""What the command reads of the API's answers; what a newer tracker adds is left alone."""

from datetime import datetime
from typing import Any

import msgspec

from issuetracker.messages import RaisedException


class Page(msgspec.Struct, frozen=True):
    """A page of any list."""

    results: list[dict[str, Any]]
    next: str | None = None
    degraded: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An issue in a list."""

    id: str
    title: str
    type: str
    priority: str
    status: str
    component: str
    count: int
    first_seen: datetime
    last_seen: datetime
    updated_at: datetime
    regressed: bool = False
    tags: list[str] = []
    reporter: str = ""
    assignee: str | None = None
    muted: bool = False
    muted_until: datetime | None = None
    muted_events: int | None = None
    merged_into: str | None = None
    pending: bool = False


class MergedIssue(msgspec.Struct, frozen=True):
    """An issue that is the same as the one that is shown."""

    id: str
    title: str
    count: int


class Total(msgspec.Struct, frozen=True):
    """An issue and those merged into it, taken together."""

    count: int


class Detail(Summary, frozen=True, kw_only=True):
    """An issue with everything."""

    total: Total | None = None
    merged_issues: list[MergedIssue] = []
    description: str = ""
    exception: list[RaisedException] = []
    context: dict[str, Any] = {}


class Comment(msgspec.Struct, frozen=True):
    """What somebody wrote."""

    time: datetime
    author: str
    body: str


class HistoryEntry(msgspec.Struct, frozen=True):
    """Who set what."""

    time: datetime
    actor: str
    changes: dict[str, Any]


class UpdatedIssue(msgspec.Struct, frozen=True):
    """What became of one issue of many."""

    id: str
    status: str
    code: int
    detail: str = ""


class WrongField(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """An error, as the API tells it (RFC 9457)."""

    title: str = ""
    detail: str = ""
    errors: list[WrongField] = []
