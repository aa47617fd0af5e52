"""What goes wrong is said in sentences, with the way out and a status of its kind."""

import subprocess
import sys
import uuid

import pytest

from tests.cli.running import COMMAND, Shell
from tests.client.servers import Reply, running_tracker
from tests.system import ROOT, System, free_port


def test_a_wrong_field_is_named_as_it_was_typed(shell: Shell) -> None:
    ran = shell.run("log", "Fine", "-c", "bad name", "-t", "good,b d", "-d", "x" * 20_001)
    assert ran.status == 1
    assert "--component: Has characters that are not allowed; letters, digits" in ran.beside
    assert "--tag (number 2): Has characters" in ran.beside
    assert "--description: Expected `str` of length <= 20000" in ran.beside
    assert "Nothing was changed." in ran.beside


def test_an_unknown_issue_is_refused(shell: Shell) -> None:
    ran = shell.run("show", str(uuid.uuid4()))
    assert (ran.status, ran.out) == (1, "")
    assert ran.beside.startswith("There is no such issue.\n`issuetracker list`")


def test_a_bad_token_is_told_with_who_makes_good_ones(shell: Shell) -> None:
    ran = shell.run("list", ISSUETRACKER_TOKEN="aft_no-such-token")
    assert ran.status == 1
    assert "service token" in ran.beside
    assert "Set ISSUETRACKER_TOKEN" in ran.beside


def test_a_good_token_is_sent(system: System, shell: Shell) -> None:
    made = system.manage("create_service_token", "shell-user")
    token = next(word for word in made.split() if word.startswith("aft_"))
    issue_id = shell.good("log", "With a token", "-c", "shell-user", ISSUETRACKER_TOKEN=token).out
    shell.good("comment", issue_id.strip(), "Mine.", ISSUETRACKER_TOKEN=token)
    assert "service.shell-user, 20" in shell.good("show", issue_id.strip()).out


@pytest.mark.parametrize("arguments", [["list"], ["log", "A title"], ["export"], ["watch"]])
def test_a_tracker_that_is_not_there_has_its_own_status(arguments: list[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = Shell("http://somewhere.invalid").run(*arguments, "--url", url)
    assert ran.status == 3
    assert f"The tracker at {url} does not answer: Connection refused." in ran.beside
    assert "--url" in ran.beside


def test_something_else_that_answers_is_no_tracker() -> None:
    page = Reply(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
    with running_tracker() as other:
        other.replies, other.stubborn = [page], True
        ran = Shell(other.url).run("log", "A title")
        assert (ran.status, ran.beside.splitlines()[0]) == (
            3,
            f"What answers at {other.url} is no issue tracker.",
        )
        other.replies = [Reply(404, b"not here")]
        assert Shell(other.url).run("log", "A title").status == 3
        other.replies = [Reply(301, b"", {"Location": "https://elsewhere/"})]
        assert "sends to https://elsewhere/" in Shell(other.url).run("log", "A title").beside


def test_an_answer_that_asks_to_come_again_says_when() -> None:
    body = b'{"title": "Service Unavailable", "status": 503, "detail": "Nothing durable."}'
    headers = {"Content-Type": "application/problem+json", "Retry-After": "5"}
    with running_tracker() as busy:
        busy.replies = [Reply(503, body, headers)]
        ran = Shell(busy.url).run("log", "A title")
    assert (ran.status, ran.beside) == (3, "Nothing durable.\nTry again in 5 s.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "status:opn"], "it can be open, in_progress, resolved"),
        (["list", "since:yesterday"], "is no time"),
        (["list", "is:mine"], "assignee:NAME"),
        (["list", "--limit", "0"], "a number from 1"),
        (["show", "seven"], "is no issue's id"),
        (["watch", "--interval", "0"], "seconds from 1"),
        (["log", "A title", "-p", "urgent"], "low"),
        (["comment", str(uuid.uuid4()), " "], "The comment is empty"),
        (["resolve", "-"], "No issue is named"),
        (["list", "--url", "ftp://tracker"], "is no address"),
        (["list", "--url", "http://tracker:port"], "is no address"),
        (["list", "db", "--speed", "11"], "not known: --speed"),
        (["frobnicate"], "invalid choice"),
        ([], "COMMAND"),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_typing(
    shell: Shell, arguments: list[str], says: str
) -> None:
    ran = shell.run(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.beside


def test_a_reader_that_has_seen_enough_ends_it_quietly(shell: Shell) -> None:
    for _ in range(2):
        shell.good("log", "x" * 150, "-c", "pipe")
    line = f"{' '.join(COMMAND)} list component:pipe --json | (exec true); sleep 0.1"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=ROOT,
        env=shell.variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


def test_arguments_that_are_no_unicode_are_no_reason_to_fail(shell: Shell) -> None:
    done = subprocess.run(
        [*COMMAND, "log", b"caf\xe9 is closed"],
        cwd=ROOT,
        env=shell.variables(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_starts_without_the_server_s_packages() -> None:
    look = (
        "import sys, issuetracker.cli;"
        "print([n for n in ('django', 'confluent_kafka', 'rest_framework') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
