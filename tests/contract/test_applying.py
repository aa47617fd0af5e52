"""Changes brought into each store: once each, whoever races, and past what it refuses."""

import threading
import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from issuetracker.applying import apply_changes
from issuetracker.exceptions import StoreRefused
from issuetracker.issues import Issue
from issuetracker.merging import Delivery, Origin
from issuetracker.messages import AnyChange, NewIssue, Reported
from issuetracker.providers import StoreProvider
from tests.recents import commented, reported, updated


def from_log(changes: Iterable[AnyChange], log: str = "log", start: int = 0) -> list[Delivery]:
    return [Delivery(change, Origin(log, start + n)) for n, change in enumerate(changes)]


def same_issue(number: int, **values: Any) -> list[Reported]:
    return [reported(n - number, fingerprint="same", **values) for n in range(number)]


def stored(store: StoreProvider, issue_id: str) -> Issue:
    issue = store.get(issue_id)
    assert issue is not None
    return issue


def test_reports_of_one_fault_are_one_issue_with_its_occurrences(store: StoreProvider) -> None:
    changes = same_issue(5)
    outcome = apply_changes(store, from_log(changes))
    assert (outcome.applied, outcome.duplicates, outcome.writes) == (5, 0, 1)
    assert stored(store, changes[0].issue_id).count == 5
    page = store.list_documents(changes[0].issue_id, "occurrences", limit=9, cursor=None)
    assert [item.id for item in page.items] == [change.event_id for change in changes[:-4:-1]]


def test_a_batch_that_comes_again_changes_nothing(store: StoreProvider) -> None:
    first = same_issue(3)
    changes: list[AnyChange] = [
        *first,
        commented(first[0].issue_id),
        updated(first[0].issue_id, status="resolved"),
        reported(title="Another"),
    ]
    apply_changes(store, from_log(changes))
    before = stored(store, first[0].issue_id)
    outcome = apply_changes(store, from_log(changes))
    assert (outcome.applied, outcome.duplicates) == (0, 6)
    assert stored(store, first[0].issue_id) == before
    again = apply_changes(store, [Delivery(change) for change in changes])
    assert (again.applied, again.duplicates) == (0, 6)
    comments = store.list_documents(first[0].issue_id, "comments", limit=9, cursor=None)
    assert len(comments.items) == 1


def test_create_issue_brings_one_report_in_and_returns_its_issue(store: StoreProvider) -> None:
    change = reported(title="Test Issue", tags=["test"])
    created = store.create_issue(change)
    assert (created.id, created.title, created.count) == (change.issue_id, "Test Issue", 1)
    assert store.create_issue(change).count == 1
    assert stored(store, change.issue_id).tags == ["test"]


def test_writers_who_race_for_one_issue_count_every_report_once(store: StoreProvider) -> None:
    """A zombie consumer replays what another applies, while the API writes past the log."""
    changes = same_issue(60)
    logged, past = changes[:40], changes[30:]
    failures: list[BaseException] = []

    def run(deliveries: list[Delivery], size: int) -> None:
        try:
            for start in range(0, len(deliveries), size):
                apply_changes(store, deliveries[start : start + size])
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    beside = [Delivery(change) for change in past]
    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in ((from_log(logged), 10), (from_log(logged), 15), (beside, 3))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert stored(store, changes[0].issue_id).count == 60


def test_what_the_store_refuses_is_found_and_the_rest_is_written(store: StoreProvider) -> None:
    good = [reported(-n) for n in range(1, 20)]
    bad = unholdable(reported())
    outcome = apply_changes(store, from_log([*good[:7], bad, *good[7:]]))
    assert [delivery.change for delivery, _ in outcome.refused] == [bad]
    assert outcome.applied == 19
    assert store.get_many(change.issue_id for change in good).keys() == {
        change.issue_id for change in good
    }
    assert store.get(bad.issue_id) is None


def test_a_refused_report_among_many_of_one_issue_costs_only_itself(store: StoreProvider) -> None:
    changes = same_issue(9)
    changes[-1] = unholdable(changes[-1])
    outcome = apply_changes(store, from_log(changes))
    assert [delivery.change.event_id for delivery, _ in outcome.refused] == [changes[-1].event_id]
    assert stored(store, changes[0].issue_id).count == 8


def test_a_refused_change_is_refused_again_when_its_batch_comes_again(store: StoreProvider) -> None:
    """The process may end before it is in the dead letters, when later ones are written already."""
    changes = same_issue(9)
    changes[-2] = unholdable(changes[-2])
    for _ in range(3):
        outcome = apply_changes(store, from_log(changes))
        assert [delivery.change for delivery, _ in outcome.refused] == [changes[-2]]
    assert stored(store, changes[0].issue_id).count == 8


def test_a_refused_report_cannot_be_created(store: StoreProvider) -> None:
    with pytest.raises(StoreRefused):
        store.create_issue(unholdable(reported()))


def test_more_issues_than_one_batch_takes_are_all_written(store: StoreProvider) -> None:
    changes = [reported(-n) for n in range(store.max_writes + 50)]
    outcome = apply_changes(store, from_log(changes))
    assert outcome.writes == len(changes)
    assert len(store.get_many(change.issue_id for change in changes)) == len(changes)


def unholdable(change: Reported) -> Reported:
    """A report that no store can keep: half of a surrogate pair is no text in UTF-8."""
    issue = NewIssue(title=change.issue.title, description="\ud800")
    return msgspec.structs.replace(change, issue=issue, event_id=str(uuid.uuid4()))
