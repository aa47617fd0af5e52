"""However a launch ends, all of it ends, in order, and nothing that was accepted is lost."""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL

import requests

from tests.embedded.launch import Launch, await_end_of, still_running

CONSUMERS = ("workflow-consumer", "issue-consumer")
Starter = Callable[..., Launch]


def report(url: str, number: int) -> str:
    body = {
        "title": f"Report {number}",
        "description": "Accepted just before the end.",
        "type": "bug",
        "priority": "low",
        "tags": [],
        "component": "ending",
    }
    answer = requests.post(f"{url}/api/v1/issues", json=body, timeout=10)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"]).removeprefix("temp-")


def stored(url: str) -> set[str]:
    answer = requests.get(f"{url}/api/v1/issues?component=ending&limit=200", timeout=5)
    return {item["id"] for item in answer.json()["results"] if not item["pending"]}


def test_what_was_accepted_before_ctrl_c_is_there_at_the_next_start(
    launch: Starter, tmp_path: Path
) -> None:
    first = launch(tmp_path).ready()
    with ThreadPoolExecutor(8) as threads:
        accepted = set(threads.map(lambda number: report(first.url, number), range(150)))
    pids = first.pids()
    assert first.end(SIGINT) == 0
    assert still_running(pids) == []
    assert "may not be stored" not in first.output
    assert not (tmp_path / "running.json").exists()

    second = launch(tmp_path).ready()
    assert accepted <= stored(second.url)
    assert "An example workflow" not in second.output
    assert second.find(r"^  Login +admin, password in (.+)$") == str(tmp_path / "admin-password")
    for name in CONSUMERS:
        second.find(rf"^{name} *\| .*(Assigned partitions)")
    assert second.end(SIGHUP) == 0
    ending = second.output.partition("Ending everything (SIGHUP)")[2]
    stopped = [ending.index(f"{name}: stopped; everything") for name in CONSUMERS]
    assert stopped == sorted(stopped)
    assert "Traceback" not in ending


def test_a_killed_web_server_ends_all_and_is_named(launch: Starter, tmp_path: Path) -> None:
    one = launch(tmp_path).ready()
    pids = one.pids()
    # The leader alone: its worker holds the port until the launcher ends it.
    os.kill(one.pids("web")[0], SIGKILL)
    assert one.process.wait(timeout=60) == 1
    one.end()
    assert "web ended by itself (signal SIGKILL); ending everything." in one.output
    assert still_running(pids) == []


def test_a_killed_launcher_leaves_no_process(launch: Starter, tmp_path: Path) -> None:
    one = launch(tmp_path).ready()
    pids = one.pids()
    assert len(pids) >= 5
    one.process.send_signal(SIGKILL)
    await_end_of(pids)


def test_an_interrupted_start_leaves_no_process(launch: Starter, tmp_path: Path) -> None:
    one = launch(tmp_path)
    one.find(r"^  (Redis) ")
    pids = one.pids()
    assert one.end(SIGINT) == 0
    assert still_running(pids) == []


def test_a_port_in_use_is_said_and_the_next_one_taken(launch: Starter, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        one = launch(tmp_path, {"PORT": str(port)})
        assert one.find(rf"\(port {port} is in use, so the next free one; (.+)\)$") == (
            "choose with PORT=… make run"
        )
        one.ready()
        assert int(one.url.rpartition(":")[2]) > port
        assert requests.get(f"{one.url}/livez", timeout=5).status_code == 200
        one.end()


def test_a_variable_of_the_wrong_form_is_named_before_anything_starts(
    launch: Starter, tmp_path: Path
) -> None:
    began = time.monotonic()
    one = launch(tmp_path, {"PORT": "6001", "LOG_FORMAT": "xml"})
    assert one.process.wait(timeout=30) == 2
    one.end()
    assert "LOG_FORMAT" in one.output
    assert "Traceback" not in one.output
    assert time.monotonic() - began < 30
