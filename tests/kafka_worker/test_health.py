"""What a worker says about itself over HTTP: whether it lives, and which part is missing."""

import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.handlers import Part
from kafka_worker.health import Health, View
from kafka_worker.messages import Message
from kafka_worker.policies import RetryPolicy
from kafka_worker.worker import Worker
from tests.kafka_worker.helpers import Recorder, eventually, produce, running
from tests.kafka_worker.processes import Process
from tests.services import KafkaBroker, unique
from tests.system import free_port


@pytest.fixture
def config(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers, health_port=free_port())


def get(config: WorkerConfig, path: str) -> tuple[int, str]:
    try:
        address = f"http://{config.health_host}:{config.health_port}{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, "{}"


def ask(config: WorkerConfig, path: str) -> tuple[int, dict[str, Any]]:
    status, body = get(config, path)
    return status, json.loads(body)


def becomes(config: WorkerConfig, path: str, status: int) -> dict[str, Any]:
    """The first answer with this status."""
    answers: list[tuple[int, dict[str, Any]]] = []

    def look() -> bool:
        answers.append(ask(config, path))
        return answers[-1][0] == status

    eventually(look)
    return answers[-1][1]


def sample(name: str, handler: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"handler": handler})


class Needing(Recorder):
    """Needs the parts that the test names."""

    outside: Sequence[Part] = ()

    def parts(self) -> Sequence[Part]:
        return self.outside


