"""Stores over real parts, for tests: made with their tables, emptied before they are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from issuetracker.models import SearchTerm, StoredDocument, StoredIssue
from issuetracker.providers.database import DatabaseHelperProvider
from settings.base import database
from tests.services import unique


@contextmanager
def database_store(url: str) -> Iterator[DatabaseHelperProvider]:
    """A database store with its tables in the database at ``url``, empty.

    The caller has Django's databases unblocked (``django_db_blocker``) while it uses it.
    """
    with database_alias(url) as alias:
        call_command("migrate", "issuetracker", database=alias, verbosity=0)
        for model in (StoredIssue, StoredDocument, SearchTerm):
            model.objects.using(alias).all().delete()
        yield DatabaseHelperProvider(using=alias)


@contextmanager
def database_alias(url: str) -> Iterator[str]:
    """A name under which Django knows the database at ``url`` for a while."""
    # Threads that outlive a test keep their connections, by alias.
    alias = unique("store")
    config = connections.configure_settings({"default": {}, alias: database(url)})
    connections.settings[alias] = config[alias]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def sqlite_url(folder: Path) -> str:
    """The address of a SQLite database in ``folder``."""
    return f"sqlite:///{folder / 'store.sqlite3'}"
