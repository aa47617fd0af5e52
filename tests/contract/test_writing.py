"""What every store promises about reading and writing issues by id."""

import threading
from collections.abc import Callable

import msgspec
import pytest

from issuetracker.exceptions import StoreRefused
from issuetracker.issues import Issue
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Write
from tests.contract.issues import (
    full_issue,
    make_comment,
    make_issue,
    make_occurrence,
    new_id,
    save,
)


def changed(issue: Issue, **values: object) -> Issue:
    return msgspec.structs.replace(issue, **values)


def test_an_issue_comes_back_as_it_was_written(store: StoreProvider) -> None:
    issue = full_issue()
    save(store, issue)
    assert store.get(issue.id) == issue


def test_unknown_and_impossible_ids_are_absent(store: StoreProvider) -> None:
    issue = make_issue()
    save(store, issue)
    found = store.get_many([issue.id, new_id(), "no-uuid", "__x__", ""])
    assert set(found) == {issue.id}
    assert store.get_many([]) == {}


def test_nothing_to_write_is_no_trouble(store: StoreProvider) -> None:
    assert store.write_many([]) == set()


def test_an_unchanged_issue_is_overwritten(store: StoreProvider) -> None:
    save(store, issue := make_issue())
    version = store.get_many([issue.id])[issue.id].version
    later = changed(issue, title="Other title", count=7, tags=["x"], assignee=None)
    assert store.write_many([Write(later, version)]) == set()
    assert store.get(issue.id) == later


def test_a_stale_writer_is_told_and_writes_nothing(store: StoreProvider) -> None:
    save(store, issue := make_issue())
    version = store.get_many([issue.id])[issue.id].version
    store.write_many([Write(changed(issue, count=1), version)])
    comment = make_comment(issue.id)
    assert store.write_many([Write(changed(issue, count=2), version, [comment])]) == {issue.id}
    found = store.get(issue.id)
    assert found is not None
    assert found.count == 1
    assert store.list_documents(issue.id, "comments", limit=10, cursor=None).items == []


def test_an_issue_created_meanwhile_is_not_overwritten(store: StoreProvider) -> None:
    save(store, issue := make_issue(count=1))
    assert store.write_many([Write(changed(issue, count=5), None)]) == {issue.id}
    found = store.get(issue.id)
    assert found is not None
    assert found.count == 1


def test_a_conflict_ends_when_it_is_read_again(store: StoreProvider) -> None:
    """Whatever a store reports beside the changed one, repeating must get everything written."""
    issues = [make_issue() for _ in range(20)]
    save(store, *issues)
    versions = store.get_many(issue.id for issue in issues)
    hot = issues[0]
    store.write_many([Write(changed(hot, count=9), versions[hot.id].version)])
    writes = [Write(changed(issue, count=1), versions[issue.id].version) for issue in issues]
    left = store.write_many(writes)
    assert hot.id in left
    again = store.get_many(left)
    repeated = [Write(changed(again[key].issue, count=10), again[key].version) for key in left]
    assert store.write_many(repeated) == set()
    counts = {key: stored.issue.count for key, stored in store.get_many(versions).items()}
    assert counts == {issue.id: 10 if issue.id in left else 1 for issue in issues}


def test_writers_who_race_lose_nothing(store: StoreProvider) -> None:
    save(store, issue := make_issue())
    failures: list[BaseException] = []

    def count_up() -> None:
        try:
            for _ in range(8):
                while True:
                    read = store.get_many([issue.id])[issue.id]
                    more = changed(read.issue, count=read.issue.count + 1)
                    if not store.write_many([Write(more, read.version)]):
                        break
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    in_threads([count_up] * 3)
    found = store.get(issue.id)
    assert not failures
    assert found is not None
    assert found.count == 24


def test_batches_in_opposite_order_do_not_block_each_other(store: StoreProvider) -> None:
    issues = [make_issue() for _ in range(30)]
    save(store, *issues)
    failures: list[BaseException] = []

    def touch(ordered: list[Issue]) -> None:
        try:
            for _ in range(5):
                read = store.get_many(issue.id for issue in ordered)
                store.write_many(
                    [Write(read[one.id].issue, read[one.id].version) for one in ordered]
                )
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    in_threads([lambda: touch(issues), lambda: touch(issues[::-1])])
    assert not failures


def test_the_largest_batch_is_taken(store: StoreProvider) -> None:
    issues = [make_issue(title=f"Issue {number}") for number in range(store.max_writes)]
    writes = [Write(issue, None, [make_occurrence(issue.id)]) for issue in issues]
    assert store.write_many(writes) == set()
    assert len(store.get_many(issue.id for issue in issues)) == store.max_writes


def test_a_batch_of_large_issues_is_taken(store: StoreProvider) -> None:
    issues = [make_issue(description="d" * 400_000) for _ in range(30)]
    assert store.write_many([Write(issue, None) for issue in issues]) == set()
    assert len(store.get_many(issue.id for issue in issues)) == 30


def test_an_issue_with_documents_of_many_megabytes_is_taken(store: StoreProvider) -> None:
    issue = make_issue()
    documents = [make_occurrence(issue.id, n, description="d" * 500_000) for n in range(30)]
    assert store.write_many([Write(issue, None, documents)]) == set()
    page = store.list_documents(issue.id, "occurrences", limit=200, cursor=None)
    seen = [document.id for document in page.items]
    while page.cursor:
        page = store.list_documents(issue.id, "occurrences", limit=200, cursor=page.cursor)
        seen += [document.id for document in page.items]
    assert seen == [document.id for document in reversed(documents)]


def test_what_cannot_be_kept_is_refused_and_nothing_of_its_batch_written(
    store: StoreProvider,
) -> None:
    bad = make_issue(title="lone \ud800 surrogate")
    good = make_issue()
    with pytest.raises(StoreRefused):
        store.write_many([Write(good, None), Write(bad, None)])
    assert store.get_many([good.id, bad.id]) == {}
    save(store, good)


def in_threads(targets: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
