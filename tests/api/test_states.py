"""An issue goes from state to state along the ways that are defined, and no others."""

import uuid
from typing import get_args

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from issuetracker import working
from issuetracker.bounded import NoAnswer
from issuetracker.messages import Status
from issuetracker.providers.redis import get_recents
from issuetracker.publisher import IssuePublisher
from issuetracker.states import ACTIONS, actions_for, is_allowed
from settings.base import cache
from tests.api.working import patch, read, report, update
from tests.test_merging import merged, reported, updated

WAYS: dict[Status, list[Status]] = {
    "open": [],
    "in_progress": ["in_progress"],
    "resolved": ["resolved"],
    "ignored": ["ignored"],
    "deleted": ["deleted"],
}


@pytest.mark.parametrize("after", get_args(Status))
@pytest.mark.parametrize("before", get_args(Status))
def test_a_way_is_open_or_refused_with_those_that_are(
    api: Client, no_broker: IssuePublisher, before: Status, after: Status
) -> None:
    issue_id = report(api)
    for step in WAYS[before]:
        update(api, issue_id, status=step)
    answer = patch(api, issue_id, status=after)
    if is_allowed(before, after):
        assert answer.status_code == 200
        assert read(api, issue_id)["status"] == after
        return
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert all(action.status in answer.json()["detail"] for action in ACTIONS[before])
    assert read(api, issue_id)["status"] == before


def test_every_state_is_reached_and_left_and_every_way_has_a_name() -> None:
    assert set(ACTIONS) == set(get_args(Status))
    for ways in ACTIONS.values():
        assert ways
        assert len({action.name for action in ways}) == len(ways)


def test_what_can_be_done_follows_from_the_issue() -> None:
    issue = merged(reported(1), updated(2, 1, status="resolved")).issue
    assert [action.name for action in actions_for(issue)] == ["Reopen", "Start again", "Delete"]
    again = merged(reported(3, 2), issue=issue).issue
    assert "Resolve" in [action.name for action in actions_for(again)]


def test_nothing_is_refused_by_a_state_that_may_be_an_old_one(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    """What was accepted since it was stored is in Redis, which does not answer."""
    issue_id = report(api)
    update(api, issue_id, status="resolved")
    settings.CACHES = {"default": cache("redis://127.0.0.1:1/0")}
    get_recents.cache_clear()
    assert not is_allowed("resolved", "ignored")
    assert patch(api, issue_id, status="ignored").status_code == 200
    get_recents.cache_clear()


def test_a_retry_is_accepted_though_its_own_effect_is_in_its_way(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api)
    event_id = str(uuid.uuid4())
    update(api, issue_id, status="ignored", event_id=event_id)
    update(api, issue_id, status="resolved")
    assert patch(api, issue_id, status="ignored", event_id=event_id).status_code == 200
    assert read(api, issue_id)["status"] == "resolved"
    assert patch(api, issue_id, status="ignored").status_code == 409


def test_a_regressed_issue_keeps_its_history_and_can_be_resolved_again(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api, fingerprint="regresses", component="states")
    update(api, issue_id, status="resolved")
    report(api, fingerprint="regresses", component="states")
    shown = read(api, issue_id)
    assert (shown["status"], shown["regressed"], shown["count"]) == ("open", True, 2)
    update(api, issue_id, status="resolved")
    assert read(api, issue_id)["regressed"] is False


def test_an_assignee_is_an_active_user(api: Client, no_broker: IssuePublisher) -> None:
    User.objects.create_user("ada")
    User.objects.create_user("gone", is_active=False)
    issue_id = report(api)
    update(api, issue_id, assignee="ada")
    for name in ("gone", "nobody"):
        answer = patch(api, issue_id, assignee=name)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/assignee"]
    assert read(api, issue_id)["assignee"] == "ada"


def test_an_assignee_is_believed_in_while_the_database_does_not_say(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object, **__: object) -> bool:
        raise NoAnswer("hangs")

    issue_id = report(api)
    monkeypatch.setattr(working, "bounded", hang)
    update(api, issue_id, assignee="ada")
    assert read(api, issue_id)["assignee"] == "ada"
