"""What is kept: an issue, and the documents under it. Stores hold exactly these.

``Issue`` is what people see, plus one opaque field, ``ledger``: the bookkeeping with which
:mod:`issuetracker.merging` applies every change once. Stores index and return the former and
keep the latter as bytes.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta

from issuetracker.messages import IssueType, Priority, RaisedException, Status
from issuetracker.words import begins_words, context_pairs, searched_words

#: Reports counted per hour are kept for this many of an issue's newest active hours.
HOURS_KEPT = 48


class Issue(msgspec.Struct, kw_only=True):
    """One issue: everything that was ever reported under one id.

    Attributes:
        id: a UUID, canonical, lower case, without ``temp-``.
        title: from the earliest report, as are description, type, component, reporter,
            exception and context; empty while only changes of the issue have arrived (a stub).
        tags: those of the earliest report, with what people added and without what they removed.
        priority: as set last; else the earliest report's.
        status: as set last, but ``open`` again once it was resolved and has been seen since.
        regressed: it was resolved and has been seen since.
        reporter: name of the service user who reported it first.
        assignee: name of the user who works on it: as set last; else as a rule said.
        muted_until: until when it stays out of the lists, UTC; whether it still does, only the
            clock knows (:func:`is_muted`). None also when that was over at the latest change.
        muted_events: so many more reports until it is back in the lists; None when not muted so.
        merged_into: the issue that this one is the same as.
        merged: the issues said to be merged into this one; those that point back here are.
        count: how often it was reported.
        first_seen: time of the earliest report, UTC.
        last_seen: time of the latest report, UTC.
        updated_at: time of the latest change of any kind, UTC.
        ledger: :class:`Ledger` as MessagePack.
    """

    id: str
    title: str = ""
    description: str = ""
    type: IssueType = "bug"
    priority: Priority = "medium"
    status: Status = "open"
    regressed: bool = False
    component: str = "unknown"
    tags: list[str] = []
    reporter: str = ""
    assignee: str | None = None
    muted_until: datetime | None = None
    muted_events: int | None = None
    merged_into: str | None = None
    merged: list[str] = []
    fingerprint: str | None = None
    exception: list[RaisedException] = []
    context: dict[str, Any] = {}
    count: int = 0
    comment_count: int = 0
    first_seen: datetime
    last_seen: datetime
    updated_at: datetime
    ledger: bytes = b""


def is_muted(issue: Issue, now: datetime | None = None) -> bool:
    """Whether ``issue`` is muted at ``now``, by default the present."""
    if issue.muted_events is not None:
        return True
    return issue.muted_until is not None and issue.muted_until > (now or datetime.now(UTC))


def is_hidden_by_merging(issue: Issue) -> bool:
    """Whether ``issue`` is left to the one that it is merged into.

    Once that one was resolved, so was this; when it occurs again after that, somebody must see it.
    """
    return issue.merged_into is not None and not issue.regressed


#: A moment and the event id that breaks ties: (microseconds since 1970, event id).
Stamp: TypeAlias = tuple[int, str]
#: A value set at a stamp; of two, the one with the later stamp holds.
Setting: TypeAlias = tuple[int, str, str | None]
#: A mute set at a stamp: its end in microseconds since 1970, or how many further events; neither
#: for none.
MuteSetting: TypeAlias = tuple[int, str, int | None, int | None]
#: Whether something is so, as said at a stamp: another issue merged into this one, a tag on it.
Choice: TypeAlias = tuple[int, str, bool]


class Ledger(msgspec.Struct, array_like=True):
    """The bookkeeping of one issue. New fields go to the end and need a default.

    Attributes:
        marks: per log (topic id and partition) the first offset that is not dealt with yet.
        recent: the event ids applied last, 16 bytes each, oldest first.
        unconfirmed: event ids written past the log and not yet met in it, with the
            microseconds since 1970 at which they were written.
        first: the earliest report.
        last: the latest report.
        status: the status as set last.
        priority: the priority as set last.
        assignee: the assignee as set last.
        kept: the reports that have an occurrence document, newest first.
        hours: reports per hour, by hours since 1970.
        refused: per log, offsets below the mark whose change the store refused. One that comes
            again is tried again, and so finds its way to the dead letters.
        mute: the mute as set last.
        merged_into: what it is merged into, as set last.
        merged: per issue whether it is merged into this one, as said last.
        seen: the times of the newest reports, oldest first: microseconds since 1970, 8 bytes each.
        tags: per tag whether people added it or removed it, as said last.
        reported_tags: those of the earliest report; kept once people set some.
    """

    marks: dict[str, int] = {}
    recent: bytes = b""
    unconfirmed: dict[str, int] = {}
    first: Stamp | None = None
    last: Stamp | None = None
    status: Setting | None = None
    priority: Setting | None = None
    assignee: Setting | None = None
    kept: list[Stamp] = []
    hours: dict[int, int] = {}
    refused: dict[str, list[int]] = {}
    mute: MuteSetting | None = None
    merged_into: Setting | None = None
    merged: dict[str, Choice] = {}
    seen: bytes = b""
    tags: dict[str, Choice] = {}
    reported_tags: list[str] = []


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Something kept under an issue, named by the event id that made it.

    Attributes:
        id: the event id.
        issue_id: the issue.
        time: when it happened, UTC.
    """

    collection: ClassVar[str]

    id: str
    issue_id: str
    time: datetime


