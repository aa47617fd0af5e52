"""The first look: one command, and a failing workflow has become an issue that a person sees."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.embedded.launch import PARTS, Launch
from tests.system import ROOT, eventually


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    # A folder whose name needs quoting everywhere.
    launch = Launch(tmp_path_factory.mktemp("first start") / "50% var")
    yield launch.ready()
    launch.end()


def issues(launch: Launch, **filters: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{launch.url}/api/v1/issues", params=filters, timeout=5)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def logged_in(launch: Launch) -> requests.Session:
    session = requests.Session()
    address = f"{launch.url}/admin/login/"
    form = session.get(address, timeout=5).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token
    password = launch.find(r"^  Login +admin / (\S+)")
    data = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1]}
    answer = session.post(f"{address}?next=/admin/", data=data, timeout=5)
    assert answer.url == f"{launch.url}/admin/", "the printed login was refused"
    return session


def test_every_part_is_named_with_its_address_and_what_chose_it(started: Launch) -> None:
    for part, variable in (("Kafka", "KAFKA_BOOTSTRAP_SERVERS"), ("Redis", "REDIS_URL")):
        started.find(rf"^  {part} +(\S+) +\(embedded, as {variable} is not set\)$")
    database = started.find(r"^  Database +(.+?) +\(embedded, as DATABASE_URL is not set\)$")
    assert Path(database).exists()
    started.find(r"^  Store +the database +\((.+ISSUETRACKER_STORE is not set)\)$")
    assert "keeps its log in memory only" in started.output


def test_the_failing_example_becomes_an_issue_over_rest(started: Launch) -> None:
    found = eventually(
        lambda: [each for each in issues(started) if not each["pending"]], "the stored issue"
    )
    assert "ReportNotDelivered" in found[0]["title"]


def test_the_issue_is_on_the_admin_page_that_is_printed(started: Launch) -> None:
    page = started.find(r"^  Issues +(\S+)")
    session = logged_in(started)
    eventually(lambda: "ReportNotDelivered" in session.get(page, timeout=5).text, "the issue")


def test_the_run_is_on_the_admin_page_that_is_printed(started: Launch) -> None:
    page = started.find(r"^  Workflows +(\S+)")
    assert "nightly-report" in logged_in(started).get(page, timeout=5).text


def test_the_curl_line_works_as_it_is_printed(started: Launch) -> None:
    line = started.find(r"(?s)^  (curl .+?\"component\": \"shell\"}')$")
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=20, check=False
    )
    assert '"temp-' in done.stdout, done.stdout + done.stderr
    token = re.search(r"Bearer (\S+)\"", line)
    assert token
    assert token[1] == (started.var / "service-token").read_text().strip()
    eventually(lambda: issues(started, component="shell"), "the reported issue")


def test_the_printed_command_runs_the_example_again(started: Launch) -> None:
    line = started.find(r"^  (\S+ -m embedded .*manage start_workflow nightly-report)$")
    before = max(each["count"] for each in issues(started, component="workflow-consumer"))
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]],
        cwd=ROOT,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    eventually(
        lambda: any(
            each["count"] > before for each in issues(started, component="workflow-consumer")
        ),
        "the same issue has a higher count",
    )


def test_the_printed_terminal_command_lists_the_issue(started: Launch) -> None:
    variable, _, *arguments = shlex.split(started.find(r"^  (ISSUETRACKER_URL=.+ list)$"))
    name, _, url = variable.partition("=")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, name: url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "ReportNotDelivered" in done.stdout, done.stderr


def test_secrets_are_readable_by_their_owner_alone(started: Launch) -> None:
    for name in ("secret-key", "admin-password", "service-token", "running.json"):
        assert oct((started.var / name).stat().st_mode & 0o777) == "0o600", name


def test_every_part_is_a_process_and_listens_on_this_machine_alone(started: Launch) -> None:
    for part in PARTS:
        assert started.pids(part), part
    assert started.url.startswith("http://127.0.0.1:")


def test_a_second_launcher_on_the_same_folder_is_refused(started: Launch) -> None:
    second = Launch(started.var)
    assert second.process.wait(timeout=30) == 2
    second.end()
    assert "already running on" in second.output


def test_each_line_of_a_part_carries_its_name(started: Launch) -> None:
    assert re.search(
        r"^issue-consumer +\| .+consuming alphafusion.issues", started.output, re.MULTILINE
    )
