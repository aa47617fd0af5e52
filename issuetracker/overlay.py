"""Laying accepted changes that are not written yet over what the store says; pure functions.

This is what lets people read their own writes: a change is in the log, the consumer has yet to
bring it to the store, and the recent view knows it. Laying a change over an issue that has it
already alters nothing, so it does not matter how far the consumer is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.merging import EVENTS_REMEMBERED, Delivery, has_applied, ledger_of, merge
from issuetracker.messages import AnyChange, Reported
from issuetracker.providers.base import Page
from issuetracker.providers.cursors import (
    cursor_after,
    document_cursor,
    read_cursor,
    read_document_cursor,
)

#: The log may hold changes of one issue in another order than their times, by about this much.
CLOCK_SKEW = timedelta(seconds=1)

Position: TypeAlias = tuple[datetime | int, str]


@dataclass(frozen=True, slots=True)
class ReadIssue:
    """An issue as people see it.

    Attributes:
        issue: with every accepted change that is known.
        pending: some of them are not in the store yet.
    """

    issue: Issue
    pending: bool


def unapplied(stored: Issue, pending: Sequence[AnyChange]) -> list[AnyChange]:
    """Those of ``pending`` that ``stored`` does not have yet, as far as it can be told.

    An issue remembers its newest event ids only. Once it has forgotten some, an accepted change
    older than the newest that is applied counts as applied: the log brought it before that one.
    """
    known = has_applied(stored, [change.event_id for change in pending])
    forgetful = len(ledger_of(stored).recent) >= 16 * EVENTS_REMEMBERED
    return [
        change
        for change in pending
        if change.event_id not in known and not (forgetful and _is_overtaken(change, stored))
    ]


def overlay(stored: Issue | None, pending: Sequence[AnyChange]) -> ReadIssue | None:
    """``stored`` with ``pending`` laid over it; None when there is neither.

    Args:
        stored: as the store has it, ledger and all.
        pending: changes of this issue that were accepted, written or not.
    """
    if stored is None:
        return ReadIssue(_merged(None, pending), pending=True) if pending else None
    missing = unapplied(stored, pending)
    if not missing:
        return ReadIssue(stored, pending=False)
    return ReadIssue(_merged(stored, missing), pending=True)


def overlay_page(
    page: Page[Issue],
    laid_over: Sequence[ReadIssue],
    query: IssueQuery,
    limit: int,
    cursor: str | None,
) -> Page[ReadIssue]:
    """The store's page with issues in the place where their pending changes put them.

    Pages stay whole: each shows the issues whose place lies after its cursor and up to the next
    page's, and goes on after the last one shown.

    Args:
        page: what the store answered to ``query``, ``limit`` and ``cursor``.
        laid_over: issues with their pending changes (:func:`overlay`), those that match and
            those that do not any more.
        query: filters and order.
        limit: at most so many.
        cursor: where the page starts.
    """
    start = None if cursor is None else read_cursor(query, cursor)
    end = None if page.cursor is None else read_cursor(query, page.cursor)
    moved = {read.issue.id for read in laid_over}
    shown = [ReadIssue(issue, pending=False) for issue in page.items if issue.id not in moved]
    shown += [
        read
        for read in laid_over
        if query.matches(read.issue)
        and _lies_between(_position(query, read.issue), start, end, query.descending)
    ]
    shown.sort(key=lambda read: _position(query, read.issue), reverse=query.descending)
    if len(shown) <= limit:
        return Page(shown, page.cursor)
    return Page(shown[:limit], cursor_after(query, shown[limit - 1].issue))


def page_of(
    issues: Sequence[ReadIssue], query: IssueQuery, limit: int, cursor: str | None
) -> Page[ReadIssue]:
    """A page of ``issues`` alone, when there is no store to ask."""
    return overlay_page(Page(), issues, query, limit, cursor)


@dataclass(frozen=True, slots=True)
class ReadDocuments:
    """A page of what is kept under an issue.

    Attributes:
        items: in order.
        cursor: where the next page starts, or None at the end.
        pending: ids of those that are not in the store yet.
        degraded: the store did not answer; these are only those of the recent view.
    """

    items: list[AnyDocument]
    cursor: str | None = None
    pending: frozenset[str] = field(default_factory=frozenset)
    degraded: bool = False


def overlay_documents(
    page: Page[AnyDocument],
    pending: Sequence[AnyChange],
    collection: Collection,
    limit: int,
    cursor: str | None,
) -> ReadDocuments:
    """The store's page with the comments, or history entries, that ``pending`` will make.

    Args:
        page: what the store answered to ``collection``, ``limit`` and ``cursor``.
        pending: accepted changes of the issue, written or not.
        collection: which of its documents; a report that is pending makes no occurrence yet.
        limit: at most so many.
        cursor: where the page starts.
    """
    start = None if cursor is None else read_document_cursor(collection, cursor)
    end = None if page.cursor is None else read_document_cursor(collection, page.cursor)
    stored = {document.id for document in page.items}
    descending = collection == "occurrences"
    added = {
        document.id: document
        for change in pending
        for document in _documents_of(change)
        if document.collection == collection
        and document.id not in stored
        and _lies_between((document.time, document.id), start, end, descending)
    }
    items = [*page.items, *added.values()]
    items.sort(key=lambda document: (document.time, document.id), reverse=descending)
    following = page.cursor
    if len(items) > limit:
        items = items[:limit]
        following = document_cursor(items[-1])
    return ReadDocuments(items, following, frozenset(added.keys() & {one.id for one in items}))


def _is_overtaken(change: AnyChange, stored: Issue) -> bool:
    slack = timedelta(0) if isinstance(change, Reported) else CLOCK_SKEW
    return change.time + slack <= stored.updated_at


def _merged(stored: Issue | None, changes: Sequence[AnyChange]) -> Issue:
    return merge(stored, [Delivery(change) for change in changes]).issue


def _documents_of(change: AnyChange) -> list[AnyDocument]:
    return merge(None, [Delivery(change)]).put


def _position(query: IssueQuery, issue: Issue) -> Position:
    return getattr(issue, query.field), issue.id


def _lies_between(
    position: Position, start: Position | None, end: Position | None, descending: bool
) -> bool:
    """Whether it comes after ``start`` and not after ``end``; None is the list's own edge."""
    if descending:
        return (start is None or position < start) and (end is None or position >= end)
    return (start is None or position > start) and (end is None or position <= end)
