"""Lists as the API answers them, shared by those who ask for the same while nothing changes."""

from dataclasses import dataclass

import msgspec

from issuetracker.api import answers
from issuetracker.api.queries import IssuesQuery
from issuetracker.issues import IssueQuery
from issuetracker.processes import PerProcess
from issuetracker.providers.redis import get_recents
from issuetracker.reading import is_store_away, list_issues
from issuetracker.shared import Shared

#: A page is given again while Redis has heard of no change, and no longer than this: a change that
#: Redis missed, or a mute that ends with the clock, is seen so much later.
SECONDS_SHARED = 1.0
PAGES_SHARED = 64

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of issues.

    Attributes:
        results: the summaries, as JSON.
        cursor: where the next page starts, or None at the end.
        degraded: the store did not answer; these are the last hour's issues only.
    """

    results: msgspec.Raw
    cursor: str | None
    degraded: bool


_pages = PerProcess(lambda: Shared[ListedPage](SECONDS_SHARED, PAGES_SHARED))


def listed_page(query: IssuesQuery) -> ListedPage:
    """The page that ``query`` asks for.

    Raises:
        InvalidInput: its cursor is not one of this list's.
        StoreUnavailable: neither the store nor the recent view answers.
    """
    # Asked before the page is read: what changes meanwhile makes it an earlier state's.
    state, filters = get_recents().state(), query.filters()
    if state is None:
        return _read(filters, query.limit, query.cursor)
    return _pages.get().get(
        (state, filters, query.limit, query.cursor),
        lambda: _read(filters, query.limit, query.cursor),
        may_wait=not is_store_away(),
    )


def _read(filters: IssueQuery, limit: int, cursor: str | None) -> ListedPage:
    page = list_issues(filters, limit=limit, cursor=cursor)
    results = [answers.summary(item.issue, pending=item.pending) for item in page.items]
    return ListedPage(msgspec.Raw(_encode(results)), page.cursor, page.degraded)
