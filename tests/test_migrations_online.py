"""Indexes are added to a live table without keeping writers waiting, and taken away again."""

from collections.abc import Iterator

import pytest
import pytest_django
from django.core.management import call_command
from django.db import connections

from issuetracker.providers.sql import ISSUES
from tests.stores import database_alias, sqlite_url

ADDED = {"stored_issue_type", "stored_issue_priority", "stored_issue_reporter"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def alias(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> Iterator[str]:
    url = sqlite_url(tmp_path_factory.mktemp("migrations"))
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").database_url
    with django_db_blocker.unblock(), database_alias(url) as name:
        yield name


def indexes(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        return set(connections[alias].introspection.get_constraints(cursor, ISSUES))


def test_indexes_for_rare_values_come_and_go(alias: str) -> None:
    call_command("migrate", "issuetracker", "0005", database=alias, verbosity=0)
    assert indexes(alias) >= ADDED
    call_command("migrate", "issuetracker", "0004", database=alias, verbosity=0)
    assert not indexes(alias) & ADDED
    call_command("migrate", "issuetracker", database=alias, verbosity=0)
    assert indexes(alias) >= ADDED


def test_a_migration_that_was_interrupted_is_done_again(alias: str) -> None:
    call_command("migrate", "issuetracker", "0004", database=alias, verbosity=0)
    with connections[alias].cursor() as cursor:
        cursor.execute(f"CREATE INDEX stored_issue_type ON {ISSUES} (type)")
    call_command("migrate", "issuetracker", database=alias, verbosity=0)
    with connections[alias].cursor() as cursor:
        found = connections[alias].introspection.get_constraints(cursor, ISSUES)
    assert found["stored_issue_type"]["columns"] == ["type", "status", "updated_at", "id"]
    assert set(found) >= ADDED
