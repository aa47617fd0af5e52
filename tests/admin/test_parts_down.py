"""The admin's pages while something is on its way, or a part is down."""

import uuid
from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import Settings

from issuetracker.merging import Delivery, merge
from issuetracker.messages import AnyChange, Commented, NewIssue, Reported
from issuetracker.providers.redis import get_recents
from settings.base import cache
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, form_id, page_of, text_of, titles
from tests.services import RedisServer
from tests.test_reading import StoppedStore


@pytest.fixture
def store_down(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not answer."""
    for module in ("reading", "accepting"):
        monkeypatch.setattr(f"issuetracker.{module}.get_store", StoppedStore)


@pytest.fixture
def recents(redis_server: RedisServer, settings: Settings) -> None:
    """The recent view, in a real Redis."""
    settings.CACHES = {"default": cache(redis_server.url)}
    # Not one that another test has just seen without its Redis.
    get_recents.cache_clear()
    assert get_recents().ping()


def accept(change: AnyChange) -> None:
    """What the API does after the broker's acknowledgement, with no consumer running."""
    get_recents().accept(merge(None, [Delivery(change)]).issue, change)


def accepted_report(title: str) -> str:
    issue_id = str(uuid.uuid4())
    accept(
        Reported(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="service.api",
            issue=NewIssue(title=title, component="api"),
        )
    )
    return issue_id


def test_what_is_on_its_way_shows_as_pending(
    admin: Client, tracker: Tracker, recents: None
) -> None:
    tracker.report("Stored", ago=100)
    issue_id = accepted_report("On its way")
    content = admin.get(LIST).content
    assert titles(content) == ["On its way", "Stored"]
    assert content.count(b'class="badge pending"') == 1
    page = admin.get(page_of(f"temp-{issue_id}"))
    assert "on its way to the store" in text_of(page.content)


def test_a_comment_on_its_way_shows_at_once(admin: Client, tracker: Tracker, recents: None) -> None:
    issue_id = tracker.report("Stored", ago=100)
    accept(
        Commented(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="anna",
            body="Just written",
        )
    )
    page = admin.get(page_of(issue_id))
    assert [shown.comment.body for shown in page.context["comments"]] == ["Just written"]
    assert "on its way to the store" in text_of(page.content)


def test_with_the_store_down_the_last_hour_shows_and_says_so(
    admin: Client, recents: None, store_down: None
) -> None:
    issue_id = accepted_report("Recent")
    answer = admin.get(LIST)
    assert answer.status_code == 200
    assert titles(answer.content) == ["Recent"]
    assert "The store does not answer." in text_of(answer.content)
    assert "not known" in text_of(answer.content), "there are no reports per hour in Redis"
    page = admin.get(page_of(issue_id))
    assert page.status_code == 200
    assert "The store does not answer." in text_of(page.content)


def test_with_everything_down_each_page_tells_the_way_out(admin: Client, store_down: None) -> None:
    for address in (f"{LIST}?status=open", page_of(str(uuid.uuid4()))):
        answer = admin.get(address)
        assert answer.status_code == 503
        said = text_of(answer.content)
        assert "The store of issues does not answer." in said
        assert "No report is lost meanwhile" in said
        assert f'href="{address}"' in answer.content.decode()
    assert admin.get(f"{LIST}news/?after=2026-11-23T09:30:00Z").status_code == 503


def test_a_change_that_nobody_takes_is_not_called_saved(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch, store_down: None
) -> None:
    issue_id = tracker.report("Stored")
    store = tracker.store
    # Readable, and down a moment later.
    monkeypatch.setattr("issuetracker.reading.get_store", lambda: store)
    answer = admin.post(f"{page_of(issue_id)}comment/", {"body": "Hello", "event_id": form_id()})
    assert answer.status_code == 503
    assert "Your change was not saved" in text_of(answer.content)
    assert f'href="{page_of(issue_id)}"' in answer.content.decode()
    assert tracker.documents(issue_id, "comments") == []
