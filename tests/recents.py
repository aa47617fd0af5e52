"""A recent view over a given Redis, and changes to show in it, for tests."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_django.fixtures import Settings

from issuetracker.merging import Delivery, merge
from issuetracker.messages import AnyChange, Commented, NewIssue, Reported, Updated, new_issue_id
from issuetracker.providers.redis import RedisHelperProvider
from settings.base import cache


def make_recents(settings: Settings, url: str, *, patient: bool = True) -> RedisHelperProvider:
    """A recent view in the Redis at ``url``; in none when it is empty.

    It is patient with a Redis that is slow because the whole machine is, where it is not about
    one that does not answer.
    """
    config = cache(url)
    if patient and url:
        config["OPTIONS"] |= {"SOCKET_TIMEOUT": 5, "SOCKET_CONNECT_TIMEOUT": 5}
    settings.CACHES = {"default": config}
    return RedisHelperProvider()


def now(seconds: float = 0) -> datetime:
    """The present, or so many seconds after it."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def reported(seconds: float = 0, **values: Any) -> Reported:
    """A report made so many seconds from now."""
    issue = NewIssue(**{"title": "Test Issue", **values})
    event_id = str(uuid.uuid4())
    return Reported(
        issue_id=new_issue_id(issue, event_id),
        event_id=event_id,
        time=now(seconds),
        actor="service.test",
        issue=issue,
    )


def commented(issue_id: str, body: str = "Seen it.", seconds: float = 0) -> Commented:
    """A comment made so many seconds from now."""
    return Commented(
        issue_id=issue_id, event_id=str(uuid.uuid4()), time=now(seconds), actor="ada", body=body
    )


def updated(issue_id: str, seconds: float = 0, **values: Any) -> Updated:
    """A change of status, priority or assignee made so many seconds from now."""
    return Updated(
        issue_id=issue_id, event_id=str(uuid.uuid4()), time=now(seconds), actor="ada", **values
    )


def accept(recents: RedisHelperProvider, *changes: AnyChange) -> None:
    """Show changes as the API does once they are in the log."""
    for change in changes:
        recents.accept(merge(None, [Delivery(change)]).issue, change)
