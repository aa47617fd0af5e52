"""What every store promises about what is kept under an issue."""

import pytest

from issuetracker.exceptions import InvalidInput
from issuetracker.issues import AnyDocument, Collection
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Write
from tests.contract.issues import (
    make_comment,
    make_history,
    make_issue,
    make_occurrence,
    new_id,
    save,
)


def every(store: StoreProvider, issue_id: str, collection: Collection) -> list[AnyDocument]:
    found: list[AnyDocument] = []
    cursor: str | None = None
    while True:
        page = store.list_documents(issue_id, collection, limit=2, cursor=cursor)
        assert len(page.items) <= 2
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def test_comments_and_history_are_listed_oldest_first(store: StoreProvider) -> None:
    issue = make_issue()
    comments = [make_comment(issue.id, minute) for minute in (1, 2, 3, 4, 5)]
    history = [make_history(issue.id, minute) for minute in (1, 2)]
    store.write_many([Write(issue, None, [*reversed(comments), *history])])
    assert every(store, issue.id, "comments") == comments
    assert every(store, issue.id, "history") == history


def test_occurrences_are_listed_newest_first(store: StoreProvider) -> None:
    issue = make_issue()
    found = [make_occurrence(issue.id, minute) for minute in range(4)]
    store.write_many([Write(issue, None, found)])
    assert every(store, issue.id, "occurrences") == found[::-1]


def test_documents_of_one_moment_are_all_listed_once(store: StoreProvider) -> None:
    issue = make_issue()
    comments = [make_comment(issue.id) for _ in range(5)]
    store.write_many([Write(issue, None, comments)])
    assert every(store, issue.id, "comments") == sorted(comments, key=lambda one: one.id)


def test_one_of_the_same_name_is_overwritten(store: StoreProvider) -> None:
    issue = make_issue()
    comment = make_comment(issue.id)
    store.write_many([Write(issue, None, [comment])])
    again = make_comment(issue.id, id=comment.id, body="Seen it again.")
    version = store.get_many([issue.id])[issue.id].version
    store.write_many([Write(issue, version, [comment, again])])
    assert every(store, issue.id, "comments") == [again]


def test_issues_that_share_an_event_id_keep_their_own_documents(store: StoreProvider) -> None:
    first, second = make_issue(), make_issue()
    event_id = new_id()
    documents = [make_occurrence(issue.id, id=event_id) for issue in (first, second)]
    store.write_many([Write(first, None, documents[:1]), Write(second, None, documents[1:])])
    version = store.get_many([first.id])[first.id].version
    store.write_many([Write(first, version, drop=[event_id])])
    assert every(store, first.id, "occurrences") == []
    assert every(store, second.id, "occurrences") == documents[1:]


def test_dropped_occurrences_are_gone_and_absent_ones_no_error(store: StoreProvider) -> None:
    issue = make_issue()
    comment = make_comment(issue.id)
    found = [make_occurrence(issue.id, minute) for minute in range(3)]
    store.write_many([Write(issue, None, [*found, comment])])
    version = store.get_many([issue.id])[issue.id].version
    store.write_many([Write(issue, version, drop=[found[0].id, found[2].id, new_id(), comment.id])])
    assert every(store, issue.id, "occurrences") == [found[1]]
    assert every(store, issue.id, "comments") == [comment]


def test_an_unknown_issue_has_none(store: StoreProvider) -> None:
    assert every(store, new_id(), "comments") == []
    assert every(store, "no-uuid", "history") == []


@pytest.mark.parametrize("cursor", ["x", "", "%", "AAAA", "é"])
def test_what_is_no_cursor_is_named(store: StoreProvider, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="/cursor"):
        store.list_documents(new_id(), "comments", limit=2, cursor=cursor)


def test_a_cursor_of_another_list_is_named(store: StoreProvider) -> None:
    issue = make_issue()
    save(store, issue)
    version = store.get_many([issue.id])[issue.id].version
    comments = [make_comment(issue.id, minute) for minute in range(3)]
    store.write_many([Write(issue, version, comments)])
    cursor = store.list_documents(issue.id, "comments", limit=1, cursor=None).cursor
    with pytest.raises(InvalidInput, match="/cursor"):
        store.list_documents(issue.id, "history", limit=1, cursor=cursor)
