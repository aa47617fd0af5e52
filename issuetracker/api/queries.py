"""The query strings of the lists, each defined once."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from issuetracker.issues import IssueQuery, Order
from issuetracker.messages import Component, IssueType, Priority, Status, Tag, UserName
from issuetracker.words import LONGEST_PAIR

_Limit = Annotated[int, Meta(ge=1, le=200, description="Results on a page, at most.")]
_Cursor = Annotated[
    str, Meta(min_length=1, max_length=2000, description="From the address in `next`.")
]
_Moment = Annotated[datetime, Meta(tz=True)]


class DocumentsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of what belongs to an issue."""

    cursor: _Cursor | None = None
    limit: _Limit = 50


class IssuesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which issues, in which order. Every filter that is given must hold."""

    status: Annotated[
        list[Status],
        Meta(max_length=5, description="Any of these; without it every status but `deleted`."),
    ] = []
    type: Annotated[list[IssueType], Meta(max_length=7, description="Any of these.")] = []
    priority: Annotated[list[Priority], Meta(max_length=4, description="Any of these.")] = []
    component: Component | None = None
    tag: Annotated[list[Tag], Meta(max_length=20, description="All of these.")] = []
    context: Annotated[
        list[Annotated[str, Meta(max_length=LONGEST_PAIR, pattern=r"^[^\x00=]*=[^\x00]*$")]],
        Meta(
            max_length=20,
            description="All of these entries in the first report's context, each as `key=value`.",
        ),
    ] = []
    reporter: UserName | None = None
    assignee: (
        Annotated[
            str, Meta(max_length=150, pattern=r"^[\w.@+-]*$(?!\n)", description="Empty: nobody.")
        ]
        | None
    ) = None
    since: Annotated[
        _Moment | None, Meta(description="Changed at this time (RFC 3339) or later.")
    ] = None
    until: Annotated[_Moment | None, Meta(description="Changed before this time.")] = None
    muted: Annotated[
        Literal["false", "true", "any"],
        Meta(description="Only muted issues, or only others, or both."),
    ] = "false"
    q: Annotated[
        str,
        Meta(
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Words of the title or the exception, or their beginnings.",
        ),
    ] = ""
    order: Annotated[Order, Meta(description="`-` puts the greatest first.")] = "-updated_at"
    cursor: _Cursor | None = None
    limit: _Limit = 50

    def filters(self) -> IssueQuery:
        """The store's query."""
        return IssueQuery(
            status=tuple(self.status),
            type=tuple(self.type),
            priority=tuple(self.priority),
            component=self.component,
            tags=tuple(self.tag),
            context=tuple(self.context),
            reporter=self.reporter,
            assignee=self.assignee,
            since=self.since,
            until=self.until,
            muted={"false": False, "true": True, "any": None}[self.muted],
            text=self.q,
            order=self.order,
        )
