"""The client in processes that end, fork, or hold little more than Python."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.client.servers import Tracker, conversing, free_port, silent

ROOT = Path(__file__).parents[2]
CLIENT = "from issuetracker.client import IssueTrackerClient\n"


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python of its own, and let it end by itself."""
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=False,
    )


BLOCKING = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "django", "rest_framework", "confluent_kafka", "redis", "google", "requests", "urllib3"
        }:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
"""


def test_it_works_where_neither_django_nor_kafka_is_installed(tracker: Tracker) -> None:
    code = (
        BLOCKING
        + CLIENT
        + "\n".join(
            [
                "try:",
                "    import django",
                "except ModuleNotFoundError:",
                "    pass",
                "client = IssueTrackerClient(sys.argv[1])",
                "try:",
                "    1 / 0",
                "except ZeroDivisionError as error:",
                "    print(client.log_exception(error))",
            ]
        )
    )
    done = run(code, tracker.url)
    assert done.stderr == ""
    assert done.stdout.startswith("temp-")
    assert tracker.issues[0]["title"] == "ZeroDivisionError: division by zero"


def test_importing_it_loads_no_tls_thread_or_server() -> None:
    done = run(
        "import sys, threading\nimport issuetracker.client\n"
        "print(threading.active_count(), 'django' in sys.modules, 'asyncio' in sys.modules)"
    )
    assert done.stdout.split() == ["1", "False", "False"]


@pytest.mark.parametrize("answer", ["taken", "refused connection"])
def test_sending_imports_nothing(tracker: Tracker, answer: str) -> None:
    # A fork in the middle of another thread's import leaves the child a lock that never opens.
    code = (
        CLIENT
        + """
import sys
client = IssueTrackerClient(sys.argv[1])
before = set(sys.modules)
client.log_issue("x")
print(client.sent, set(sys.modules) - before)
"""
    )
    url = tracker.url if answer == "taken" else f"http://localhost:{free_port()}"
    assert run(code, url).stdout.strip() == f"{int(answer == 'taken')} set()"


def test_what_is_queued_is_sent_before_the_process_ends(tracker: Tracker) -> None:
    done = run(
        CLIENT + "import sys\n"
        "client = IssueTrackerClient(sys.argv[1], background=True)\n"
        "for number in range(50): client.log_issue(f'issue {number}')\n",
        tracker.url,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(tracker.issues) == 50


def test_what_is_reported_while_the_process_ends_arrives(tracker: Tracker) -> None:
    done = run(
        "import atexit, sys\n"
        "atexit.register(lambda: print(client.log_issue('at the end')))\n"
        + CLIENT
        + "client = IssueTrackerClient(sys.argv[1])\n",
        tracker.url,
    )
    assert done.stdout.startswith("temp-")
    assert [issue["title"] for issue in tracker.issues] == ["at the end"]


def test_a_hung_tracker_holds_the_end_of_a_process_for_two_seconds_at_most() -> None:
    with conversing(silent) as url:
        code = CLIENT + (
            "import sys\n"
            "clients = [IssueTrackerClient(sys.argv[1], background=True) for _ in range(3)]\n"
            "for client in clients: client.log_issue('lost')\n"
        )
        started = time.monotonic()
        done = run(code, url)
        assert time.monotonic() - started < 4.0
    assert done.returncode == 0
    assert done.stderr.count("Not reported to the issue tracker") == 3


FORKING = (
    CLIENT
    + """
import os, sys, time
client = IssueTrackerClient(sys.argv[1], background=sys.argv[2] == "background")
client.log_issue("before the fork")
client.flush(5)
client.log_issue("queued at the fork")
child = os.fork()
name = "parent" if child else "child"
before = client.sent
for number in range(5):
    assert client.log_issue(f"{name} {number}") is not None
assert client.flush(5)
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
assert client.sent == 5, client.sent
"""
)


@pytest.mark.parametrize("mode", ["background", "foreground"])
def test_after_a_fork_both_processes_report_and_nothing_is_sent_twice(
    tracker: Tracker, mode: str
) -> None:
    done = run(FORKING, tracker.url, mode)
    assert done.returncode == 0, done.stderr
    titles = [issue["title"] for issue in tracker.issues]
    expected = [f"{name} {number}" for name in ("parent", "child") for number in range(5)]
    assert sorted(titles) == sorted(["before the fork", "queued at the fork", *expected])


def test_a_fork_while_other_threads_report_leaves_a_client_that_works(tracker: Tracker) -> None:
    code = (
        CLIENT
        + """
import os, sys, threading
client = IssueTrackerClient(sys.argv[1], background=True)
ended = threading.Event()
def report():
    while not ended.is_set():
        client.log_issue("from a thread")
        client.flush(0.01)
threads = [threading.Thread(target=report) for _ in range(4)]
for thread in threads: thread.start()
children = []
for number in range(10):
    child = os.fork()
    if not child:
        client.log_issue(f"child {number}")
        os._exit(0 if client.flush(10) else 1)
    children.append(child)
failed = [child for child in children if os.waitpid(child, 0)[1]]
ended.set()
for thread in threads: thread.join()
sys.exit(len(failed))
"""
    )
    done = run(code, tracker.url)
    assert done.returncode == 0, done.stderr
    titles = {issue["title"] for issue in tracker.issues}
    assert titles == {"from a thread", *(f"child {number}" for number in range(10))}


def test_a_process_that_multiprocessing_forked_reports_too(tracker: Tracker) -> None:
    code = (
        CLIENT
        + """
import multiprocessing, sys
client = IssueTrackerClient(sys.argv[1], background=True)
client.log_issue("parent")
client.flush(5)
def work():
    client.log_issue("child")
    assert client.flush(5)
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
sys.exit(process.exitcode)
"""
    )
    done = run(code, tracker.url)
    assert done.returncode == 0, done.stderr
    assert sorted(issue["title"] for issue in tracker.issues) == ["child", "parent"]