class Comment(Document, frozen=True, kw_only=True):
    """What somebody wrote."""

    collection = "comments"

    author: str
    body: str


class HistoryEntry(Document, frozen=True, kw_only=True):
    """Who set what.

    Attributes:
        actor: name of the user.
        changes: what was set, by name: ``status``, ``priority``, ``assignee``, ``muted_until``
            (RFC 3339), ``muted_events``, ``mute`` (null: it was ended), ``merged_into``;
            ``merged`` and ``unmerged`` name the other issue; ``add_tags`` and ``remove_tags``
            are lists.
    """

    collection = "history"

    actor: str
    changes: dict[str, str | int | list[str] | None]


class Occurrence(Document, frozen=True, kw_only=True):
    """One report of an issue that was reported more than once; the earliest is in the issue."""

    collection = "occurrences"

    reporter: str
    description: str = ""
    tags: list[str] = []
    exception: list[RaisedException] = []
    context: dict[str, Any] = {}


AnyDocument: TypeAlias = Comment | HistoryEntry | Occurrence
Collection: TypeAlias = Literal["comments", "history", "occurrences"]
DOCUMENT_TYPES: dict[Collection, type[Comment] | type[HistoryEntry] | type[Occurrence]] = {
    "comments": Comment,
    "history": HistoryEntry,
    "occurrences": Occurrence,
}

Order: TypeAlias = Literal[
    "-updated_at", "updated_at", "-last_seen", "-first_seen", "first_seen", "-count"
]


class IssueQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which issues, in which order. Every filter that is given must hold.

    An issue that is merged into another is in no list (:func:`is_hidden_by_merging`).

    Attributes:
        status: any of these; without it every status but ``deleted``.
        type: any of these.
        priority: any of these.
        component: exactly this.
        tags: all of these.
        context: the report that named it has all of these entries, each as ``key=value``
            (:func:`issuetracker.words.context_pairs`).
        reporter: exactly this service user.
        assignee: exactly this user; the empty string means nobody.
        regressed: whether it was resolved and has been seen since.
        first_since: first seen at or after.
        since: changed (``updated_at``) at or after.
        until: changed (``updated_at``) before.
        muted: only issues that are muted, or (False) only others; None for both.
        text: every word of it begins a word of the title, or of what was raised
            (:mod:`issuetracker.words`).
        order: the field that orders; ``-`` means descending. Ties: by id, in the same direction.
    """

    status: tuple[Status, ...] = ()
    type: tuple[IssueType, ...] = ()
    priority: tuple[Priority, ...] = ()
    component: str | None = None
    tags: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    reporter: str | None = None
    assignee: str | None = None
    regressed: bool | None = None
    first_since: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    muted: bool | None = False
    text: Annotated[str, Meta(max_length=200)] = ""
    order: Order = "-updated_at"

    @property
    def field(self) -> str:
        """The attribute of an issue that orders."""
        return self.order.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.order.startswith("-")

    @property
    def changed_since(self) -> datetime | None:
        """``since``, or the later ``first_since``: nothing is seen after its latest change."""
        given = [moment for moment in (self.since, self.first_since) if moment is not None]
        return max(given, default=None)

    def matches(self, issue: Issue) -> bool:
        """Whether ``issue`` passes every filter: what each store's own query must agree with."""
        wanted = (
            issue.status in self.status if self.status else issue.status != "deleted",
            not self.type or issue.type in self.type,
            not self.priority or issue.priority in self.priority,
            self.component is None or issue.component == self.component,
            all(tag in issue.tags for tag in self.tags),
            self.reporter is None or issue.reporter == self.reporter,
            self.assignee is None or (issue.assignee or "") == self.assignee,
            self.regressed is None or issue.regressed == self.regressed,
            self.first_since is None or issue.first_seen >= self.first_since,
            self.since is None or issue.updated_at >= self.since,
            self.until is None or issue.updated_at < self.until,
            self.muted is None or is_muted(issue) == self.muted,
            not is_hidden_by_merging(issue),
        )
        return all(wanted) and self._has_context(issue) and self._has_words(issue)

    def _has_context(self, issue: Issue) -> bool:
        return not self.context or set(self.context) <= set(context_pairs(issue.context))

    def _has_words(self, issue: Issue) -> bool:
        return not self.text or begins_words(
            self.text, searched_words(issue.title, issue.exception)
        )
