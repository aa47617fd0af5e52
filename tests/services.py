"""The real parts that tests need: what is here, what is started, what was missed.

A part's address comes from the environment where that names one; otherwise the part is the one
that `make services` runs, or is started for this session and stopped after it.
"""

import http.client
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.services import PARTS, ServiceError, Services

VARIABLES = {
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "redis": "REDIS_URL",
    "firestore": "FIRESTORE_EMULATOR_HOST",
    "postgres": "DATABASE_URL",
    "chromium": "CHROMIUM",
}
"""The environment variable that names each part's address."""

MARKERS = {
    "kafka": "kafka",
    "redis_server": "redis",
    "firestore": "firestore",
    "postgres": "postgres",
    "chromium": "browser",
}
"""The marker of each fixture; a test with one of the two gets the other."""

_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_LEASE_SECONDS = 3 * 3600
_MISSING = re.compile(r"part (\w+) is missing")


class MissingPart:
    """Ends a test whose part is not here: skipped on a laptop, failed where it is required.

    Args:
        required: the value of REQUIRE_SERVICES: ``all``, or names with commas, or nothing.
    """

    def __init__(self, required: str) -> None:
        self._required = {name.strip() for name in required.split(",")}

    def report(self, name: str, reason: str) -> None:
        """Skip or fail the present test.

        Args:
            name: a key of `VARIABLES`.
            reason: why the part is not here, and how to get it.
        """
        message = f"part {name} is missing: {reason}"
        if self._required & {"all", name}:
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


def missing_parts(skip_reasons: Iterable[str]) -> list[str]:
    """The names of the parts that tests were skipped for, from the reasons of all skips."""
    found = (_MISSING.search(reason) for reason in skip_reasons)
    return sorted({match[1] for match in found if match})


def find_part(name: str, holder: str) -> dict[str, str]:
    """The product's environment variables for a part, which is started when it is not running.

    Args:
        name: one of `deploy.services.PARTS`.
        holder: the test session, so that it can give the part up when it ends.
    """
    address = os.environ.get(VARIABLES[name], "")
    if address and (name != "postgres" or address.startswith("postgres")):
        return {VARIABLES[name]: address}
    with _missing_reported(name):
        return PARTS[name].environment(Services().start(name, holder))


def own_part(services: Services, name: str) -> dict[str, str]:
    """The same for a part of ``services``, which are the caller's own to stop and freeze.

    Args:
        services: in a folder that nobody else uses.
        name: one of `deploy.services.PARTS`.
    """
    with _missing_reported(name):
        return PARTS[name].environment(services.start(name))


@contextmanager
def _missing_reported(name: str) -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        MissingPart(os.environ.get("REQUIRE_SERVICES", "")).report(name, str(error))
        raise


def unique(prefix: str) -> str:
    """A name that no other test, session or machine uses at the same time."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class KafkaBroker:
    """A real broker.

    Attributes:
        bootstrap_servers: its address, as clients take it.
    """

    bootstrap_servers: str
    _topics: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What points the product to it."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def topic(self, prefix: str = "test", partitions: int = 4, **config: str) -> str:
        """Make a topic of this test's own; deleted when the session ends.

        Args:
            prefix: the beginning of its name.
            partitions: how many it has.
            config: its settings, with ``_`` for ``.``, such as ``retention_ms="1000"``.
        """
        name = unique(prefix)
        settings = {key.replace("_", "."): value for key, value in config.items()}
        new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        admin = self.admin()
        admin.create_topics([new])[name].result(timeout=15)
        self._topics.append(name)
        return name

    def group(self, prefix: str = "test") -> str:
        """A consumer group id of this test's own."""
        return unique(prefix)

    def admin(self) -> AdminClient:
        """A new admin client; keep it until its futures are done."""
        return AdminClient({"bootstrap.servers": self.bootstrap_servers})

    def delete_topics(self) -> None:
        """Delete every topic that `topic` made."""
        if self._topics:
            admin = self.admin()
            for done in admin.delete_topics(self._topics).values():
                done.exception(timeout=15)