def test_a_worker_at_work_lives_is_ready_and_shows_its_metrics(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    handler = Needing(kafka.topic(partitions=2), kafka.group())
    handler.outside = [Part("mail", lambda: None)]
    with running(handler, config):
        document = becomes(config, "/readyz", 200)
        assert ask(config, "/livez") == (200, {"status": "ok", "reasons": []})
        eventually(
            lambda: (
                'kafka_worker_lag{handler="recorder",partition="1"} 0.0'
                in get(config, "/metrics")[1]
            )
        )
        assert get(config, "/elsewhere")[0] == 404
    parts = dict.fromkeys(["broker", "mail", "topic", "partitions", "handler"], "ready")
    assert document == {
        "status": "ready",
        "handler": "recorder",
        "parts": parts,
        "partitions": [0, 1],
    }


def test_readiness_names_a_part_that_is_down_and_one_that_hangs(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    over = threading.Event()

    def fail() -> None:
        raise OSError("password=secret")

    handler = Needing(kafka.topic(partitions=1), kafka.group())
    handler.outside = [Part("mail", fail), Part("printer", over.wait)]
    with running(handler, config):
        eventually(lambda: ask(config, "/readyz")[1].get("partitions") == [0])
        started = time.monotonic()
        status, document = ask(config, "/readyz")
        seconds = time.monotonic() - started
        over.set()
    assert (status, document["status"]) == (503, "not ready")
    assert document["parts"]["mail"] == "down"
    assert document["parts"]["printer"] == "no answer within 2 s"
    assert document["parts"]["broker"] == "ready"
    assert seconds < 8


def test_a_part_that_is_not_required_only_degrades(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    def fail() -> None:
        raise OSError("away")

    handler = Needing(kafka.topic(partitions=1), kafka.group())
    handler.outside = [Part("cache", fail, required=False)]
    with running(handler, config):
        document = becomes(config, "/readyz", 200)
    assert (document["status"], document["parts"]["cache"]) == ("degraded", "down")


def test_a_spare_worker_without_partitions_is_ready_and_says_so(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    topic, group = kafka.topic(partitions=1), kafka.group()
    spare = replace(config, health_port=free_port())
    with running(Recorder(topic, group), config):
        becomes(config, "/readyz", 200)
        with running(Recorder(topic, group), spare):
            document = becomes(spare, "/readyz", 200)
    assert document["partitions"] == []
    assert document["parts"]["partitions"].startswith("ready: a spare")


def test_without_a_broker_it_lives_and_is_not_ready() -> None:
    nowhere = WorkerConfig(bootstrap_servers="127.0.0.1:1", health_port=free_port())
    with running(Recorder("orders", "billing"), nowhere):
        document = becomes(nowhere, "/readyz", 503)
        assert ask(nowhere, "/livez")[0] == 200
    assert document["parts"] == {
        "broker": "down",
        "topic": "starting",
        "partitions": "the group has assigned none yet",
        "handler": "ready",
    }


def test_an_outage_of_the_store_shows_in_readiness_metrics_and_log(
    kafka: KafkaBroker, config: WorkerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    down = threading.Event()
    down.set()

    def act(_message: Message) -> None:
        if down.is_set():
            raise Unavailable("the store")

    caplog.set_level(logging.INFO)
    handler = Recorder(kafka.topic(partitions=1), kafka.group(), act)
    handler.name = unique("waiting")  # type: ignore[misc]
    produce(kafka.bootstrap_servers, handler.topic, [b"1", b"2"])
    with running(handler, replace(config, report_interval=timedelta(seconds=1))):
        eventually(
            lambda: (
                "waiting for the store" in ask(config, "/readyz")[1]["parts"]["handler"]
                if ask(config, "/readyz")[0]
                else False
            )
        )
        assert ask(config, "/readyz")[0] == 503
        assert ask(config, "/livez")[0] == 200
        eventually(lambda: sample("kafka_worker_waiting_for_outage", handler.name) == 1)
        eventually(lambda: (sample("kafka_worker_oldest_unwritten_seconds", handler.name) or 0) > 2)
        eventually(lambda: "; waiting for the store" in caplog.text)
        down.clear()
        assert becomes(config, "/readyz", 200)["parts"]["handler"] == "ready"
        eventually(lambda: sample("kafka_worker_waiting_for_outage", handler.name) == 0)
        eventually(lambda: sample("kafka_worker_oldest_unwritten_seconds", handler.name) == 0)


def test_a_message_that_only_waits_for_its_time_is_no_outage(
    kafka: KafkaBroker, config: WorkerConfig
) -> None:
    class NotYet(Unavailable):
        is_outage = False

    def act(_message: Message) -> None:
        raise NotYet("the hour")

    handler = Recorder(kafka.topic(partitions=1), kafka.group(), act)
    handler.retry = RetryPolicy(first_delay=timedelta(minutes=1), max_delay=timedelta(minutes=1))
    produce(kafka.bootstrap_servers, handler.topic, [b"1"])
    with running(handler, config):
        eventually(lambda: handler.calls)
        assert becomes(config, "/readyz", 200)["parts"]["handler"] == "ready"


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """Blocks whoever logs an assignment, which is the loop in a callback, until it is set."""
    over = threading.Event()

    def block(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Assigned partitions"):
            over.wait(30)
        return True

    target = logging.getLogger("kafka_worker.intake")
    target.setLevel(logging.INFO)
    target.addFilter(block)
    yield over
    over.set()
    target.removeFilter(block)
    target.setLevel(logging.NOTSET)


def test_a_loop_that_is_stuck_in_a_callback_fails_liveness_until_it_turns_again(
    kafka: KafkaBroker,
    config: WorkerConfig,
    blocked: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = Recorder(kafka.topic(partitions=1), kafka.group())
    with running(handler, replace(config, loop_limit=timedelta(seconds=2))):
        document = becomes(config, "/livez", 503)
        ask(config, "/livez")
        blocked.set()
        becomes(config, "/livez", 200)
    assert document["status"] == "stuck"
    assert "the loop has not turned for" in document["reasons"][0]
    assert caplog.text.count("over.wait(30)") == 1


def test_a_call_past_its_time_limit_fails_liveness() -> None:
    handler = Recorder("orders", "billing")
    handler.time_limit = timedelta(seconds=5)
    view = View(starting=False, stuck=0.1, loop_thread=None, call=7)
    config = WorkerConfig(bootstrap_servers="x:1")
    good, document = Health(handler, config, Part("broker", lambda: None), lambda: view).live()
    assert not good
    assert document["reasons"] == ["a call of the handler has taken 7 s; its limit is 0:00:05"]


def test_a_port_in_use_is_an_error_that_says_what_to_change(config: WorkerConfig) -> None:
    with socket.create_server(("127.0.0.1", config.health_port)):
        worker = Worker(Recorder("orders", "billing"), config)
        with pytest.raises(ConfigurationError, match=rf"{config.health_port}.*WORKER_PORT"):
            worker.run()


def test_the_command_serves_the_port_it_is_given(process: Process) -> None:
    port = free_port()
    config = WorkerConfig(bootstrap_servers="x:1", health_port=port)
    worker = process.start("--health-port", str(port))
    assert becomes(config, "/readyz", 200)["handler"] == "acting"
    worker.terminate()
    _, logged = worker.communicate(timeout=20)
    assert worker.returncode == 0, logged
