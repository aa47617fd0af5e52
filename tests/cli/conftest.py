"""A web process of the product, without a broker: every change is stored at once."""

from collections.abc import Iterator

import pytest

from tests.cli.running import Shell
from tests.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The web process, on SQLite."""
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "", "REDIS_URL": "", "ISSUETRACKER_STORE": "database"}
    system = System(tmp_path_factory.mktemp("system"), nowhere)
    try:
        system.manage("migrate", "--verbosity", "0")
        system.start("web")
        yield system
    finally:
        system.close()


@pytest.fixture
def shell(system: System) -> Shell:
    """A shell in which the tracker's address is set."""
    return Shell(system.url)
