"""With real addresses in the environment, the same command uses the real parts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from confluent_kafka.admin import AdminClient

from deploy.services import PARTS, Services
from tests.embedded.launch import Launch
from tests.embedded.test_first_start import issues
from tests.system import eventually


@pytest.fixture
def addresses(
    tmp_path: Path, kafka: object, redis_server: object, postgres: object
) -> Iterator[dict[str, str]]:
    """Parts of this test's own, as the product's names in them are fixed.

    The shared ones are asked for only so that a missing one skips the test by name.
    """
    services = Services(tmp_path / "services")
    found: dict[str, str] = {}
    try:
        for name in ("kafka", "redis", "postgres"):
            found |= PARTS[name].environment(services.start(name))
        yield found
    finally:
        for name in ("kafka", "redis", "postgres"):
            services.kill(name)


def test_the_example_goes_through_the_parts_that_are_named(
    tmp_path: Path, addresses: dict[str, str]
) -> None:
    # A tracker elsewhere, such as the one in a developer's shell, must never hear of it.
    elsewhere = {
        "ISSUETRACKER_URL": "http://192.0.2.1:6001",
        "ISSUETRACKER_TOKEN": "aft_other",
        "DJANGO_SETTINGS_MODULE": "another.project",
    }
    launch = Launch(tmp_path / "var", {**addresses, **elsewhere})
    try:
        launch.ready()
        for part, variable in (("Kafka", "KAFKA_BOOTSTRAP_SERVERS"), ("Redis", "REDIS_URL")):
            assert launch.find(rf"^  {part} +(\S+) +\({variable}\)$") == addresses[variable]
        launch.find(r"^  Database +(\S+) +\(DATABASE_URL\)$")
        assert "in memory only" not in launch.output
        assert launch.pids("kafka") == []
        assert launch.pids("redis") == []
        found = eventually(
            lambda: [each for each in issues(launch) if not each["pending"]], "the example's issue"
        )
        with redis.Redis.from_url(addresses["REDIS_URL"], decode_responses=True) as client:
            assert client.zrange("issuetracker:issues:recent", 0, -1) == [found[0]["id"]]
        admin = AdminClient({"bootstrap.servers": addresses["KAFKA_BOOTSTRAP_SERVERS"]})
        assert "alphafusion.issues" in admin.list_topics(timeout=10).topics
        assert not (tmp_path / "var" / "issuetracker.sqlite3").exists()
    finally:
        assert launch.end() == 0
