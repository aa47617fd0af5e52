"""The admin site in this process, on Django's test database, without broker and Redis."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from issuetracker.applying import apply_changes
from issuetracker.merging import Delivery
from issuetracker.messages import AnyChange, NewIssue, Reported, new_issue_id
from issuetracker.providers import get_store
from issuetracker.publisher import IssuePublisher, publishers


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    """Changes go past the log, and so are in the store at once."""
    before = publishers.replace(IssuePublisher("", "nowhere"))
    yield
    publishers.replace(before)


class Tracker:
    """What services and people did before the page is looked at."""

    def __init__(self) -> None:
        self.store = get_store()

    def apply(self, change: AnyChange) -> None:
        """Bring a change into the store."""
        apply_changes(self.store, [Delivery(change)])

    def report(self, title: str = "Broken", *, ago: float = 60, **fields: Any) -> str:
        """Report an issue, ``ago`` seconds before now; its id."""
        issue = NewIssue(title=title, **fields)
        event_id = str(uuid.uuid4())
        issue_id = new_issue_id(issue, event_id)
        self.apply(
            Reported(
                issue_id=issue_id,
                event_id=event_id,
                time=datetime.now(UTC) - timedelta(seconds=ago),
                actor=f"service.{issue.component}",
                issue=issue,
            )
        )
        return issue_id

    def documents(self, issue_id: str, collection: Any) -> list[Any]:
        """What the store keeps under an issue."""
        return self.store.list_documents(issue_id, collection, limit=100, cursor=None).items


@pytest.fixture
def tracker(transactional_db: None) -> Tracker:
    """A tracker without issues."""
    return Tracker()


@pytest.fixture
def admin(transactional_db: None) -> Client:
    """Somebody who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "", "secret"))
    return client


@pytest.fixture
def reader(transactional_db: None) -> Client:
    """Somebody who may look at issues, and nothing else."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(
        Permission.objects.get(codename="view_issue", content_type__app_label="issuetracker")
    )
    client = Client()
    client.force_login(user)
    return client
