"""Accepted changes laid over the store's answer: the issue, and the page, that will be."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issuetracker.issues import AnyDocument, Issue, IssueQuery, Order
from issuetracker.merging import Delivery, Origin, merge
from issuetracker.messages import AnyChange, Commented, Reported, Updated
from issuetracker.overlay import (
    ReadIssue,
    overlay,
    overlay_documents,
    overlay_page,
    page_of,
    unapplied,
)
from issuetracker.providers.base import Page
from issuetracker.providers.cursors import cursor_after, document_cursor, read_cursor
from tests.recents import commented, reported, updated

FIRST = reported(-1000, fingerprint="first")


def merged(changes: Sequence[AnyChange]) -> Issue | None:
    deliveries = [Delivery(change, Origin("log", number)) for number, change in enumerate(changes)]
    return merge(None, deliveries).issue if changes else None


def same(left: Issue | None, right: Issue | None) -> bool:
    """Whether people see the same; the bookkeeping may differ."""
    if left is None or right is None:
        return left is right
    return msgspec.structs.replace(left, ledger=b"") == msgspec.structs.replace(right, ledger=b"")


def history_of_one_issue(dice: random.Random) -> list[AnyChange]:
    """Changes of one issue, in the order of its log."""
    first = reported(dice.randrange(-900, -500), title=dice.choice(["Time out", "Disk full"]))
    issue_id, second = first.issue_id, -499
    changes: list[AnyChange] = [first]
    for _ in range(dice.randrange(6)):
        second += dice.randrange(1, 80)
        choices: list[AnyChange] = [
            commented(issue_id, seconds=second),
            updated(issue_id, second, status=dice.choice(["resolved", "ignored", "deleted"])),
            updated(issue_id, second, priority="critical"),
            msgspec.structs.replace(reported(second), issue_id=issue_id),
        ]
        changes.append(dice.choice(choices))
    return changes


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(st.randoms(use_true_random=False), st.data())
def test_what_is_written_and_what_is_pending_make_the_issue_that_will_be(
    dice: random.Random, data: st.DataObject
) -> None:
    changes = history_of_one_issue(dice)
    written = data.draw(st.integers(0, len(changes)))
    known_as_pending = data.draw(st.integers(0, written))
    stored = merged(changes[:written])
    read = overlay(stored, changes[known_as_pending:])
    assert read is not None
    assert same(read.issue, merged(changes))
    assert read.pending == (written < len(changes))


def test_nothing_stored_and_nothing_pending_is_no_issue() -> None:
    assert overlay(None, []) is None


def test_after_a_storm_what_the_log_has_overtaken_counts_as_written() -> None:
    storm = [reported(number / 10 - 100, fingerprint="storm") for number in range(200)]
    stored = merged(storm)
    assert stored is not None
    assert overlay(stored, storm[:1]) == ReadIssue(stored, pending=False)
    newer = commented(stored.id)
    assert unapplied(stored, [storm[0], newer]) == [newer]


class Tracker:
    """A store that lags behind its log, with what is pending of each issue."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        logs = [history_of_one_issue(dice) for _ in range(25)]
        cuts = [dice.randint(0, len(log)) for log in logs]
        stored = [merged(log[:cut]) for log, cut in zip(logs, cuts, strict=True)]
        self.stored = [issue for issue in stored if issue is not None]
        self.truth = [issue for log in logs if (issue := merged(log)) is not None]
        pending = [log[cut:] for log, cut in zip(logs, cuts, strict=True)]
        laid = [overlay(one, more) for one, more in zip(stored, pending, strict=True) if more]
        self.laid_over = [read for read in laid if read is not None]

    def list_issues(self, query: IssueQuery, limit: int, cursor: str | None) -> Page[Issue]:
        matching = ordered([issue for issue in self.stored if query.matches(issue)], query)
        if cursor is not None:
            after = read_cursor(query, cursor)
            matching = [issue for issue in matching if is_after(query, issue, after)]
        items = matching[:limit]
        return Page(items, cursor_after(query, items[-1]) if len(matching) > limit else None)

    def walk(self, query: IssueQuery, limit: int) -> Iterator[ReadIssue]:
        cursor: str | None = None
        while True:
            stored = self.list_issues(query, limit, cursor)
            page = overlay_page(stored, self.laid_over, query, limit, cursor)
            assert len(page.items) <= limit
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return


