"""Fixtures of the client's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from issuetracker.client import IssueTrackerClient
from tests.client.servers import Tracker, running_tracker

MakeClient = Callable[..., IssueTrackerClient]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISSUETRACKER_URL", raising=False)
    monkeypatch.delenv("ISSUETRACKER_TOKEN", raising=False)


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    """A tracker that takes everything."""
    with running_tracker() as found:
        yield found


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Makes clients that are closed after the test, without waiting for what they queued."""
    made: list[IssueTrackerClient] = []

    def make(url: str | None = None, **options: Any) -> IssueTrackerClient:
        client = IssueTrackerClient(url, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close(0)
