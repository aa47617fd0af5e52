"""Reading issues: what the store says, with what was accepted since laid over it.

Store down, or hanging, the last hour of the recent view is shown instead, and said to be only
that. Redis down, or absent, the store's answer stands alone.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from issuetracker.bounded import NoAnswer, NotBegun, bounded
from issuetracker.exceptions import StoreUnavailable, UnknownIssue
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.messages import AnyChange
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
from issuetracker.providers.circuit import Circuit
from issuetracker.providers.redis import RecentIssue, get_recents

__all__ = [
    "KnownIssues",
    "ReadDocuments",
    "ReadIssue",
    "ReadPage",
    "is_known",
    "is_store_away",
    "known_issues",
    "list_issues",
    "read_documents",
    "read_issue",
    "read_issues",
    "read_merged",
]

logger = logging.getLogger(__name__)

#: So many of the issues with changes pending are looked up for a list; the newest.
PENDING_SHOWN = 200
#: Seconds that the store has for one question: a person waits.
STORE_SECONDS = 3.0
#: A store that did not answer in time is asked again after so long; until then nobody waits.
CIRCUIT_SECONDS = 2.0

Answer = TypeVar("Answer")

_circuit = Circuit("The store", "the last hour is shown", CIRCUIT_SECONDS)


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
    return read_issues([issue_id]).get(issue_id)


@dataclass(frozen=True, slots=True)
class KnownIssues:
    """Issues as far as they are known.

    Attributes:
        issues: by bare id. While the store is away, of some only a change or two may be known.
        is_complete: the store answered: what is not among them does not exist.
        is_current: what is accepted and not stored yet is among what is known of them. Not so
            while Redis does not answer.
    """

    issues: dict[str, ReadIssue]
    is_complete: bool
    is_current: bool

    def require(self, issue_id: str) -> ReadIssue:
        """The issue of this bare id.

        Raises:
            UnknownIssue: there is none.
            StoreUnavailable: the store does not answer, and the recent view does not have it.
        """
        found = self.issues.get(issue_id)
        if found is not None:
            return found
        if self.is_complete:
            raise UnknownIssue("There is no such issue.")
        raise StoreUnavailable("the store does not answer, and the issue is not a recent one")


def known_issues(issue_ids: Iterable[str], *, seconds: float | None = None) -> KnownIssues:
    """Those of the issues that are known, in one question to the store.

    Args:
        issue_ids: bare ids.
        seconds: that the store has for its answer; by default its usual 3.0.
    """
    ids = set(issue_ids)
    recents = get_recents().get_many(ids)
    is_current = not get_recents().is_away
    try:
        stored = _ask(get_store().get_many, ids, seconds=seconds) if ids else {}
    except StoreUnavailable as error:
        logger.warning("Going by what the last hour brought: %s", error)
        shown = {key: ReadIssue(one, bool(one.pending)) for key, one in recents.items()}
        return KnownIssues(shown, is_complete=False, is_current=is_current)
    found: dict[str, ReadIssue] = {}
    for issue_id in ids:
        held, recent = stored.get(issue_id), recents.get(issue_id)
        read = overlay(held.issue if held else None, recent.pending if recent else [])
        if read is not None:
            found[issue_id] = read
    return KnownIssues(found, is_complete=True, is_current=is_current)


def read_merged(issue: Issue) -> list[ReadIssue]:
    """The issues that are merged into ``issue``, newest activity first, as far as they are known.

    Each says itself what it is merged into; ``issue`` only knows whom to ask.
    """
    if not issue.merged:
        return []
    found = known_issues(issue.merged).issues.values()
    merged = [read for read in found if read.issue.merged_into == issue.id]
    return sorted(merged, key=lambda read: read.issue.last_seen, reverse=True)


def read_issues(issue_ids: Iterable[str]) -> dict[str, ReadIssue]:
    """Those of the issues that anybody knows, by bare id.

    Raises:
        StoreUnavailable: the store does not answer, and the recent view does not have them all.
    """
    ids = set(issue_ids)
    known = known_issues(ids)
    if known.is_complete:
        return known.issues
    shown = {key: one for key, one in known.issues.items() if not _is_stub(one.issue)}
    if len(shown) < len(ids):
        raise StoreUnavailable("the store does not answer, and not all are recent issues")
    return shown


def is_known(issue_id: str, *, seconds: float | None = None) -> bool:
    """Whether there is an issue of this bare id.

    The recent view knows what has not reached the store yet, and answers while the store is down.

    Args:
        issue_id: the bare id.
        seconds: that the store has for its answer; by default its usual 3.0.

    Raises:
        StoreUnavailable: the store does not answer, and the recent view does not have the issue.
    """
    if get_recents().get(issue_id) is not None:
        return True
    return _ask(get_store().get, issue_id, seconds=seconds) is not None


def is_store_away() -> bool:
    """Whether the store did not answer when it was asked last; whoever asks it next may wait."""
    return _circuit.is_open


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
    # Before the store: what the consumer has written meanwhile is in none of the two answers
    # otherwise.
    pending = get_recents().pending(PENDING_SHOWN)
    try:
        page = _ask(get_store().list_issues, query, limit=limit, cursor=cursor)
        laid_over = _laid_over(page.items, pending)
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
        page = _ask(get_store().list_documents, issue_id, collection, limit=limit, cursor=cursor)
    except StoreUnavailable:
        if recent is None:
            raise
        degraded = True
    shown = overlay_documents(page, pending, collection, limit, cursor)
    return ReadDocuments(shown.items, shown.cursor, shown.pending, degraded)


def _ask(
    question: Callable[..., Answer],
    *arguments: object,
    seconds: float | None = None,
    **options: object,
) -> Answer:
    """What the store answers to ``question``, if it does in time.

    A store that hangs would otherwise hold a thread for every caller, until none is left.

    Raises:
        StoreUnavailable: it does not answer, or not in time, or did not when asked just now.
    """
    if not _circuit.lets_through():
        raise StoreUnavailable("the store did not answer in time when it was asked last")
    try:
        answer = bounded(
            question, *arguments, seconds=STORE_SECONDS if seconds is None else seconds, **options
        )
    except NotBegun as error:
        # It was not asked: this process is busy, which says nothing about the store.
        raise StoreUnavailable(str(error)) from error
    except NoAnswer as error:
        _circuit.failed(error)
        raise StoreUnavailable(str(error)) from error
    _circuit.succeeded()
    return answer


def _laid_over(listed: list[Issue], newest: dict[str, list[AnyChange]]) -> list[ReadIssue]:
    """The issues with something pending: the ``newest``, and those that are listed."""
    if not newest:
        return []
    known = {issue.id: issue for issue in listed}
    pending = newest | get_recents().pending_of(known.keys() - newest.keys())
    stored = _ask(get_store().get_many, pending.keys() - known.keys())
    known |= {issue_id: one.issue for issue_id, one in stored.items()}
    laid_over = [overlay(known.get(issue_id), changes) for issue_id, changes in pending.items()]
    # Those too whose changes the store has by now: it may have had none of them a moment ago.
    return [read for read in laid_over if read is not None]


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
