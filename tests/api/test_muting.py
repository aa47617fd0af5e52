"""A muted issue is out of the lists, counts on, and comes back by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from issuetracker import issues
from issuetracker.publisher import IssuePublisher
from tests.api.working import history, listed, patch, read, report, update

FAULT = {"fingerprint": "mutes", "component": "muting"}


def from_now(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def test_a_mute_for_further_events_ends_with_the_last_of_them(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api, **FAULT)
    update(api, issue_id, mute={"events": 2})
    assert listed(api) == set()
    assert listed(api, "muted=true") == listed(api, "muted=any") == {issue_id}
    report(api, **FAULT)
    shown = read(api, issue_id)
    assert (shown["muted"], shown["muted_events"], shown["count"]) == (True, 1, 2)
    report(api, **FAULT)
    shown = read(api, issue_id)
    assert (shown["muted"], shown["muted_events"], shown["count"]) == (False, None, 3)
    assert listed(api) == {issue_id}
    assert listed(api, "muted=true") == set()


def test_a_mute_until_a_time_ends_without_a_write(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_id = report(api)
    update(api, issue_id, mute={"until": from_now(hours=2)})
    assert listed(api) == set()
    assert read(api, issue_id)["muted"] is True

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=3)

    monkeypatch.setattr(issues, "datetime", Later)
    shown = read(api, issue_id)
    assert (shown["muted"], shown["muted_until"]) == (False, None)


def test_null_ends_a_mute_and_the_history_says_all_of_it(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api)
    update(api, issue_id, mute={"until": from_now(days=364)})
    update(api, issue_id, mute={"events": 10})
    update(api, issue_id, mute=None)
    assert listed(api) == {issue_id}
    first, *others = history(api, issue_id)
    assert set(first) == {"muted_until"}
    assert others == [{"muted_events": 10}, {"mute": None}]


@pytest.mark.parametrize(
    ("mute", "pointer"),
    [
        ({}, "/mute"),
        ({"events": 3, "until": from_now(days=1)}, "/mute"),
        ({"until": from_now(minutes=-1)}, "/mute/until"),
        ({"until": from_now(days=400)}, "/mute/until"),
        ({"until": "2026-01-01T00:00:00"}, "/mute/until"),
        ({"events": 0}, "/mute/events"),
        ({"events": 251}, "/mute/events"),
        ({"event": 3}, "/mute/event"),
        (5, "/mute"),
    ],
)
def test_a_mute_that_cannot_be_is_named(
    api: Client, no_broker: IssuePublisher, mute: object, pointer: str
) -> None:
    answer = patch(api, report(api), mute=mute)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