@dataclass(frozen=True)
class RedisServer:
    """One database of a real Redis server, empty when a test begins.

    Attributes:
        url: with the number of the database.
    """

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What points the product to it."""
        return {"REDIS_URL": self.url}

    def connect(self) -> redis.Redis:
        """A new client that answers with strings; the caller closes it."""
        return redis.Redis.from_url(self.url, decode_responses=True)


@dataclass(frozen=True)
class FirestoreEmulator:
    """A project of this test's own in the Firestore emulator.

    Attributes:
        host: the emulator as ``host:port``.
        project: the project id.
    """

    host: str
    project: str

    @property
    def environment(self) -> dict[str, str]:
        """What points the product to it."""
        return {"FIRESTORE_EMULATOR_HOST": self.host, "GOOGLE_CLOUD_PROJECT": self.project}

    def clear(self) -> None:
        """Delete every document of the project."""
        address = urlsplit(f"//{self.host}")
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        documents = f"/emulator/v1/projects/{self.project}/databases/(default)/documents"
        try:
            connection.request("DELETE", documents)
            connection.getresponse().read()
        finally:
            connection.close()


@dataclass(frozen=True)
class PostgresDatabase:
    """An empty database of this session's own on a real PostgreSQL server.

    Attributes:
        database_url: as ``DATABASE_URL`` takes it.
    """

    database_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What points the product to it."""
        return {"DATABASE_URL": self.database_url}


@dataclass(frozen=True)
class Chromium:
    """A real browser.

    Attributes:
        executable: for Playwright's ``executable_path``.
        arguments: for Playwright's ``args``.
    """

    executable: str
    arguments: tuple[str, ...]


def find_chromium() -> Chromium:
    """The browser on this machine, or the end of the test."""
    named = os.environ.get("CHROMIUM")
    found = [shutil.which(name) for name in ([named] if named else _BROWSERS)]
    executable = next((path for path in found if path), None)
    if executable is None:
        reason = "Install it: `apt-get install chromium`, or name one in CHROMIUM."
        MissingPart(os.environ.get("REQUIRE_SERVICES", "")).report("chromium", reason)
        raise AssertionError(reason)
    quiet = ("--disable-gpu", "--disable-background-networking", "--disable-component-update")
    # Chromium's sandbox does not work for root.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return Chromium(executable, (*quiet, "--disable-sync", *sandbox))


@contextmanager
def leased_redis_database(address: str, holder: str) -> Iterator[RedisServer]:
    """An empty database of a Redis server, for one session alone.

    Args:
        address: a URL of the server; the database it names holds the leases.
        holder: the session, noted in the lease for whoever looks.
    """
    with redis.Redis.from_url(address) as root:
        number = _lease(root, address, holder)
        url = _numbered(address, number)
        try:
            yield RedisServer(url)
        finally:
            flush_database(url)
            root.delete(f"tests:database:{number}")


def flush_database(url: str) -> None:
    """Delete every key of one Redis database."""
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def _lease(root: redis.Redis, address: str, holder: str) -> int:
    count = int(root.config_get("databases")["databases"] or 0)
    # 0 is where a product keeps its keys, and where these leases are.
    for number in range(1, count):
        if not root.set(f"tests:database:{number}", holder, nx=True, ex=_LEASE_SECONDS):
            continue
        with redis.Redis.from_url(_numbered(address, number)) as database:
            if database.dbsize() == 0:
                return number
    raise AssertionError(f"none of the Redis server's {count} databases is empty and free")


def _numbered(address: str, number: int) -> str:
    return urlsplit(address)._replace(path=f"/{number}").geturl()


@contextmanager
def own_postgres_database(server_url: str) -> Iterator[PostgresDatabase]:
    """A new database on a PostgreSQL server, dropped afterwards.

    Args:
        server_url: a database on the server whose user may create others.
    """
    name = unique("test").replace("-", "_")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield PostgresDatabase(urlsplit(server_url)._replace(path=f"/{name}").geturl())
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
