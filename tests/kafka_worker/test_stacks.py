"""Where a handler is that takes long: in the log, and when an operator asks."""

import signal
import time
from datetime import timedelta

import pytest

from kafka_worker.config import WorkerConfig
from kafka_worker.messages import Message
from tests.kafka_worker.helpers import Recorder, eventually, produce, running
from tests.kafka_worker.processes import Process
from tests.services import KafkaBroker


def sleep_long(message: Message) -> None:
    time.sleep(4 if message.value == b"slow" else 0)


def test_a_call_that_takes_long_is_logged_with_its_stack_seldom(
    kafka: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Recorder(kafka.topic(partitions=1), kafka.group(), sleep_long)
    handler.time_limit = timedelta(seconds=10)
    config = WorkerConfig(
        bootstrap_servers=kafka.bootstrap_servers, slow_call=timedelta(seconds=0.5)
    )
    produce(kafka.bootstrap_servers, handler.topic, [b"quick", b"slow", b"quick", b"slow"])
    with running(handler, config):
        eventually(lambda: len(handler.handled) == 4)
    said = [each.getMessage() for each in caplog.records if "a call has taken" in each.getMessage()]
    # Each after a second, a tenth of the limit, and after two.
    assert 2 <= len(said) <= 6
    assert all("time.sleep(4" in each and "limit is 0:00:10" in each for each in said)


def test_a_signal_shows_where_every_thread_is(process: Process) -> None:
    process.produce(b"sleep 60")
    worker = process.start("--grace", "0")
    eventually(lambda: process.begun(0))
    worker.send_signal(signal.SIGUSR1)
    time.sleep(1)
    assert worker.poll() is None
    worker.terminate()
    _, logged = worker.communicate(timeout=20)
    shown = logged.partition("Current thread")[2].partition("stopping")[0]
    assert "in handle" in logged
    assert "_turn" in shown
