"""What one caller is answered, and how soon, while parts are frozen: always within 2.0 s."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from tests.faults.world import World
from tests.system import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.postgres]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"), "postgres")
    yield world
    world.close()


@contextmanager
def frozen(world: World, part: str) -> Iterator[None]:
    """The part stops answering and then goes on."""
    world.services.pause(part)
    try:
        yield
    finally:
        world.services.resume(part)


def _send(
    world: World, method: str = "POST", address: str = "/api/v1/issues", **body: str
) -> tuple[int, dict[str, Any], float]:
    began = time.monotonic()
    answer = requests.request(method, world.system.url + address, json=body, timeout=5)
    return answer.status_code, answer.json(), time.monotonic() - began


def _report(world: World) -> tuple[int, dict[str, Any], float]:
    return _send(world, title="Test Issue", component="trickle", event_id=str(uuid.uuid4()))


def _all_is_well(world: World) -> bool:
    parts = requests.get(f"{world.system.url}/readyz", timeout=5).json()["parts"]
    # Two workers answer; each has its own producer.
    return set(parts.values()) == {"ready"} and [_report(world)[0] for _ in range(6)] == [202] * 6


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (["redis"], 202),
        (["postgres"], 202),
        (["redis", "postgres"], 202),
        (["kafka"], 201),
        (["kafka", "redis"], 201),
        (["kafka", "postgres"], 503),
        (["kafka", "redis", "postgres"], 503),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
def test_every_answer_comes_within_the_clients_deadline(
    world: World, parts: list[str], status: int
) -> None:
    eventually(lambda: _all_is_well(world), "everything works", within=60, every=0.5)
    with ExitStack() as away:
        for part in parts:
            away.enter_context(frozen(world, part))
        answers = [_report(world) for _ in range(6)]
    assert {found for found, _, _ in answers} == {status}
    assert max(seconds for _, _, seconds in answers) < 2.0
    if status == 503:
        assert all(document["status"] == 503 for _, document, _ in answers)


def test_what_redis_knows_can_be_read_and_changed_while_the_store_is_away(world: World) -> None:
    eventually(lambda: _all_is_well(world), "everything works", within=60, every=0.5)
    address = _report(world)[1]["url"]
    with frozen(world, "postgres"):
        changed, _, seconds = _send(world, "PATCH", address, status="resolved")
        shown, issue, _ = _send(world, "GET", address)
    assert (changed, shown, issue["status"]) == (202, 200, "resolved")
    assert seconds < 2.0
