"""What the API answers. Each document is defined here once; the OpenAPI schema comes from it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from msgspec import Meta

from issuetracker.issues import Comment, HistoryEntry, Issue, Occurrence
from issuetracker.messages import IssueType, Priority, RaisedException, Status

_encode = msgspec.json.Encoder().encode

Pending = Annotated[
    bool, Meta(description="Something of it is accepted, but not in the store yet.")
]
Next = Annotated[
    str | None,
    Meta(description="Address of the next page, or null at the end. A page may be short."),
]
Degraded = Annotated[
    bool, Meta(description="The store does not answer; this is what the last hour brought.")
]


class AcceptedIssue(msgspec.Struct, frozen=True):
    """Where a report went."""

    id: Annotated[
        str,
        Meta(
            description="The issue's id for life, after `temp-` while it is on its way to the "
            "store. Every address takes it with and without.",
            examples=["temp-5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10"],
        ),
    ]
    status: Annotated[
        Literal["accepted", "created"],
        Meta(description="`accepted`: durable, on its way to the store; `created`: stored."),
    ]
    url: Annotated[str, Meta(description="Address of the issue.")]


class AcceptedComment(msgspec.Struct, frozen=True):
    """Where a comment went."""

    id: Annotated[str, Meta(description="The comment's id.")]
    issue_id: str
    status: Literal["accepted", "created"]


class AcceptedUpdate(msgspec.Struct, frozen=True):
    """Where a change went."""

    id: Annotated[str, Meta(description="The issue's id.")]
    status: Literal["accepted", "updated"]


class IssueSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An issue in a list."""

    id: str
    title: str
    type: IssueType
    priority: Priority
    status: Status
    regressed: Annotated[bool, Meta(description="Resolved once, and seen since.")]
    component: str
    tags: list[str]
    reporter: str
    assignee: str | None
    count: Annotated[int, Meta(description="How often it was reported.")]
    comment_count: int
    first_seen: datetime
    last_seen: datetime
    updated_at: datetime
    pending: Pending = False


class IssueDetail(IssueSummary, frozen=True, kw_only=True):
    """An issue with everything that is kept of it."""

    description: str
    fingerprint: str | None
    exception: list[RaisedException]
    context: dict[str, Any]


class IssueList(msgspec.Struct, frozen=True):
    """A page of issues."""

    results: list[IssueSummary]
    next: Next
    degraded: Degraded


class CommentList(msgspec.Struct, frozen=True):
    """A page of comments, oldest first."""

    results: list[Comment]
    next: Next
    degraded: Degraded


class HistoryList(msgspec.Struct, frozen=True):
    """A page of what was set and by whom, oldest first."""

    results: list[HistoryEntry]
    next: Next
    degraded: Degraded


class OccurrenceList(msgspec.Struct, frozen=True):
    """A page of single reports, newest first; the earliest one is in the issue itself."""

    results: list[Occurrence]
    next: Next
    degraded: Degraded


def summary(issue: Issue, *, pending: bool) -> IssueSummary:
    """``issue`` as a list shows it."""
    return IssueSummary(**_fields(issue, IssueSummary), pending=pending)


def detail(issue: Issue, *, pending: bool) -> IssueDetail:
    """``issue`` with everything."""
    return IssueDetail(**_fields(issue, IssueDetail), pending=pending)


def _fields(issue: Issue, shown: type[IssueSummary]) -> dict[str, Any]:
    return {name: getattr(issue, name) for name in shown.__struct_fields__ if name != "pending"}


def answer(
    document: msgspec.Struct, status: int = 200, location: str | None = None
) -> HttpResponse:
    """``document`` as JSON."""
    response = HttpResponse(_encode(document), status=status, content_type="application/json")
    if location is not None:
        response.headers["Location"] = location
    return response
