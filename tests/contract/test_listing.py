"""What every store promises about lists of issues: exactly what `IssueQuery.matches` says."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issuetracker.exceptions import InvalidInput
from issuetracker.issues import Issue, IssueQuery, Order
from issuetracker.messages import IssueType, Priority, RaisedException, Status
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Write
from issuetracker.providers.cursors import cursor_after
from tests.contract.issues import NOON, make_issue, minutes, new_id, save

TITLES = [
    "Timeout while reading",
    "timeouts: DB time-out",
    "Straße gesperrt",
    "Données perdues",
    "a",
    "Größter Fehler #42",
    "interminable-connection_reset by peer",
    "!!!",
    "",
]
WORDS = ["time", "TIMEOUT", "timeout", "db out", "strasse", "Dön", "données", "a", "größ", "42"]
DECADE = timedelta(days=3650)
RAISED = [
    [],
    [RaisedException(type="requests.ConnectTimeout", message="no answer from größe-7 in 3 s")],
    [RaisedException(type="builtins.KeyError", message=" ".join(f"key{n:02}" for n in range(60)))],
]
SEARCHES = ["", "%", "_", *WORDS, "interminable", "interminablex", "reset conn", "timeo db", "--"]
SEARCHES += ["connect", "größe", "no answer", "answer", "key05", "key59", "keyerror", "time answ"]
CONTEXTS: list[dict[str, Any]] = [
    {},
    {"x": "y", "n": 1, "ok": True},
    {"x": "", "n": 1.5, "none": None, "deep": {"x": "z"}},
    {"n": "1", "long": "z" * 200},
]


def make_issues(number: int = 60) -> list[Issue]:
    dice = random.Random(1)
    return [
        make_issue(
            title=dice.choice(TITLES),
            type=dice.choice(get_args(IssueType)),
            priority=dice.choice(get_args(Priority)),
            status=dice.choice(get_args(Status)),
            component=dice.choice(["api", "db", "web"]),
            tags=sorted(dice.sample(["x", "y", "Y", "time", "a:b"], dice.randrange(4))),
            context=dice.choice(CONTEXTS),
            reporter=dice.choice(["service.api", "service.db"]),
            assignee=dice.choice([None, "ada", "bob"]),
            regressed=dice.random() < 0.3,
            exception=dice.choice(RAISED),
            count=dice.randrange(5),
            first_seen=minutes(first := dice.randrange(5)),
            last_seen=minutes(last := dice.randrange(first, 6)),
            updated_at=minutes(dice.randrange(last, 7)),
            merged_into=dice.choice([None] * 4 + [new_id()]),
            muted_events=dice.choice([None] * 4 + [3]),
            # One ended by itself since it was written, the other holds for long.
            muted_until=dice.choice([None] * 4 + [NOON - DECADE, NOON + DECADE]),
        )
        for _ in range(number)
    ]


def some(values: Any) -> Any:
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


QUERIES = st.builds(
    IssueQuery,
    status=some(get_args(Status)),
    type=st.just(()) | some(get_args(IssueType)),
    priority=st.just(()) | some(get_args(Priority)),
    component=st.none() | st.sampled_from(["api", "db", "nope"]),
    tags=st.just(()) | some(["x", "y", "Y", "time", "none"]),
    context=st.just(()) | some(["x=y", "n=1", "n=1.5", "ok=true", "x=", "none=null", "x=z"]),
    reporter=st.none() | st.sampled_from(["service.api", "nobody"]),
    assignee=st.none() | st.sampled_from(["ada", "", "nobody"]),
    regressed=st.sampled_from([None, None, True, False]),
    first_since=st.none() | st.builds(minutes, st.integers(0, 5)),
    since=st.none() | st.builds(minutes, st.integers(0, 5)),
    until=st.none() | st.builds(minutes, st.integers(0, 5)),
    muted=st.sampled_from([False, False, True, None]),
    text=st.just("") | st.sampled_from(SEARCHES),
    order=st.sampled_from(get_args(Order)),
)


def expected(issues: list[Issue], query: IssueQuery) -> list[Issue]:
    matching = [issue for issue in issues if query.matches(issue)]
    key = lambda issue: (getattr(issue, query.field), issue.id)  # noqa: E731
    return sorted(matching, key=key, reverse=query.descending)


def every(store: StoreProvider, query: IssueQuery, limit: int) -> Iterator[Issue]:
    cursor: str | None = None
    while True:
        page = store.list_issues(query, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def test_a_list_is_what_matches_in_order(store: StoreProvider) -> None:
    issues = make_issues()
    save(store, *issues)

    @settings(
        max_examples=120,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(QUERIES, st.integers(1, 30))
    def agrees(query: IssueQuery, limit: int) -> None:
        assert list(every(store, query, limit)) == expected(issues, query)

    agrees()


@pytest.mark.parametrize("order", get_args(Order))
def test_every_order_goes_on_where_the_page_before_ended(
    store: StoreProvider, order: Order
) -> None:
    issues = make_issues(20)
    save(store, *issues)
    query = IssueQuery(order=order)
    assert list(every(store, query, 3)) == expected(issues, query)


def test_a_list_follows_changes_of_title_tags_and_status(store: StoreProvider) -> None:
    save(store, issue := make_issue(title="First title", tags=["old", "kept"]))
    version = store.get_many([issue.id])[issue.id].version
    later = msgspec.structs.replace(
        issue, title="Second title", tags=["kept", "new"], status="resolved"
    )
    store.write_many([Write(later, version)])
    found = {
        name: [one.id for one in every(store, query, 10)]
        for name, query in {
            "old word": IssueQuery(text="first"),
            "new word": IssueQuery(text="second"),
            "kept word": IssueQuery(text="title"),
            "old tag": IssueQuery(tags=("old",)),
            "new tag": IssueQuery(tags=("new",)),
            "both tags": IssueQuery(tags=("kept", "new")),
            "old status": IssueQuery(status=("open",)),
            "new status": IssueQuery(status=("resolved",)),
        }.items()
    }
    assert {name for name, ids in found.items() if ids == [issue.id]} == {
        "new word",
        "kept word",
        "new tag",
        "both tags",
        "new status",
    }


def test_what_is_muted_or_merged_is_in_the_lists_that_ask_for_it(store: StoreProvider) -> None:
    plain, ended = make_issue(), make_issue(muted_until=NOON - DECADE)
    waiting, asleep = make_issue(muted_events=2), make_issue(muted_until=NOON + DECADE)
    merged = make_issue(merged_into=plain.id, status="resolved")
    came_back = make_issue(merged_into=plain.id, regressed=True)
    save(store, plain, ended, waiting, asleep, merged, came_back)

    def ids(**values: Any) -> set[str]:
        return {issue.id for issue in every(store, IssueQuery(**values), 10)}

    assert ids() == ids(status=("open",)) == {plain.id, ended.id, came_back.id}
    assert ids(muted=True) == ids(muted=True, status=("open",)) == {waiting.id, asleep.id}
    assert ids(muted=None) == {plain.id, ended.id, came_back.id, waiting.id, asleep.id}
    assert ids(status=("resolved",)) == ids(status=("resolved", "deleted")) == set()


def test_a_cursor_can_be_made_from_any_issue(store: StoreProvider) -> None:
    issues = make_issues(20)
    save(store, *issues)
    query = IssueQuery(order="-count")
    ordered = expected(issues, query)
    page = store.list_issues(query, limit=3, cursor=cursor_after(query, ordered[4]))
    assert page.items == ordered[5:8]


@pytest.mark.parametrize("cursor", ["x", "", "%", "AAAA", "é", "k6FhYWE"])
def test_what_is_no_cursor_is_named(store: StoreProvider, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="/cursor"):
        store.list_issues(IssueQuery(), limit=2, cursor=cursor)


def test_a_cursor_of_another_order_is_named(store: StoreProvider) -> None:
    cursor = cursor_after(IssueQuery(order="-count"), make_issue())
    with pytest.raises(InvalidInput, match="/cursor"):
        store.list_issues(IssueQuery(order="-updated_at"), limit=2, cursor=cursor)


def test_a_store_that_is_there_answers_a_ping(store: StoreProvider) -> None:
    store.ping()
    assert store.check() == []
