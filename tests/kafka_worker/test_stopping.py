"""How a worker's process ends: on a signal, on its time limit, and when it is killed."""

import signal
import subprocess

import pytest

from kafka_worker.config import WorkerConfig
from tests.kafka_worker.helpers import Recorder, eventually, running
from tests.kafka_worker.processes import Process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_present_message_which_is_committed(
    process: Process, number: signal.Signals
) -> None:
    process.produce(b"quick", b"sleep 1.5", b"quick")
    worker = process.start()
    eventually(lambda: process.begun(1))
    worker.send_signal(number)
    said, logged = worker.communicate(timeout=20)
    assert worker.returncode == 0, logged
    assert process.handled == [0, 1]
    assert process.committed() == 2
    assert (process.folder / "closed").exists()
    first, last = said.splitlines()
    assert first == (
        f"acting: consuming {process.topic} as group {process.group} "
        f"from {process.servers} (Ctrl-C ends it)"
    )
    assert last == "acting: stopped; everything handled is committed"


def test_an_idle_worker_ends_within_a_moment(process: Process) -> None:
    process.produce(b"quick")
    worker = process.start()
    eventually(lambda: process.handled == [0])
    worker.terminate()
    _, logged = worker.communicate(timeout=5)
    assert worker.returncode == 0, logged


def test_a_second_signal_ends_it_at_once(process: Process) -> None:
    process.produce(b"sleep 60")
    worker = process.start()
    eventually(lambda: process.begun(0))
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1)
    worker.terminate()
    _, logged = worker.communicate(timeout=5)
    assert worker.returncode == 1
    assert "time.sleep(float(seconds))" in logged
    assert process.committed() < 0


def test_a_grace_period_that_runs_out_ends_it_without_a_commit(process: Process) -> None:
    process.produce(b"quick", b"sleep 60")
    worker = process.start("--grace", "1")
    eventually(lambda: process.begun(1))
    worker.terminate()
    _, logged = worker.communicate(timeout=15)
    assert worker.returncode == 1
    assert "will be delivered again" in logged
    assert process.committed() <= 1


def test_a_call_past_its_time_limit_ends_the_process_and_shows_where_it_stood(
    process: Process,
) -> None:
    process.produce(b"quick", b"sleep 60")
    worker = process.start("--time-limit", "1")
    _, logged = worker.communicate(timeout=30)
    assert worker.returncode == 1
    assert "a call took longer than 0:00:01" in logged
    assert "time.sleep(float(seconds))" in logged
    assert process.committed() == 1


def test_what_a_killed_worker_has_not_committed_is_delivered_again(process: Process) -> None:
    process.produce(*[b"quick"] * 20, b"sleep 60", b"quick")
    worker = process.start()
    eventually(lambda: process.begun(20) and process.committed() == 20)
    worker.kill()
    worker.wait(10)
    successor = Recorder(process.topic, process.group)
    with running(successor, WorkerConfig(bootstrap_servers=process.servers)):
        eventually(lambda: len(successor.handled) == 2)
    assert [each.offset for each in successor.handled] == [20, 21]


def test_a_static_member_that_restarts_goes_on_without_waiting_for_the_session(
    process: Process,
) -> None:
    process.produce(b"quick")
    worker = process.start("--instance", "worker-0")
    eventually(lambda: process.committed() == 1)
    worker.kill()
    worker.wait(10)
    process.produce(b"quick")
    process.start("--instance", "worker-0")
    eventually(lambda: process.handled == [0, 1])


def test_a_member_that_is_fenced_ends_with_an_error(process: Process) -> None:
    process.produce(b"quick")
    first = process.start("--instance", "worker-0")
    eventually(lambda: process.handled == [0])
    process.start("--instance", "worker-0")
    _, logged = first.communicate(timeout=30)
    assert first.returncode == 1
    assert "CommandError" in logged
