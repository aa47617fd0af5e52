"""Every row of the table of `make faults`, briefly: nothing lost, nothing twice.

The same rows with more load, for longer: ``make faults``.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.faults import disks
from tests.faults.breaking import ROWS, Row
from tests.faults.running import run
from tests.faults.world import World

RATE = 60
SECONDS = 4.0
_MARKS = {
    "firestore": [pytest.mark.kafka, pytest.mark.redis, pytest.mark.firestore],
    "postgres": [pytest.mark.kafka, pytest.mark.redis, pytest.mark.postgres],
    "sqlite": [
        pytest.mark.kafka,
        pytest.mark.redis,
        pytest.mark.skipif(not disks.available(), reason="only root on Linux can fill a disk"),
    ],
}


class Worlds:
    """One world at a time; those of one store's rows share it."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._world: World | None = None
        self._stack = ExitStack()

    def on(self, store: str) -> World:
        """A world on this store, with nothing broken."""
        if self._world is None or self._world.store != store:
            self.close()
            disk = self._stack.enter_context(disks.small(store == "sqlite"))
            self._world = World(self._factory.mktemp(store), store, disk=disk)
            self._stack.callback(self._world.close)
        return self._world

    def close(self) -> None:
        """End the present one; after a failed row the next begins in a new one."""
        self._world = None
        self._stack.close()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    worlds = Worlds(tmp_path_factory)
    yield worlds
    worlds.close()


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=_MARKS[row.store], id=row.name) for row in ROWS]
)
def test_what_was_answered_is_what_is_stored_after(
    row: Row, worlds: Worlds, django_db_blocker: DjangoDbBlocker
) -> None:
    world = worlds.on(row.store)
    try:
        with django_db_blocker.unblock():
            result = run(world, row, rate=RATE, seconds=SECONDS)
        found = result.audit
        assert (found.lost, found.twice, found.wrong, result.letters) == ([], [], [], 0)
        assert set(result.answers) <= row.answers
    except BaseException:
        print(world.system.log("issue-consumer"), world.system.log("web"), sep="\n")
        worlds.close()
        raise
