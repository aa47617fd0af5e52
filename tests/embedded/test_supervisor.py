"""Processes that live and end together, whatever each of them does."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

import pytest

from embedded.supervisor import NotReady, Part, PartEnded, Running, Supervisor
from tests.embedded.launch import Launch, await_end_of, still_running
from tests.system import ROOT

Write = Callable[[str, str], Part]


@pytest.fixture
def part(tmp_path: Path) -> Write:
    """Makes a part of some lines of Python."""

    def write(name: str, code: str) -> Part:
        script = tmp_path / f"{name}.py"
        script.write_text(f"import os, signal, subprocess, sys, time\n{textwrap.dedent(code)}")
        return Part(name, (str(script),))

    return write


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    one = Supervisor(os.environ)
    yield one
    one.stop_all()


def ended_with(supervisor: Supervisor, running: Running) -> str:
    with pytest.raises(PartEnded) as failure:
        supervisor.wait()
    assert running.ended
    return str(failure.value)


def test_a_part_that_fails_is_named_with_its_status(supervisor: Supervisor, part: Write) -> None:
    supervisor.start(part("steady", "time.sleep(60)"))
    broken = supervisor.start(part("broken", "sys.exit(3)"))
    assert ended_with(supervisor, broken) == "broken ended by itself (exit status 3)"


def test_a_part_that_ends_well_but_unasked_is_named_too(
    supervisor: Supervisor, part: Write
) -> None:
    finished = supervisor.start(part("finished", "pass"))
    assert ended_with(supervisor, finished) == "finished ended by itself (exit status 0)"


def test_a_part_that_is_killed_takes_its_own_children_with_it(
    supervisor: Supervisor, part: Write
) -> None:
    code = """
    child = subprocess.Popen(["sleep", "60"])
    print(f"@announce {child.pid}", flush=True)
    time.sleep(60)
    """
    parent = supervisor.start(part("parent", code))
    grandchild = int(supervisor.announcement(parent))
    os.kill(parent.process.pid, SIGKILL)
    assert "signal SIGKILL" in ended_with(supervisor, parent)
    await_end_of([grandchild])


def test_a_part_that_ignores_the_request_is_killed(
    supervisor: Supervisor, part: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("@announce ready", flush=True)
    time.sleep(60)
    """
    stubborn = supervisor.start(part("stubborn", code))
    supervisor.announcement(stubborn)
    supervisor.stop(stubborn, seconds=0.3)
    assert stubborn.ended
    assert "stubborn did not end in time and was killed" in capsys.readouterr().out


def test_a_part_that_announces_nothing_is_waited_for_only_so_long(
    supervisor: Supervisor, part: Write
) -> None:
    silent = supervisor.start(part("silent", "time.sleep(60)"))
    with pytest.raises(NotReady, match="silent was not ready after 0 s"):
        supervisor.announcement(silent, seconds=0.2)


def test_each_line_comes_out_whole_under_its_part_s_name(
    supervisor: Supervisor, part: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    talking = part("talking", "os.write(1, b'caf\\xc3\\xa9 \\xff|\\n'); os.write(2, b'error')")
    once = Part(talking.name, talking.command, once=True)
    assert supervisor.wait_for_end(supervisor.start(once)) == 0
    shown = [line.partition("| ") for line in capsys.readouterr().out.splitlines()]
    assert {name.strip() for name, _, _ in shown} == {"talking"}
    assert [text for _, _, text in shown] == ["café \ufffd|", "error"]


MINIATURE = """
import os, sys
from embedded.supervisor import Part, StopRequested, Supervisor

supervisor = Supervisor(os.environ)
supervisor.listen_for_signals()
for name, delay in (("first", 0.0), ("last", 0.5)):
    supervisor.start(Part(name, (sys.argv[1],), orphan_delay=delay))
try:
    supervisor.wait()
except StopRequested:
    supervisor.forget_stop_requests()
    supervisor.stop_all()
"""

SLEEPER = """
import signal, sys, time
def end(*_):
    print("told to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def miniature(tmp_path: Path) -> Iterator[Callable[[str], Launch]]:
    """Starts a process with a supervisor and two parts of the given code."""
    (tmp_path / "launcher.py").write_text(MINIATURE)
    started: list[Launch] = []

    def start(code: str) -> Launch:
        (tmp_path / "part.py").write_text(code)
        command = (str(tmp_path / "launcher.py"), str(tmp_path / "part.py"))
        one = Launch(tmp_path, {"PYTHONPATH": str(ROOT)}, command)
        started.append(one)
        for name in ("first", "last"):
            one.find(rf"^{name} +\| (started)")
        return one

    yield start
    for one in started:
        one.end(SIGKILL)


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_a_request_to_end_reaches_every_part(
    miniature: Callable[[str], Launch], number: int
) -> None:
    one = miniature(SLEEPER)
    pids = one.pids()
    assert len(pids) == 2
    assert one.end(number) == 0  # type: ignore[arg-type]
    assert still_running(pids) == []
    assert one.output.count("told to end") == 2


def test_parts_notice_that_the_launcher_was_killed_and_end(
    miniature: Callable[[str], Launch],
) -> None:
    one = miniature(SLEEPER)
    first, last = one.pids()
    one.process.send_signal(SIGKILL)
    await_end_of([first])
    assert still_running([last]) == [last]
    await_end_of([last])


def test_a_second_request_ends_it_at_once(miniature: Callable[[str], Launch]) -> None:
    one = miniature(SLEEPER.replace("sys.exit(0)", "time.sleep(60)"))
    pids = one.pids()
    one.process.send_signal(SIGINT)
    one.find(r"^last +\| (told to end)")
    began = time.monotonic()
    one.process.send_signal(SIGINT)
    one.find(r"^(last did not end in time and was killed)$")
    assert one.end(SIGINT) == 0
    assert still_running(pids) == []
    assert time.monotonic() - began < 9


def test_a_launcher_that_nobody_reads_any_more_ends(tmp_path: Path) -> None:
    (tmp_path / "launcher.py").write_text(MINIATURE)
    (tmp_path / "part.py").write_text(SLEEPER.replace('print("started"', 'print("y\\n" * 9999'))
    command = [sys.executable, str(tmp_path / "launcher.py"), str(tmp_path / "part.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().endswith(b"| y\n")
        process.stdout.close()
        process.wait(timeout=30)
