"""Reading your own writes, and reading on while the store or Redis is away."""

# ruff: noqa: ARG002 - a stopped store looks at nothing

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from issuetracker import reading
from issuetracker.applying import apply_changes
from issuetracker.bounded import THREADS, begin
from issuetracker.exceptions import InvalidInput, StoreUnavailable
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.merging import Delivery
from issuetracker.messages import AnyChange
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Page, Stored, Write
from issuetracker.providers.circuit import Circuit
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.reading import is_known, list_issues, read_documents, read_issue, read_issues
from tests.recents import accept, commented, make_recents, reported, updated
from tests.services import RedisServer
from tests.stores import database_store, sqlite_url

NEWEST = IssueQuery()


class StoppedStore(StoreProvider):
    """A store that does not answer."""

    name = "stopped"

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        raise StoreUnavailable("it is stopped")

    def write_many(self, writes: Sequence[Write]) -> set[str]:
        raise StoreUnavailable("it is stopped")

    def list_issues(self, query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        raise StoreUnavailable("it is stopped")

    def list_documents(
        self, issue_id: str, collection: Collection, *, limit: int, cursor: str | None
    ) -> Page[AnyDocument]:
        raise StoreUnavailable("it is stopped")

    def ping(self) -> None:
        raise StoreUnavailable("it is stopped")


@pytest.fixture(autouse=True)
def databases(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Any database: the threads in which stores are asked look after their connections."""
    with django_db_blocker.unblock():
        yield


class HangingStore(StoppedStore):
    """A store that answers nothing before it is released; counts who asks."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked = 0

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        self.asked += 1
        self.released.wait(30)
        return {}


@pytest.fixture
def hanging_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingStore]:
    hanging = HangingStore()
    monkeypatch.setattr(reading, "get_store", lambda: hanging)
    monkeypatch.setattr(reading, "STORE_SECONDS", 0.2)
    monkeypatch.setattr(reading, "_circuit", Circuit("The store", "this is a test", 60))
    yield hanging
    hanging.released.set()


@pytest.fixture
def store(
    tmp_path: Path, databases: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StoreProvider]:
    with database_store(sqlite_url(tmp_path)) as store:
        monkeypatch.setattr(reading, "get_store", lambda: store)
        yield store


@pytest.fixture
def recents(
    redis_server: RedisServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> RedisHelperProvider:
    recents = make_recents(settings, redis_server.url)
    monkeypatch.setattr(reading, "get_recents", lambda: recents)
    return recents


@pytest.fixture
def no_recents(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> RedisHelperProvider:
    recents = make_recents(settings, "")
    monkeypatch.setattr(reading, "get_recents", lambda: recents)
    return recents


def consume(store: StoreProvider, *changes: AnyChange) -> list[Issue]:
    return list(apply_changes(store, [Delivery(change) for change in changes]).issues.values())


def stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "get_store", StoppedStore)


def ids(page: reading.ReadPage) -> list[str]:
    return [read.issue.id for read in page.items]


def test_an_accepted_report_is_read_before_and_after_it_is_written(
    store: StoreProvider, recents: RedisHelperProvider
) -> None:
    change = reported(title="Broken")
    accept(recents, change)
    before = read_issue(change.issue_id)
    assert before is not None
    assert (before.issue.title, before.pending) == ("Broken", True)
    assert [read.pending for read in list_issues(NEWEST, limit=5, cursor=None).items] == [True]

    recents.store_issues(consume(store, change))
    after = read_issue(change.issue_id)
    assert after is not None
    assert (after.issue.count, after.pending) == (1, False)
    assert [read.pending for read in list_issues(NEWEST, limit=5, cursor=None).items] == [False]


def test_it_does_not_count_twice_when_the_recent_view_has_yet_to_hear_of_the_write(
    store: StoreProvider, recents: RedisHelperProvider
) -> None:
    change = reported()
    accept(recents, change)
    consume(store, change)
    read = read_issue(change.issue_id)
    assert read is not None
    assert (read.issue.count, read.pending) == (1, False)
    assert [one.issue.count for one in list_issues(NEWEST, limit=5, cursor=None).items] == [1]


def test_changes_of_people_show_at_once_everywhere(
    store: StoreProvider, recents: RedisHelperProvider
) -> None:
    first, second = reported(-20), reported(-10)
    consume(store, first, second)
    comment = commented(first.issue_id, "Looking into it.")
    accept(recents, comment, updated(first.issue_id, status="in_progress"))
    read = read_issue(first.issue_id)
    assert read is not None
    assert (read.issue.status, read.issue.comment_count, read.pending) == ("in_progress", 1, True)
    page = list_issues(NEWEST, limit=5, cursor=None)
    assert ids(page) == [first.issue_id, second.issue_id]
    assert ids(list_issues(IssueQuery(status=("open",)), limit=5, cursor=None)) == [second.issue_id]
    shown = read_documents(first.issue_id, "comments", limit=5, cursor=None)
    assert [item.id for item in shown.items] == [comment.event_id]
    assert shown.pending == {comment.event_id}
    assert len(read_documents(first.issue_id, "history", limit=5, cursor=None).items) == 1


def test_pages_go_on_over_what_is_pending(
    store: StoreProvider, recents: RedisHelperProvider
) -> None:
    changes = [reported(number - 60) for number in range(12)]
    consume(store, *changes[::2])
    accept(recents, *changes[1::2])
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        page = list_issues(NEWEST, limit=5, cursor=cursor)
        seen += ids(page)
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [change.issue_id for change in reversed(changes)]


def test_without_redis_the_store_answers_alone(
    store: StoreProvider, no_recents: RedisHelperProvider
) -> None:
    change = reported()
    consume(store, change)
    assert ids(list_issues(NEWEST, limit=5, cursor=None)) == [change.issue_id]
    read = read_issue(change.issue_id)
    assert read is not None
    assert not read.pending
    assert read_issue(reported().issue_id) is None


def test_without_the_store_the_last_hour_is_shown_and_said_to_be_only_that(
    store: StoreProvider, recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, pending = reported(-10, title="Time out"), reported(-5, title="Disk full")
    comment = commented(pending.issue_id)
    recents.store_issues(consume(store, written))
    accept(recents, pending, comment)
    stop(monkeypatch)
    page = list_issues(NEWEST, limit=1, cursor=None)
    assert page.degraded
    assert ids(page) == [pending.issue_id]
    assert ids(list_issues(NEWEST, limit=1, cursor=page.cursor)) == [written.issue_id]
    assert ids(list_issues(IssueQuery(text="time"), limit=9, cursor=None)) == [written.issue_id]
    read = read_issue(written.issue_id)
    assert read is not None
    assert not read.pending
    shown = read_documents(pending.issue_id, "comments", limit=5, cursor=None)
    assert shown.degraded
    assert [item.id for item in shown.items] == [comment.event_id]


def test_without_the_store_a_change_alone_is_not_taken_for_the_issue(
    recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(monkeypatch)
    comment = commented(reported().issue_id)
    accept(recents, comment)
    assert ids(list_issues(NEWEST, limit=5, cursor=None)) == []
    with pytest.raises(StoreUnavailable):
        read_issue(comment.issue_id)


def test_without_store_and_redis_nothing_is_made_up(
    no_recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(monkeypatch)
    issue_id = reported().issue_id
    with pytest.raises(StoreUnavailable):
        list_issues(NEWEST, limit=5, cursor=None)
    with pytest.raises(StoreUnavailable):
        read_issue(issue_id)
    with pytest.raises(StoreUnavailable):
        read_documents(issue_id, "comments", limit=5, cursor=None)


def test_what_is_no_cursor_is_named_with_and_without_the_store(
    store: StoreProvider, recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput):
        list_issues(NEWEST, limit=5, cursor="x")
    stop(monkeypatch)
    with pytest.raises(InvalidInput):
        list_issues(NEWEST, limit=5, cursor="x")


def test_a_store_that_hangs_is_answered_from_the_recent_view_and_not_asked_by_everybody(
    recents: RedisHelperProvider, hanging_store: HangingStore
) -> None:
    report = reported(title="On its way")
    accept(recents, report)
    found = [read_issue(report.issue_id) for _ in range(20)]
    assert [read.issue.title for read in found if read] == ["On its way"] * 20
    assert hanging_store.asked == 1


def test_a_store_that_hangs_is_unavailable_for_what_the_recent_view_does_not_know(
    recents: RedisHelperProvider, hanging_store: HangingStore
) -> None:
    with pytest.raises(StoreUnavailable):
        read_issue("5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10")
    with pytest.raises(StoreUnavailable):
        is_known("5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10")


def test_a_store_that_answers_again_is_asked_again(
    recents: RedisHelperProvider,
    hanging_store: HangingStore,
    store: StoreProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_circuit", Circuit("The store", "this is a test", 0.0))
    monkeypatch.setattr(reading, "get_store", lambda: hanging_store)
    with pytest.raises(StoreUnavailable):
        read_issue("5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10")
    report = reported(title="Stored")
    apply_changes(store, [Delivery(report)])
    monkeypatch.setattr(reading, "get_store", lambda: store)
    monkeypatch.setattr(reading, "STORE_SECONDS", 30.0)
    found = read_issue(report.issue_id)
    assert found is not None
    assert found.issue.title == "Stored"


def test_several_issues_are_read_with_what_is_pending(
    store: StoreProvider, recents: RedisHelperProvider
) -> None:
    written, waiting = reported(title="Written"), reported(title="Waiting")
    consume(store, written)
    accept(recents, written, updated(written.issue_id, status="resolved"), waiting)
    unknown = "00000000-0000-0000-0000-000000000000"
    read = read_issues([written.issue_id, waiting.issue_id, unknown])
    assert {issue_id: (one.issue.status, one.pending) for issue_id, one in read.items()} == {
        written.issue_id: ("resolved", True),
        waiting.issue_id: ("open", True),
    }


def test_with_the_store_down_several_issues_are_read_if_all_are_recent(
    recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "get_store", StoppedStore)
    one, other = reported(), reported()
    accept(recents, one, other)
    assert read_issues([one.issue_id, other.issue_id]).keys() == {one.issue_id, other.issue_id}
    with pytest.raises(StoreUnavailable):
        read_issues([one.issue_id, "00000000-0000-0000-0000-000000000000"])


def test_what_is_stored_while_a_list_is_read_is_in_the_list(
    store: StoreProvider, recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = reported(-1)
    accept(recents, change)
    read = store.list_issues

    def read_then_store(query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        page = read(query, limit=limit, cursor=cursor)
        recents.store_issues(consume(store, change))
        return page

    monkeypatch.setattr(store, "list_issues", read_then_store)
    page = list_issues(NEWEST, limit=10, cursor=None)
    assert [item.issue.id for item in page.items] == [change.issue_id]


def test_a_busy_process_does_not_take_the_store_for_away(
    store: StoreProvider, recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STORE_SECONDS", 0.2)
    monkeypatch.setattr(reading, "_circuit", Circuit("The store", "this is a test", 60))
    over = threading.Event()
    others = [begin(over.wait, 30) for _ in range(THREADS)]
    assert list_issues(NEWEST, limit=10, cursor=None).degraded
    over.set()
    assert all(other.result(30) for other in others)
    assert not list_issues(NEWEST, limit=10, cursor=None).degraded
