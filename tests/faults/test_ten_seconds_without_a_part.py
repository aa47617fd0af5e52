"""Each part is away for ten seconds under a steady trickle; nothing is lost or counted twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.services import PARTS, Services
from tests.faults.trickle import Trickle
from tests.system import System, eventually

AWAY = 10.0


class World:
    """The product on parts that are this test's to break.

    Args:
        folder: for everything that it keeps.
        store: ``firestore`` or ``database`` (PostgreSQL).
    """

    def __init__(self, folder: Path, store: str) -> None:
        self.services = Services(folder / "services")
        self._names = ("kafka", "redis", "firestore" if store == "firestore" else "postgres")
        environment = {"ISSUETRACKER_STORE": store, "GOOGLE_CLOUD_PROJECT": "faults"}
        try:
            for name in self._names:
                environment |= PARTS[name].environment(self.services.start(name))
            self.system = System(folder, environment)
            self.system.manage("migrate", "--verbosity", "0")
            self.system.start("web")
            self.system.start("issue-consumer")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all of it."""
        if hasattr(self, "system"):
            self.system.close()
        for name in self._names:
            self.services.kill(name)

    def issues(self) -> dict[str, dict[str, Any]]:
        """Every issue that is stored, by bare id; pending ones are left out."""
        found: dict[str, dict[str, Any]] = {}
        address: str | None = f"{self.system.url}/api/v1/issues?component=trickle&limit=200"
        while address:
            page = requests.get(address, timeout=5).json()
            for item in page["results"]:
                assert item["id"] not in found, f"{item['id']} is listed twice"
                found[item["id"]] = item
            address = page["next"]
        return {key: item for key, item in found.items() if not item["pending"]}

    def counts(self) -> dict[str, int]:
        """How often each stored issue was counted."""
        return {issue_id: item["count"] for issue_id, item in self.issues().items()}


@contextmanager
def killed(world: World, part: str) -> Iterator[None]:
    """The part is killed with -9 and started again."""
    world.services.kill(part)
    yield
    world.services.start(part)


@contextmanager
def frozen(world: World, part: str) -> Iterator[None]:
    """The part stops answering and then goes on."""
    world.services.pause(part)
    yield
    world.services.resume(part)


@contextmanager
def consumer_stopped(world: World, part: str) -> Iterator[None]:
    """The consumer ends as it does in a deployment, and is started again."""
    assert world.system.stop(part) == 0
    yield
    world.system.start(part)


CASES = [
    # The emulator keeps its documents in memory: it can be frozen, but not killed.
    ("kafka killed", "firestore", killed, "kafka", {201, 202}),
    ("kafka frozen", "firestore", frozen, "kafka", {201, 202}),
    ("redis killed", "firestore", killed, "redis", {202}),
    ("firestore frozen", "firestore", frozen, "firestore", {202}),
    ("postgres killed", "database", killed, "postgres", {202}),
    ("consumer stopped", "firestore", consumer_stopped, "issue-consumer", {202}),
]


@pytest.mark.kafka
@pytest.mark.redis
@pytest.mark.firestore
@pytest.mark.postgres
@pytest.mark.parametrize(
    ("store", "fault", "part", "allowed"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_every_accepted_report_is_stored_exactly_once_after(
    store: str,
    fault: Callable[[World, str], Any],
    part: str,
    allowed: set[int],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    world = World(tmp_path, store)
    try:
        trickle = Trickle(world.system.url)
        trickle.start()
        time.sleep(2)
        with fault(world, part):
            time.sleep(AWAY)
        back = time.monotonic()
        time.sleep(2)
        trickle.stop()
        expected = trickle.expected()
        eventually(
            lambda: world.counts() == expected,
            f"the store holds each report once\n{world.system.log('issue-consumer')}",
            within=45,
            every=0.5,
        )
        recovered = time.monotonic() - back
        answers = dict(trickle.answers())
        print(f"\n{part}: {len(trickle.reports)} reports, {answers}, done {recovered:.1f} s after")
        record_property("answers", str(answers))
        assert set(answers) <= allowed, f"{answers}\n{world.system.log('web')}"
    finally:
        world.close()
