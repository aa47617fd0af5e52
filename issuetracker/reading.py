"""Reading issues: what the store says, with what was accepted since laid over it.

Store down, the last hour of the recent view is shown instead, and said to be only that. Redis
down, or absent, the store's answer stands alone.
"""

import logging
from dataclasses import dataclass, field

from issuetracker.exceptions import StoreUnavailable
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.overlay import (
    ReadDocuments,
    ReadIssue,
    overlay,
    overlay_documents,
    overlay_page,
    page_of,
)
from issuetracker.providers import get_store
from issuetracker.providers.base import Page
from issuetracker.providers.redis import RecentIssue, get_recents

__all__ = ["ReadDocuments", "ReadIssue", "ReadPage", "list_issues", "read_documents", "read_issue"]

logger = logging.getLogger(__name__)

#: So many of the issues with changes pending are looked up for a list; the newest.
PENDING_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A part of a list of issues.

    Attributes:
        items: in order.
        cursor: where the next page starts, or None at the end. A page may be shorter than asked
            for, even empty, and still have a next one.
        degraded: the store did not answer; these are the last hour's issues only.
    """

    items: list[ReadIssue] = field(default_factory=list)
    cursor: str | None = None
    degraded: bool = False


def read_issue(issue_id: str) -> ReadIssue | None:
    """The issue of this bare id, or None when nobody knows it.

    Raises:
        StoreUnavailable: the store does not answer, and the recent view does not have it.
    """
    recent = get_recents().get(issue_id)
    try:
        stored = get_store().get(issue_id)
    except StoreUnavailable:
        if recent is None or _is_stub(recent):
            raise
        return ReadIssue(recent, pending=bool(recent.pending))
    return overlay(stored, recent.pending if recent else [])


def list_issues(query: IssueQuery, *, limit: int, cursor: str | None) -> ReadPage:
    """A page of the issues that match, in the query's order.

    Args:
        query: filters and order.
        limit: at most so many, 1 to 200.
        cursor: from the page before, or None for the first.

    Raises:
        InvalidInput: ``cursor`` is not one of this list's.
        StoreUnavailable: neither the store nor the recent view answers.
    """
    try:
        page = get_store().list_issues(query, limit=limit, cursor=cursor)
        laid_over = _laid_over(page.items)
    except StoreUnavailable as error:
        return _recent_page(query, limit, cursor, error)
    shown = overlay_page(page, laid_over, query, limit, cursor)
    return ReadPage(shown.items, shown.cursor)


def read_documents(
    issue_id: str, collection: Collection, *, limit: int, cursor: str | None
) -> ReadDocuments:
    """A page of what is kept under an issue; empty for an unknown one.

    Raises:
        InvalidInput: ``cursor`` is not one of this list's.
        StoreUnavailable: the store does not answer, and the recent view does not have the issue.
    """
    recent = get_recents().get(issue_id)
    pending = recent.pending if recent else []
    page: Page[AnyDocument] = Page()
    degraded = False
    try:
        page = get_store().list_documents(issue_id, collection, limit=limit, cursor=cursor)
    except StoreUnavailable:
        if recent is None:
            raise
        degraded = True
    shown = overlay_documents(page, pending, collection, limit, cursor)
    return ReadDocuments(shown.items, shown.cursor, shown.pending, degraded)


def _laid_over(listed: list[Issue]) -> list[ReadIssue]:
    """The issues with something pending: the newest, and those that are listed."""
    recents = get_recents()
    pending = recents.pending(PENDING_SHOWN)
    known = {issue.id: issue for issue in listed}
    pending |= recents.pending_of(known.keys() - pending.keys()) if pending else {}
    if not pending:
        return []
    stored = get_store().get_many(pending.keys() - known.keys())
    known |= {issue_id: one.issue for issue_id, one in stored.items()}
    laid_over = [overlay(known.get(issue_id), changes) for issue_id, changes in pending.items()]
    return [read for read in laid_over if read is not None and read.pending]


def _recent_page(
    query: IssueQuery, limit: int, cursor: str | None, error: StoreUnavailable
) -> ReadPage:
    recents: list[RecentIssue] | None = get_recents().recent()
    if recents is None:
        raise error
    logger.warning("The store is not available, the last hour is shown: %s", error)
    known = [ReadIssue(issue, bool(issue.pending)) for issue in recents if not _is_stub(issue)]
    page = page_of(known, query, limit, cursor)
    return ReadPage(page.items, page.cursor, degraded=True)


def _is_stub(issue: Issue) -> bool:
    """Whether only changes of it are known here, and nothing of what was reported."""
    return issue.count == 0 and not issue.title
