"""Fixtures for the real parts; the rest of a test's world is made by the test itself."""

from collections.abc import Iterator

import pytest

from deploy.services import Services
from deploy.services.manager import holder_of_this_process
from tests import services
from tests.services import (
    MARKERS,
    Chromium,
    FirestoreEmulator,
    KafkaBroker,
    PostgresDatabase,
    RedisServer,
)

_HOLDER = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the session a name that its worker processes share."""
    worker_input = getattr(config, "workerinput", None)
    config.stash[_HOLDER] = worker_input["holder"] if worker_input else holder_of_this_process()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell an xdist worker the name of its session."""
    node.workerinput["holder"] = node.config.stash[_HOLDER]  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep markers and fixtures together, so that either selects and requires the part."""
    for item in items:
        names = getattr(item, "fixturenames", [])
        for fixture, marker in MARKERS.items():
            if fixture in names:
                item.add_marker(marker)
            elif item.get_closest_marker(marker):
                names.insert(0, fixture)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the parts that were not here."""
    skipped = terminalreporter.stats.get("skipped", [])
    names = services.missing_parts(str(report.longrepr) for report in skipped)
    if names:
        terminalreporter.write_line(f"skipped parts: {', '.join(names)}", yellow=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started for this session and nobody else uses."""
    if not hasattr(config, "workerinput"):
        Services().release(config.stash[_HOLDER])


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[KafkaBroker]:
    """A real Kafka broker; make topics and groups of the test's own with it."""
    found = services.find_part("kafka", pytestconfig.stash[_HOLDER])
    broker = KafkaBroker(found["KAFKA_BOOTSTRAP_SERVERS"])
    yield broker
    broker.delete_topics()


@pytest.fixture(scope="session")
def _redis_database(pytestconfig: pytest.Config) -> Iterator[RedisServer]:
    holder = pytestconfig.stash[_HOLDER]
    found = services.find_part("redis", holder)
    with services.leased_redis_database(found["REDIS_URL"], holder) as database:
        yield database


@pytest.fixture
def redis_server(_redis_database: RedisServer) -> RedisServer:
    """A real Redis database that is this session's alone, and empty."""
    services.flush_database(_redis_database.url)
    return _redis_database


@pytest.fixture(scope="session")
def _firestore_host(pytestconfig: pytest.Config) -> str:
    found = services.find_part("firestore", pytestconfig.stash[_HOLDER])
    return found["FIRESTORE_EMULATOR_HOST"]


@pytest.fixture
def firestore(_firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreEmulator]:
    """The Firestore emulator with an empty project; Google's client finds it by itself."""
    emulator = FirestoreEmulator(_firestore_host, services.unique("test"))
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    yield emulator
    emulator.clear()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[PostgresDatabase]:
    """An empty PostgreSQL database for the whole session."""
    found = services.find_part("postgres", pytestconfig.stash[_HOLDER])
    with services.own_postgres_database(found["DATABASE_URL"]) as database:
        yield database


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The browser on this machine."""
    return services.find_chromium()
