"""What the API answers. Each document is defined here once; the OpenAPI schema comes from it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from msgspec import Meta

from issuetracker.api.problems import WrongField
from issuetracker.issues import Comment, HistoryEntry, Issue, Occurrence, is_muted
from issuetracker.messages import IssueType, Priority, RaisedException, Status

_encode = msgspec.json.Encoder().encode

Pending = Annotated[
    bool, Meta(description="Something of it is accepted, but not in the store yet.")
]
Next = Annotated[
    str | None,
    Meta(description="Address of the next page, or null at the end. A page may be short."),
]
# What is said of each of many, in whichever request they came.
_OwnCode = Annotated[
    int, Meta(ge=200, le=599, description="The status that a request for it alone would get.")
]
_Refusal = Annotated[str, Meta(description="Why it was refused.")]
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


class ReportedIssue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one report of many."""

    status: Annotated[
        Literal["accepted", "created", "refused"],
        Meta(description="`accepted`: durable, on its way; `created`: stored; `refused`: neither."),
    ]
    code: _OwnCode
    id: Annotated[str, Meta(description="The issue's id, unless it was refused.")] = ""
    url: Annotated[str, Meta(description="Address of the issue.")] = ""
    detail: _Refusal = ""
    errors: Annotated[
        list[WrongField], Meta(description="Every wrong field; pointers begin with `/issues`.")
    ] = []


class BulkReported(msgspec.Struct, frozen=True):
    """What became of each report, in the order of the request."""

    results: list[ReportedIssue]


class AcceptedComment(msgspec.Struct, frozen=True):
    """Where a comment went."""

    id: Annotated[str, Meta(description="The comment's id.")]
    issue_id: str
    status: Literal["accepted", "created"]


class AcceptedUpdate(msgspec.Struct, frozen=True):
    """Where a change went."""

    id: Annotated[str, Meta(description="The issue's id.")]
    status: Literal["accepted", "updated"]


class UpdatedIssue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one issue of many."""

    id: Annotated[str, Meta(description="The issue's id.")]
    status: Annotated[
        Literal["accepted", "updated", "refused"],
        Meta(description="`accepted`: durable, on its way; `updated`: stored; `refused`: neither."),
    ]
    code: _OwnCode
    detail: _Refusal = ""


class BulkUpdated(msgspec.Struct, frozen=True):
    """What became of each issue, in the order of the request."""

    results: list[UpdatedIssue]


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
    muted: Annotated[bool, Meta(description="Kept out of the lists for now.")]
    muted_until: Annotated[datetime | None, Meta(description="Until when.")]
    muted_events: Annotated[
        int | None, Meta(description="Or for how many more reports, from now on.")
    ]
    merged_into: Annotated[
        str | None, Meta(description="The issue that this is the same as. No list shows this one.")
    ]
    merged: Annotated[list[str], Meta(description="Issues that are the same as this one.")]
    count: Annotated[int, Meta(description="How often it was reported.")]
    comment_count: int
    first_seen: datetime
    last_seen: datetime
    updated_at: datetime
    pending: Pending = False


class MergedIssue(msgspec.Struct, frozen=True, kw_only=True):
    """An issue that is merged into the one that is shown."""

    id: str
    title: str
    component: str
    status: Status
    regressed: bool
    count: int
    first_seen: datetime
    last_seen: datetime


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """An issue and those that are merged into it, taken together."""

    count: int
    first_seen: datetime
    last_seen: datetime
    regressed: Annotated[bool, Meta(description="Any of them was resolved, and seen since.")]


class IssueDetail(IssueSummary, frozen=True, kw_only=True):
    """An issue with everything that is kept of it."""

    total: Total
    merged_issues: Annotated[
        list[MergedIssue], Meta(description="Those merged into it, newest activity first.")
    ]

    description: str
    fingerprint: str | None
    exception: list[RaisedException]
    context: dict[str, Any]


class IssueList(msgspec.Struct, frozen=True):
    """A page of issues."""

    results: list[IssueSummary]
    next: Next
    degraded: Degraded


class ReadyIssueList(msgspec.Struct, frozen=True):
    """The same, whose results are JSON already."""

    results: msgspec.Raw
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
    return IssueSummary(**_fields(issue, _IN_SUMMARY), pending=pending)


def detail(issue: Issue, merged: Sequence[Issue], *, pending: bool) -> IssueDetail:
    """``issue`` with everything.

    Args:
        issue: the issue.
        merged: those that are merged into it.
        pending: whether something of it is not in the store yet.
    """
    return IssueDetail(
        **_fields(issue, _IN_DETAIL),
        pending=pending,
        total=total([issue, *merged]),
        merged_issues=[
            MergedIssue(**{name: getattr(one, name) for name in MergedIssue.__struct_fields__})
            for one in merged
        ],
    )


def total(issues: Sequence[Issue]) -> Total:
    """``issues``, at least one, taken together."""
    return Total(
        count=sum(issue.count for issue in issues),
        first_seen=min(issue.first_seen for issue in issues),
        last_seen=max(issue.last_seen for issue in issues),
        regressed=any(issue.regressed for issue in issues),
    )


def _kept_in(shown: type[IssueSummary]) -> tuple[str, ...]:
    return tuple(name for name in shown.__struct_fields__ if name in Issue.__struct_fields__)


_IN_SUMMARY, _IN_DETAIL = _kept_in(IssueSummary), _kept_in(IssueDetail)


def _fields(issue: Issue, names: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: getattr(issue, name) for name in names}
    kept["muted"] = is_muted(issue)
    # A mute whose time is up may not have been written over yet.
    if not kept["muted"]:
        kept["muted_until"] = None
    return kept


def answer(
    document: msgspec.Struct, status: int = 200, location: str | None = None
) -> HttpResponse:
    """``document`` as JSON."""
    response = HttpResponse(_encode(document), status=status, content_type="application/json")
    if location is not None:
        response.headers["Location"] = location
    return response
