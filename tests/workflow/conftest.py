import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from issuetracker.client import IssueTrackerClient
from tests.services import PostgresDatabase
from tests.workflow.databases import default_database
from tests.workflow.tracker import LocalTracker
from workflow import registry
from workflow.processor import WorkflowProcessor


@pytest.fixture(autouse=True)
def _own_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workflows that a test registers are gone after it."""
    monkeypatch.setattr(registry, "_workflows", dict(registry._workflows))


@pytest.fixture
def tracker() -> Iterator[LocalTracker]:
    """An HTTP server that answers as the tracker does, and keeps what it was sent."""
    with LocalTracker() as server:
        yield server


@pytest.fixture
def client(tracker: LocalTracker) -> Iterator[IssueTrackerClient]:
    """The client of that tracker; it waits for each answer."""
    with IssueTrackerClient(tracker.url) as client:
        yield client


@pytest.fixture
def processor(client: IssueTrackerClient) -> WorkflowProcessor:
    """A processor that reports to that tracker."""
    return WorkflowProcessor(client)


@pytest.fixture
def sqlite_file(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An SQLite file as Django's default database; gives its URL."""
    url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    with django_db_blocker.unblock(), default_database(url):
        yield url


@pytest.fixture
def postgres_default(
    postgres: PostgresDatabase, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """PostgreSQL as Django's default database; gives its URL."""
    with django_db_blocker.unblock(), default_database(postgres.database_url):
        yield postgres.database_url


@pytest.fixture(
    params=[
        pytest.param("sqlite_file", id="sqlite"),
        pytest.param("postgres_default", id="postgres", marks=pytest.mark.postgres),
    ]
)
def real_database(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn, as Django's default, with connections from any thread."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(autouse=True)
def _info_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
