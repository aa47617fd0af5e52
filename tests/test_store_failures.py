"""Stores that are away, broken or not set up: what each says, how soon, and how it goes on."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from issuetracker import providers
from issuetracker.exceptions import StoreRefused, StoreUnavailable
from issuetracker.issues import IssueQuery
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Write
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.providers.firebase import FirebaseHelperProvider
from settings.base import database
from tests.contract.issues import make_issue, new_id, save
from tests.services import PostgresDatabase
from tests.stores import database_store

CALLS: dict[str, Callable[[StoreProvider], object]] = {
    "get": lambda store: store.get(new_id()),
    "write": lambda store: store.write_many([Write(make_issue(), None)]),
    "list": lambda store: store.list_issues(IssueQuery(), limit=5, cursor=None),
    "documents": lambda store: store.list_documents(new_id(), "comments", limit=5, cursor=None),
    "ping": lambda store: store.ping(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
Call = Callable[[StoreProvider], object]


@contextmanager
def answering(code: grpc.StatusCode) -> Iterator[StoreProvider]:
    """Firestore, as far as it answers everything with one error."""

    def answer(_: Any, context: grpc.ServicerContext) -> bytes:
        context.abort(code, "as the test wants it")
        return b""

    class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            if details.method.endswith("/Commit"):
                return grpc.unary_unary_rpc_method_handler(answer)
            return grpc.unary_stream_rpc_method_handler(answer)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Refusing(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield firestore_at(port)
    finally:
        server.stop(None).wait(5)


def firestore_at(port: int) -> StoreProvider:
    return FirebaseHelperProvider("test", Path("none.json"), f"127.0.0.1:{port}")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@every_call
def test_a_firestore_that_is_not_there_is_unavailable_at_once(call: Call) -> None:
    store = firestore_at(closed_port())
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        call(store)
    assert time.monotonic() - started < 2


@every_call
def test_a_firestore_that_never_answers_is_unavailable_within_its_deadline(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issuetracker.providers.firestore_channel.READ_SECONDS", 0.3)
    monkeypatch.setattr("issuetracker.providers.firestore_channel.WRITE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = firestore_at(silent.getsockname()[1])
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            call(store)
        assert time.monotonic() - started < 2


@every_call
@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.NOT_FOUND,
    ],
)
def test_what_may_pass_or_be_mended_is_unavailable(call: Call, code: grpc.StatusCode) -> None:
    with answering(code) as store, pytest.raises(StoreUnavailable):
        call(store)


def test_missing_permission_says_what_to_give() -> None:
    with (
        answering(grpc.StatusCode.PERMISSION_DENIED) as store,
        pytest.raises(StoreUnavailable, match=r"roles/datastore\.user"),
    ):
        store.ping()


def test_an_invalid_write_is_refused() -> None:
    with answering(grpc.StatusCode.INVALID_ARGUMENT) as store, pytest.raises(StoreRefused):
        CALLS["write"](store)


@pytest.fixture
def no_google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nobody configured anything of Google's."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.mark.usefixtures("no_google")
def test_a_firestore_without_credentials_stops_the_start_and_says_what_to_put_where(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ISSUETRACKER_STORE = {
        "BACKEND": "issuetracker.providers.firebase.FirebaseHelperProvider",
        "OPTIONS": {"project": "", "credentials": tmp_path / "firebase.json"},
    }
    providers.get_store.cache_clear()
    try:
        with pytest.raises(SystemCheckError) as failure:
            call_command("check")
        store = providers.get_store()
    finally:
        providers.get_store.cache_clear()
    for name in (
        "issuetracker.E003",
        ".credentials/integrations/firebase.json",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "FIRESTORE_EMULATOR_HOST",
    ):
        assert name in str(failure.value)
    with pytest.raises(ImproperlyConfigured, match=r"firebase\.json"):
        store.get_many([new_id()])


@pytest.mark.usefixtures("no_google")
def test_a_broken_credentials_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "firebase.json"
    path.write_text("{}")
    messages = FirebaseHelperProvider("test", path).check()
    assert [message.id for message in messages] == ["issuetracker.E003"]


def test_a_store_that_does_not_exist_is_a_system_check_error(settings: Settings) -> None:
    settings.ISSUETRACKER_STORE = {"BACKEND": "issuetracker.providers.nothing.Here"}
    providers.get_store.cache_clear()
    try:
        with pytest.raises(SystemCheckError, match=r"issuetracker\.E001"):
            call_command("check")
    finally:
        providers.get_store.cache_clear()


def test_options_that_the_store_does_not_have_are_a_system_check_error(settings: Settings) -> None:
    settings.ISSUETRACKER_STORE = {
        "BACKEND": "issuetracker.providers.database.DatabaseHelperProvider",
        "OPTIONS": {"colour": "green"},
    }
    providers.get_store.cache_clear()
    try:
        with pytest.raises(SystemCheckError, match="colour"):
            call_command("check")
    finally:
        providers.get_store.cache_clear()


@every_call
def test_a_database_that_is_not_there_is_unavailable(
    call: Call, django_db_blocker: DjangoDbBlocker
) -> None:
    url = f"postgres://a@127.0.0.1:{closed_port()}/a"
    with django_db_blocker.unblock(), unmade(url) as store, pytest.raises(StoreUnavailable):
        call(store)


@every_call
def test_a_database_without_its_tables_is_unavailable(
    call: Call, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    with django_db_blocker.unblock(), unmade(f"sqlite:///{tmp_path / 'empty'}") as store:
        if call is CALLS["ping"]:
            store.ping()
            return
        with pytest.raises(StoreUnavailable):
            call(store)


@pytest.mark.postgres
def test_after_its_connection_was_cut_a_database_is_used_again(
    postgres: PostgresDatabase, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), database_store(postgres.database_url) as store:
        save(store, issue := make_issue())
        cut_others(postgres)
        with pytest.raises(StoreUnavailable):
            store.write_many([Write(make_issue(), None)])
        assert store.get(issue.id) == issue
        save(store, make_issue())


@pytest.mark.postgres
def test_text_that_postgresql_cannot_hold_is_refused_and_the_connection_goes_on(
    postgres: PostgresDatabase, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), database_store(postgres.database_url) as store:
        with pytest.raises(StoreRefused):
            store.write_many([Write(make_issue(description="a\x00b"), None)])
        save(store, make_issue())


def test_in_development_no_statement_is_kept(
    settings: Settings, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    settings.DEBUG = True
    url = f"sqlite:///{tmp_path / 'store'}"
    with django_db_blocker.unblock(), database_store(url) as store:
        save(store, make_issue())
        assert connections[store.using].queries == []


def cut_others(postgres: PostgresDatabase) -> None:
    with psycopg.connect(postgres.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def unmade(url: str) -> Iterator[StoreProvider]:
    """A database store whose tables nobody made."""
    config = connections.configure_settings({"default": {}, "unmade": database(url)})
    connections.settings["unmade"] = config["unmade"]
    try:
        yield DatabaseHelperProvider(using="unmade")
    finally:
        connections["unmade"].close()
        del connections["unmade"]
        del connections.settings["unmade"]
