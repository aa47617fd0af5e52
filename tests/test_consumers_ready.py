"""Which part a consumer says is missing, for each role."""

from pathlib import Path

import pytest
import requests

from tests.brokers import MemoryBroker
from tests.system import System, eventually, free_port

NOWHERE = "postgresql://nobody:hunter2@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        ("issue-consumer", {"store (database)": "down", "recents (Redis)": "down"}),
        ("workflow-consumer", {"database": "down"}),
    ],
)
def test_a_consumer_whose_parts_are_away_lives_and_names_them(
    broker: MemoryBroker, tmp_path: Path, role: str, parts: dict[str, str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    system = System(
        tmp_path,
        {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "ISSUETRACKER_STORE": "database",
            "DATABASE_URL": NOWHERE,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "WORKER_PORT": address.rpartition(":")[2],
        },
    )
    try:
        system.start(role)
        answer = requests.get(f"{address}/readyz", timeout=10)
        alive = requests.get(f"{address}/livez", timeout=10)
    finally:
        system.close()
    document = answer.json()
    assert (answer.status_code, document["status"]) == (503, "not ready")
    assert document["parts"].pop("broker") == "ready"
    assert {name: document["parts"][name] for name in parts} == parts
    assert alive.status_code == 200
    assert "hunter2" not in answer.text + system.log(role)


def test_a_batch_that_waits_for_the_store_shows_in_readiness_and_metrics(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    database = tmp_path / "made-later" / "issues.sqlite3"
    system = System(
        tmp_path,
        {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "ISSUETRACKER_STORE": "database",
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": "",
            "WORKER_PORT": address.rpartition(":")[2],
        },
    )

    def waits() -> bool:
        document = requests.get(f"{address}/readyz", timeout=10).json()
        figures = requests.get(f"{address}/metrics", timeout=10).text
        return (
            document["parts"]["handler"].startswith("waiting for the store (database)")
            and 'kafka_worker_waiting_for_outage{handler="issue-consumer"} 1.0' in figures
        )

    try:
        # Its database is not there: what the web server accepts waits in the log.
        system.start("issue-consumer")
        system.start("web")
        report = {"title": "Test Issue"}
        answer = requests.post(f"{system.url}/api/v1/issues", json=report, timeout=10)
        assert answer.status_code == 202
        eventually(waits, "the batch waits")
        database.parent.mkdir()
        system.manage("migrate", "--verbosity", "0")
        eventually(
            lambda: requests.get(f"{address}/readyz", timeout=10).json()["status"] == "ready",
            "the consumer is ready",
            within=60,
        )
        issue = f"{system.url}/api/v1/issues/{answer.json()['id']}"
        eventually(lambda: requests.get(issue, timeout=10).status_code == 200, "it is stored")
    finally:
        system.close()
