"""The stores that pass the contract; each is one run of the same tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from issuetracker.providers import StoreProvider
from issuetracker.providers.firebase import FirebaseHelperProvider
from tests.services import FirestoreEmulator, PostgresDatabase
from tests.stores import database_store, sqlite_url

STORES = [
    "sqlite",
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("firestore", marks=pytest.mark.firestore),
]


@pytest.fixture
def sqlite_store(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[StoreProvider]:
    with django_db_blocker.unblock(), database_store(sqlite_url(tmp_path)) as store:
        yield store


@pytest.fixture
def postgres_store(
    postgres: PostgresDatabase, django_db_blocker: DjangoDbBlocker
) -> Iterator[StoreProvider]:
    with django_db_blocker.unblock(), database_store(postgres.database_url) as store:
        yield store


@pytest.fixture
def firestore_store(firestore: FirestoreEmulator, tmp_path: Path) -> StoreProvider:
    return FirebaseHelperProvider(firestore.project, tmp_path / "none.json", firestore.host)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> StoreProvider:
    """Each store in turn."""
    found: StoreProvider = request.getfixturevalue(f"{request.param}_store")
    return found
