"""The way of a report, followed by its issue's id through the logs of two processes."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Producer

from tests.brokers import MemoryBroker
from tests.system import System, eventually, free_port

TOPIC = "alphafusion.issues"
TITLE = "A title that nobody should read in a log"


class Running:
    """Web and consumer, and what they log."""

    def __init__(self, folder: Path) -> None:
        self.broker = MemoryBroker()
        self.worker = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self.system = System(
            folder,
            {
                "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
                "ISSUETRACKER_STORE": "database",
                "REDIS_URL": "",
                "LOG_FORMAT": "json",
                "LOG_LEVEL": "DEBUG",
                "WORKER_PORT": self.worker.rpartition(":")[2],
            },
        )

    def lines(self, role: str, message: str) -> list[dict[str, Any]]:
        """The log lines of a process whose message begins so."""
        lines = (self._folder / f"{role}.log").read_text().splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in records if each["message"].startswith(message)]

    def everything(self) -> str:
        """All that was logged."""
        return "".join(path.read_text() for path in self._folder.glob("*.log"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    started = Running(tmp_path_factory.mktemp("follow"))
    started.system.manage("migrate", "--verbosity", "0")
    try:
        started.system.start("web")
        started.system.start("issue-consumer")
        yield started
    finally:
        started.system.close()


def test_issue_partition_and_offset_lead_from_the_request_to_the_store(running: Running) -> None:
    report = {"title": TITLE, "context": {"email": "a.person@example.com"}}
    answer = requests.post(f"{running.system.url}/api/v1/issues", json=report, timeout=10)
    assert answer.status_code == 202
    issue_id = answer.json()["id"].removeprefix("temp-")
    stored = eventually(lambda: running.lines("issue-consumer", "In the store"), "it is stored")[0]
    (accepted,) = running.lines("web", "In the log")
    batch = eventually(lambda: running.lines("issue-consumer", "Done with 1"), "it is done")[0]
    for line in (accepted, stored):
        assert line["issue_id"] == issue_id
        assert (line["partition"], line["offset"]) == (accepted["partition"], 0)
        assert line["event_id"] == accepted["event_id"]
    assert batch["offsets"] == {str(accepted["partition"]): "0-0"}
    assert TITLE not in running.everything()
    assert "a.person@example.com" not in running.everything()


def test_a_message_that_can_never_be_applied_is_found_by_its_issue_and_place(
    running: Running,
) -> None:
    issue_id = str(uuid.uuid4())
    producer = Producer({"bootstrap.servers": running.broker.bootstrap_servers})
    producer.produce(TOPIC, TITLE.encode(), issue_id, partition=3)
    assert producer.flush(20) == 0
    buried = eventually(
        lambda: [
            line
            for line in running.lines("issue-consumer", "issue-consumer: ")
            if "went to the dead letters" in line["message"] and line["partition"] == 3
        ],
        "it is a dead letter",
    )[0]
    (refused,) = running.lines("issue-consumer", "Can never be applied")
    assert (refused["issue_id"], refused["level"]) == (issue_id, "WARNING")
    assert (refused["partition"], refused["offset"]) == (3, buried["offset"])
    assert TITLE not in running.everything()


def test_the_consumers_port_tells_its_parts_and_what_the_store_takes(running: Running) -> None:
    answer = requests.get(f"{running.worker}/readyz", timeout=10)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["parts"]["store (database)"] == "ready"
    figures = requests.get(f"{running.worker}/metrics", timeout=10).text
    names = ["issuetracker_changes_total", "issuetracker_issue_writes_total"]
    names += ["issuetracker_write_conflicts_total", "issuetracker_store_seconds_bucket"]
    assert [name for name in names if name not in figures] == []
    assert 'kafka_worker_dead_letters_total{handler="issue-consumer"}' in figures
