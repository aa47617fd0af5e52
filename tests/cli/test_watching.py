"""Issues are told as they come and change."""

import signal
import threading
import uuid
from collections.abc import Iterator
from subprocess import Popen

import pytest

from tests.cli.running import Shell
from tests.system import System, eventually


class Watching:
    """A command that watches, and what it has said so far."""

    def __init__(self, process: Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.beside: list[str] = []
        for stream, kept in ((process.stdout, self.lines), (process.stderr, self.beside)):
            assert stream is not None
            threading.Thread(target=kept.extend, args=(stream,), daemon=True).start()

    def says(self, *words: str) -> str:
        """The line with all the words, once it is there."""

        def look() -> str | None:
            told = [*self.lines, *self.beside]
            return next((line for line in told if all(word in line for word in words)), None)

        return eventually(look, f"{words} among {self.lines} {self.beside}")

    def end(self) -> int:
        """Ctrl-C; the status it ends with."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@pytest.fixture
def name() -> str:
    """A component of the test's own."""
    return f"watched-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def watching(shell: Shell, name: str) -> Iterator[Watching]:
    """The command, watching that component."""
    process = shell.start("watch", f"component:{name}", "--interval", "1")
    found = Watching(process)
    found.says("Watching", shell.url)
    yield found
    if process.poll() is None:
        process.kill()
        process.wait(timeout=30)


def test_what_is_new_comes_back_and_changes_is_told(
    shell: Shell, name: str, watching: Watching
) -> None:
    report = ("log", "Queue full", "-c", name, "--fingerprint", "queue")
    issue_id = shell.good(*report).out.strip()
    shell.good("log", "Another service", "-c", "another")
    assert watching.says("\tnew").split("\t")[0] == issue_id
    shell.good("resolve", issue_id)
    watching.says("\tnow resolved", issue_id)
    shell.good(*report)
    watching.says("\tback, again +1", issue_id)
    shell.good("comment", issue_id, "hm")
    watching.says("\tchanged", issue_id)
    assert watching.end() == 0
    watching.says("1 new, 3 changed")
    assert not [line for line in watching.lines if "Another service" in line]


def test_a_tracker_that_goes_away_is_waited_for(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "", "REDIS_URL": "", "ISSUETRACKER_STORE": "database"}
    system = System(tmp_path_factory.mktemp("leaving"), nowhere)
    shell = Shell(system.url)
    try:
        system.manage("migrate", "--verbosity", "0")
        system.start("web")
        watching = Watching(shell.start("watch", f"component:{name}", "--interval", "1"))
        watching.says("Watching")
        system.stop("web")
        watching.says("does not answer")
        system.start("web")
        shell.good("log", "While nobody looked", "-c", name)
        watching.says("answers again")
        watching.says("While nobody looked", "\tnew")
        assert watching.end() == 0
    finally:
        system.close()


def test_it_can_begin_with_what_was(shell: Shell, name: str) -> None:
    issue_id = shell.good("log", "An hour's news", "-c", name).out.strip()
    watching = Watching(shell.start("watch", f"component:{name}", "--since", "1h"))
    watching.says("An hour's news", "\tnew", issue_id)
    assert watching.end() == 0
