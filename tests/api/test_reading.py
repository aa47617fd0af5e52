"""What the API shows of issues: lists, single ones, and what belongs to them."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from issuetracker import reading
from issuetracker.api import listed
from issuetracker.api.answers import IssueDetail
from issuetracker.issues import Issue, IssueQuery
from issuetracker.processes import PerProcess
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.publisher import IssuePublisher
from issuetracker.reading import ReadPage, list_issues
from issuetracker.shared import Shared
from tests.services import unique
from tests.test_reading import StoppedStore

ISSUES = "/api/v1/issues"


def _report(api: Client, **fields: object) -> str:
    body = {"title": "Test Issue", **fields}
    answer = api.post(ISSUES, body, content_type="application/json")
    assert answer.status_code in (201, 202), answer.content
    return str(answer.json()["id"])


def _list(api: Client, **query: object) -> dict[str, Any]:
    answer = api.get(f"{ISSUES}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def _titles(api: Client, **query: object) -> list[str]:
    return [issue["title"] for issue in _list(api, **query)["results"]]


def test_the_newest_issue_comes_first_and_shows_no_trace_in_the_list(
    api: Client, no_broker: IssuePublisher
) -> None:
    _report(api, title="older", exception=[{"type": "E"}])
    _report(api, title="newer")
    page = _list(api)
    assert [issue["title"] for issue in page["results"]] == ["newer", "older"]
    assert page["next"] is None
    assert page["degraded"] is False
    assert "exception" not in page["results"][0]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"status": "resolved"}, set()),
        ({"status": ["open", "resolved"]}, {"database timeout", "slow page", "test"}),
        ({"type": "performance"}, {"slow page"}),
        ({"priority": ["high", "low"]}, {"database timeout", "slow page"}),
        ({"component": "billing"}, {"database timeout"}),
        ({"tag": ["db", "prod"]}, {"database timeout"}),
        ({"tag": "prod"}, {"database timeout", "slow page"}),
        ({"context": ["host=db-1", "retries=3"]}, {"database timeout"}),
        ({"context": "host=db"}, set()),
        ({"reporter": "service.web"}, {"slow page"}),
        ({"assignee": ""}, {"database timeout", "slow page", "test"}),
        ({"assignee": "ada"}, set()),
        ({"q": "TIMEOUT data"}, {"database timeout"}),
        ({"since": "2000-01-01T00:00:00Z"}, {"database timeout", "slow page", "test"}),
        ({"until": "2000-01-01T00:00:00+02:00"}, set()),
        ({"first_since": "2000-01-01T00:00:00Z"}, {"database timeout", "slow page", "test"}),
        ({"first_since": "2100-01-01T00:00:00Z"}, set()),
        ({"regressed": "true"}, set()),
        ({"regressed": "false"}, {"database timeout", "slow page", "test"}),
        ({"component": "web", "priority": "high"}, set()),
    ],
)
def test_every_filter_that_is_given_holds(
    api: Client, no_broker: IssuePublisher, query: dict[str, Any], titles: set[str]
) -> None:
    _report(
        api,
        title="database timeout",
        component="billing",
        priority="high",
        tags=["db", "prod"],
        context={"host": "db-1", "retries": 3},
    )
    _report(
        api, title="slow page", component="web", type="performance", priority="low", tags=["prod"]
    )
    _report(api, title="test")
    assert set(_titles(api, **query)) == titles


def test_following_next_shows_every_issue_once(api: Client, no_broker: IssuePublisher) -> None:
    wanted = {_report(api, title=f"issue {number}", tags=["a/b"]) for number in range(7)}
    _report(api, title="another")
    found: list[str] = []
    address: str | None = f"{ISSUES}?limit=3&tag=a/b&order=first_seen"
    while address:
        page = api.get(address).json()
        assert len(page["results"]) <= 3
        found += [issue["id"] for issue in page["results"]]
        address = page["next"]
    assert len(found) == 7
    assert set(found) == wanted


def test_an_issue_is_shown_with_everything_and_with_or_without_temp(
    api: Client, no_broker: IssuePublisher
) -> None:
    exception = [
        {"type": "E", "message": "m", "frames": [{"file": "a", "line": 1, "function": "f"}]}
    ]
    issue_id = _report(api, description="d", exception=exception, context={"run": 7})
    shown = api.get(f"{ISSUES}/{issue_id}").json()
    assert (shown["id"], shown["description"], shown["context"]) == (issue_id, "d", {"run": 7})
    assert shown["exception"] == exception
    assert shown["pending"] is False
    assert "ledger" not in shown
    assert api.get(f"{ISSUES}/temp-{issue_id}").json() == shown
    assert api.get(f"{ISSUES}/{issue_id.upper()}").json() == shown


def test_every_field_of_an_issue_but_the_ledger_is_shown() -> None:
    derived = {"pending", "muted", "total", "merged_issues"}
    assert {*Issue.__struct_fields__} - {"ledger"} | derived == {*IssueDetail.__struct_fields__}


def test_an_accepted_report_shows_at_once_as_pending(
    api: Client, publisher: IssuePublisher, recents: RedisHelperProvider
) -> None:
    shown = _report(api, title="on its way")
    bare = shown.removeprefix("temp-")
    (listed,) = _list(api)["results"]
    assert (listed["id"], listed["title"], listed["pending"]) == (bare, "on its way", True)
    assert api.get(f"{ISSUES}/{shown}").json()["pending"] is True


def test_while_the_store_is_down_the_last_hour_is_shown_and_said_to_be_that(
    api: Client,
    publisher: IssuePublisher,
    recents: RedisHelperProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = _report(api, title="just now", exception=[{"type": "E"}])
    monkeypatch.setattr(reading, "get_store", StoppedStore)
    page = _list(api)
    issue = api.get(f"{ISSUES}/{shown}").json()
    assert [one["title"] for one in page["results"]] == ["just now"]
    assert page["degraded"] is True
    assert (issue["title"], issue["exception"], issue["pending"]) == (
        "just now",
        [{"type": "E"}],
        True,
    )


def test_an_issue_that_is_only_pending_can_be_changed_and_commented(
    api: Client, publisher: IssuePublisher, recents: RedisHelperProvider
) -> None:
    address = f"{ISSUES}/{_report(api)}"
    change = api.patch(address, {"status": "resolved"}, content_type="application/json")
    comment = api.post(f"{address}/comments", {"body": "x"}, content_type="application/json")
    assert (change.status_code, comment.status_code) == (202, 202)
    assert api.get(address).json()["status"] == "resolved"
    (shown,) = api.get(f"{address}/comments").json()["results"]
    assert shown["body"] == "x"


def test_what_was_set_and_each_report_can_be_read(api: Client, no_broker: IssuePublisher) -> None:
    fingerprint = unique("fault")
    issue_id = _report(api, fingerprint=fingerprint, description="first")
    assert _report(api, fingerprint=fingerprint, description="second") == issue_id
    address = f"{ISSUES}/{issue_id}"
    api.patch(address, {"priority": "critical"}, content_type="application/json")
    (entry,) = api.get(f"{address}/history").json()["results"]
    (report,) = api.get(f"{address}/occurrences").json()["results"]
    assert entry["changes"] == {"priority": "critical"}
    assert entry["actor"] == "service.unknown"
    assert report["description"] == "second"


def test_comments_come_in_pages_oldest_first(api: Client, no_broker: IssuePublisher) -> None:
    address = f"{ISSUES}/{_report(api)}/comments"
    for number in range(3):
        api.post(address, {"body": str(number)}, content_type="application/json")
    first = api.get(f"{address}?limit=2").json()
    second = api.get(first["next"]).json()
    assert [one["body"] for one in first["results"] + second["results"]] == ["0", "1", "2"]
    assert second["next"] is None


def test_a_list_is_read_once_for_all_readers_until_something_changes(
    api: Client,
    publisher: IssuePublisher,
    recents: RedisHelperProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    def count_and_read(query: IssueQuery, *, limit: int, cursor: str | None) -> ReadPage:
        read.append(limit)
        return list_issues(query, limit=limit, cursor=cursor)

    monkeypatch.setattr(listed, "list_issues", count_and_read)
    monkeypatch.setattr(listed, "_pages", PerProcess(lambda: Shared[listed.ListedPage](60, 10)))
    _report(api, title="first")
    assert [_titles(api, limit=7) for _ in range(3)] == [["first"]] * 3
    assert read == [7]
    _report(api, title="second")
    assert _titles(api, limit=7) == ["second", "first"]
    assert _titles(api, limit=8) == ["second", "first"]
    assert read == [7, 7, 8]
