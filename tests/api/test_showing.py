"""What is answered 202 is to be seen at once, and never waits long for being shown."""

# ruff: noqa: ARG002 - a recent view that fails shows nothing

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker import showing
from issuetracker.issues import Issue
from issuetracker.messages import AnyChange
from issuetracker.processes import PerProcess
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.publisher import IssuePublisher
from settings.base import cache
from tests.services import RedisServer

ISSUES = "/api/v1/issues"


class HangingRecents(RedisHelperProvider):
    """A recent view that hangs until the test lets it go, and fails once."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.failed = False

    def accept_reports(self, reports: Sequence[tuple[Issue, AnyChange]]) -> None:
        self.released.wait(20)
        if not self.failed:
            self.failed = True
            raise RuntimeError("nobody foresaw this")


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> HangingRecents:
    """A view that hangs, shown by a thread of this test's own."""
    recents = HangingRecents()
    monkeypatch.setattr(showing, "_showing", PerProcess(showing.Showing))
    monkeypatch.setattr(showing, "get_recents", lambda: recents)
    return recents


def _report(api: Client) -> Any:
    return api.post(ISSUES, {"title": "Test Issue"}, content_type="application/json")


def test_a_report_is_in_list_and_page_once_it_is_answered(
    api: Client, publisher: IssuePublisher, redis_server: RedisServer, settings: Settings
) -> None:
    settings.CACHES = {"default": cache(redis_server.url)}
    for _ in range(20):
        answer = _report(api)
        issue_id = answer.json()["id"].removeprefix("temp-")
        page = api.get(f"{ISSUES}/{issue_id}")
        listed = {issue["id"] for issue in api.get(ISSUES).json()["results"]}
        assert (answer.status_code, page.status_code, page.json()["pending"]) == (202, 200, True)
        assert issue_id in listed


def test_a_recent_view_that_hangs_or_fails_costs_no_report(
    api: Client, publisher: IssuePublisher, hanging: HangingRecents
) -> None:
    began = time.monotonic()
    assert _report(api).status_code == 202
    assert time.monotonic() - began < 1.7
    hanging.released.set()
    began = time.monotonic()
    assert [_report(api).status_code for _ in range(5)] == [202] * 5
    assert hanging.failed
    assert time.monotonic() - began < 5 * 0.5
