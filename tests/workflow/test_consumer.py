"""The consumer as a process, on a real broker: start, fail, redeliver, kill, resume."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from kafka_worker.config import WorkerConfig
from settings.base import BASE_DIR
from tests.services import KafkaBroker
from tests.workflow.messages import start
from tests.workflow.tracker import LocalTracker
from workflow.messages import StartWorkflow
from workflow.models import Run, Status, Step
from workflow.publisher import publish

pytestmark = pytest.mark.kafka

WAIT = 60


class Fleet:
    """Consumers of the sample app's workflows, as processes of their own."""

    def __init__(self, environment: dict[str, str], topic: str, folder: Path) -> None:
        self.topic = topic
        self._environment = environment
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []

    def launch(self) -> subprocess.Popen[str]:
        """Start a consumer."""
        log = (self._folder / f"consumer-{len(self._processes)}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_worker", "sample-workflows"],
            cwd=BASE_DIR,
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        log.close()
        self._processes.append(process)
        return process

    def steps_begun(self, message: StartWorkflow) -> list[str]:
        """The steps that a run has begun, in order, with repetitions."""
        journal = self._folder / message.run_id
        return journal.read_text().split() if journal.exists() else []

    def log(self) -> str:
        """What all consumers wrote."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("consumer-*.log")))

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._processes:
            process.kill()
            process.wait(10)


@pytest.fixture
def fleet(
    kafka: KafkaBroker, sqlite_file: str, tracker: LocalTracker, tmp_path: Path
) -> Iterator[Fleet]:
    topic = kafka.topic("workflows", partitions=1)
    environment = (
        os.environ
        | kafka.environment
        | {
            "DJANGO_DEBUG": "1",
            "DJANGO_EXTRA_APPS": "tests.workflow.sample",
            "DJANGO_SETTINGS_MODULE": "settings.base",
            "DATABASE_URL": sqlite_file,
            "ISSUETRACKER_URL": tracker.url,
            "ISSUETRACKER_TOKEN": "",
            "SAMPLE_TOPIC": topic,
            "SAMPLE_GROUP": kafka.group("workflows"),
            "SAMPLE_FOLDER": str(tmp_path),
        }
    )
    fleet = Fleet(environment, topic, tmp_path)
    yield fleet
    fleet.end()


@pytest.fixture
def send(kafka: KafkaBroker, fleet: Fleet) -> Callable[[StartWorkflow], None]:
    config = WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)
    return lambda message: publish(message, config, topic=fleet.topic)


def _until(fleet: Fleet, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, fleet.log()
        time.sleep(0.05)


def _status(message: StartWorkflow) -> str:
    return Run.objects.filter(pk=message.run_id).values_list("status", flat=True).first() or ""


def test_a_message_becomes_a_run_and_its_exception_a_report(
    fleet: Fleet, send: Callable[[StartWorkflow], None], tracker: LocalTracker
) -> None:
    good, bad = start("nightly-report", fail=False), start("nightly-report")
    consumer = fleet.launch()
    for message in (good, bad, good, bad):
        send(message)
    _until(fleet, lambda: _status(bad) == Status.FAILED and len(tracker.reports) == 1)
    assert _status(good) == Status.SUCCEEDED
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(WAIT) == 0
    # The second delivery of each did nothing.
    assert [report["context"]["run_id"] for report in tracker.reports] == [bad.run_id]
    assert set(Run.objects.values_list("attempts", flat=True)) == {1}
    assert "Issue tracker client initialized (for exception reporting)" in fleet.log()


def test_a_consumer_killed_in_the_middle_of_a_step_leaves_a_run_that_another_finishes(
    fleet: Fleet, send: Callable[[StartWorkflow], None]
) -> None:
    message = start("sample-slow")
    first = fleet.launch()
    send(message)
    _until(fleet, lambda: fleet.steps_begun(message) == ["first", "second"])
    first.kill()
    first.wait(10)
    assert _status(message) == Status.RUNNING
    fleet.launch()
    _until(fleet, lambda: _status(message) == Status.SUCCEEDED)
    assert fleet.steps_begun(message) == ["first", "second", "second"]
    second = Step.objects.get(run_id=message.run_id, name="second")
    assert (second.result, second.attempts, second.interruptions) == (42, 2, 1)
    assert Run.objects.get(pk=message.run_id).attempts == 2


def test_what_is_no_start_of_a_known_workflow_goes_to_the_dead_letters(
    fleet: Fleet, send: Callable[[StartWorkflow], None], kafka: KafkaBroker, tracker: LocalTracker
) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(fleet.topic, b"not json", key=b"k")
    assert producer.flush(10) == 0
    send(start("no-such-workflow"))
    last = start("sample-failing")
    send(last)
    fleet.launch()
    _until(fleet, lambda: _status(last) == Status.FAILED)
    _until(fleet, lambda: len(tracker.reports) == 2)
    letters = _read(kafka, f"{fleet.topic}.dead-letters", 2)
    assert letters[0] == (b"not json", b"malformed")
    assert b"no-such-workflow" in letters[1][0]
    assert letters[1][1] == b"unknown workflow"


def _read(kafka: KafkaBroker, topic: str, count: int) -> list[tuple[Any, Any]]:
    """Value and reason of the dead letters in ``topic``."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": f"readers-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    try:
        found = consumer.consume(count, timeout=30)
    finally:
        consumer.close()
    assert len(found) == count
    letters = [(message.value(), dict(message.headers() or [])) for message in found]
    return sorted((value, headers["dead-letter-reason"]) for value, headers in letters)