def position(query: IssueQuery, issue: Issue) -> tuple[object, str]:
    return getattr(issue, query.field), issue.id


def ordered(issues: list[Issue], query: IssueQuery) -> list[Issue]:
    return sorted(
        issues,
        key=lambda issue: position(query, issue),
        reverse=query.descending,
    )


def is_after(query: IssueQuery, issue: Issue, after: tuple[object, str]) -> bool:
    place = position(query, issue)
    return place < after if query.descending else place > after


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize(
    "query",
    [
        IssueQuery(),
        IssueQuery(status=("resolved", "deleted")),
        IssueQuery(priority=("medium",), text="time"),
    ],
    ids=["all", "by status", "by priority and word"],
)
def test_pages_show_every_issue_once_in_the_place_that_it_will_have(
    query: IssueQuery, order: Order
) -> None:
    query = msgspec.structs.replace(query, order=order)
    for seed in range(6):
        tracker = Tracker(seed)
        expected = ordered([issue for issue in tracker.truth if query.matches(issue)], query)
        for limit in (1, 3, 10, 100):
            shown = list(tracker.walk(query, limit))
            assert [read.issue.id for read in shown] == [issue.id for issue in expected]
            assert all(
                same(*pair) for pair in zip((read.issue for read in shown), expected, strict=True)
            )
            moved = {read.issue.id for read in tracker.laid_over}
            assert {read.issue.id for read in shown if read.pending} == {
                issue.id for issue in expected if issue.id in moved
            }


def test_an_empty_page_with_more_to_come_shows_only_what_belongs_before_it() -> None:
    query = IssueQuery()
    new, old = (ReadIssue(issue, True) for issue in (one(-10), one(-30)))
    page = overlay_page(Page([], cursor_after(query, one(-20))), [old, new], query, 5, None)
    assert page.items == [new]
    assert page.cursor is not None


def test_without_a_store_the_recent_issues_are_a_list_of_their_own() -> None:
    query = IssueQuery(order="-count")
    issues = [ReadIssue(msgspec.structs.replace(one(-n), count=n), False) for n in range(5)]
    first = page_of(issues, query, 3, None)
    second = page_of(issues, query, 3, first.cursor)
    assert [read.issue.count for read in (*first.items, *second.items)] == [4, 3, 2, 1, 0]
    assert second.cursor is None


def test_pending_comments_follow_the_stored_ones_on_the_last_page() -> None:
    comments = [commented(FIRST.issue_id, f"no. {number}", number - 10) for number in range(5)]
    documents = [document for change in comments[:4] for document in put(change)]
    first = overlay_documents(
        Page(documents[:2], document_cursor(documents[1])), comments, "comments", 2, None
    )
    assert [item.id for item in first.items] == [change.event_id for change in comments[:2]]
    assert first.pending == frozenset()
    last = overlay_documents(Page(documents[2:]), comments, "comments", 2, first.cursor)
    assert [item.id for item in last.items] == [change.event_id for change in comments[2:4]]
    end = overlay_documents(Page(), comments, "comments", 2, last.cursor)
    assert [item.id for item in end.items] == [comments[4].event_id]
    assert end.pending == {comments[4].event_id}


def test_each_kind_of_change_makes_its_own_kind_of_document() -> None:
    changes: list[AnyChange] = [
        FIRST,
        commented(FIRST.issue_id),
        updated(FIRST.issue_id, status="resolved"),
    ]
    assert kinds(changes) == {"comments": [Commented], "history": [Updated], "occurrences": []}


def kinds(changes: list[AnyChange]) -> dict[str, list[type[Reported | Commented | Updated]]]:
    by_id = {change.event_id: type(change) for change in changes}
    return {
        name: [by_id[item.id] for item in shown.items]
        for name in ("comments", "history", "occurrences")
        if (shown := overlay_documents(Page(), changes, name, 10, None))
    }


def put(change: AnyChange) -> list[AnyDocument]:
    return merge(None, [Delivery(change)]).put


def one(seconds: float) -> Issue:
    issue = merge(None, [Delivery(FIRST)]).issue
    moment = FIRST.time + timedelta(seconds=seconds)
    other = reported().issue_id
    return msgspec.structs.replace(issue, id=other, updated_at=moment)
