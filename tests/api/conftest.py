"""The API in this process, with librdkafka's in-process broker and Django's test database."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.providers.redis import RedisHelperProvider, get_recents
from issuetracker.publisher import IssuePublisher, publishers
from settings.base import cache
from tests.brokers import MemoryBroker
from tests.recents import make_recents
from tests.services import RedisServer, unique


@pytest.fixture(scope="session")
def memory_broker() -> MemoryBroker:
    """One in-process broker for the session."""
    return MemoryBroker()


@pytest.fixture(scope="session")
def _publisher(memory_broker: MemoryBroker) -> Iterator[IssuePublisher]:
    publisher = IssuePublisher(memory_broker.bootstrap_servers, unique("issues"), partitions=4)
    assert publisher.warm(20)
    yield publisher
    publisher.close()


@pytest.fixture
def publisher(_publisher: IssuePublisher) -> Iterator[IssuePublisher]:
    """A publisher that works, in the place of the process's own."""
    before = publishers.replace(_publisher)
    yield _publisher
    publishers.replace(before)


@pytest.fixture
def no_broker() -> Iterator[IssuePublisher]:
    """A publisher without a broker: every change goes past the log."""
    absent = IssuePublisher("", "nowhere")
    before = publishers.replace(absent)
    yield absent
    publishers.replace(before)


@pytest.fixture(autouse=True)
def development(settings: Settings) -> None:
    """A development set-up without Redis, whatever the environment names."""
    settings.CACHES = {"default": cache("")}
    settings.ISSUETRACKER_ACCESS = "local"


@pytest.fixture
def recents(redis_server: RedisServer, settings: Settings) -> Iterator[RedisHelperProvider]:
    """The process's recent view, in a real Redis."""
    make_recents(settings, redis_server.url)
    get_recents.cache_clear()
    yield get_recents()
    get_recents.cache_clear()


@pytest.fixture
def api(transactional_db: None) -> Client:
    """A client on this machine, which needs no token."""
    return Client(raise_request_exception=False)
