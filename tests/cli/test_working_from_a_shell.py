"""Reporting, finding, reading and closing issues with the command, against the real server."""

import json
import uuid

import pytest

from tests.cli.running import Shell


def component() -> str:
    """A name of the test's own."""
    return f"shell-{uuid.uuid4().hex[:12]}"


def test_what_is_logged_is_listed_and_shown(shell: Shell) -> None:
    name = component()
    printed = shell.good(
        *("log", "Disk full on node 7", "-d", "-", "-c", name, "-t", "db,prod", "-p", "high"),
        typed="df says 100 %\nsince noon",
    ).out.strip()
    issue_id = printed.removeprefix("temp-")
    assert str(uuid.UUID(issue_id)) == issue_id
    ((listed, status, priority, count, _, of, title),) = shell.good(
        "list", f"component:{name}"
    ).rows
    assert (listed, status, priority, count) == (issue_id, "open", "high", "1")
    assert (of, title) == (name, "Disk full on node 7")
    shown = shell.good("show", printed).out
    assert "df says 100 %\n  since noon" in shown
    assert "#db  #prod" in shown


def test_comments_and_history_are_shown_with_who_and_when(shell: Shell) -> None:
    issue_id = shell.good("log", "Slow report", "-c", component()).out.strip()
    shell.good("comment", issue_id, "The index is missing.")
    shell.good("comment", issue_id, typed="It is there now.\nBoth regions.")
    shell.good("resolve", issue_id)
    shown = shell.good("show", issue_id).out
    assert "Comments (2)\n  service.unknown, 20" in shown
    assert "    It is there now.\n    Both regions." in shown
    assert "service.unknown: status: resolved" in shown
    assert "CET" in shown


def test_everything_of_an_issue_is_one_json_object(shell: Shell) -> None:
    issue_id = shell.good("log", "As JSON", "-c", component()).out.strip()
    shell.good("comment", issue_id, "once")
    document = json.loads(shell.good("show", issue_id, "--json").out)
    assert document["title"] == "As JSON"
    assert [one["body"] for one in document["comments"]] == ["once"]
    assert document["history"] == []


def test_a_list_is_resolved_through_a_pipe_and_reopened_by_address(shell: Shell) -> None:
    name = component()
    ids = [shell.good("log", f"Number {number}", "-c", name).out.strip() for number in range(3)]
    listed = shell.good("list", f"component:{name}").out
    done = shell.good("resolve", "-", typed=listed).rows
    assert {row[0] for row in done} == set(ids)
    assert {row[1] for row in done} == {"resolved"}
    address = f"{shell.url}/admin/issuetracker/issue/{ids[0]}/"
    assert shell.good("reopen", address).rows == [[ids[0], "reopened"]]
    still = shell.good("list", f"component:{name}", "status:resolved").rows
    assert {row[0] for row in still} == set(ids[1:])


def test_of_many_each_that_is_refused_is_named(shell: Shell) -> None:
    issue_id = shell.good("log", "The one there is", "-c", component()).out.strip()
    nobody = str(uuid.uuid4())
    ran = shell.run("resolve", nobody, issue_id)
    assert ran.status == 1
    assert ran.rows == [[issue_id, "resolved"]]
    assert ran.beside == f"{nobody}: There is no such issue.\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tag:eu"], {"a", "b"}),
        (["tag:eu", "priority:high,critical"], {"b"}),
        (["tag:eu is:unassigned time"], {"a"}),
        (["tag:eu", "within:1h"], {"a", "b"}),
        (["tag:eu", "until:2020-01-01"], set()),
        (["tag:eu", "is:muted"], set()),
    ],
)
def test_words_and_terms_narrow_the_list(shell: Shell, words: list[str], found: set[str]) -> None:
    name = component()
    ids = {
        "a": shell.good("log", "Timeout of a", "-c", name, "-t", "eu").out.strip(),
        "b": shell.good("log", "Crash of b", "-c", name, "-t", "eu", "-p", "high").out.strip(),
        "c": shell.good("log", "Timeout of c", "-c", name).out.strip(),
    }
    rows = shell.good("list", f"component:{name}", *words).rows
    assert {row[0] for row in rows} == {ids[key] for key in found}


def test_more_than_a_page_is_read_and_what_was_left_out_is_said(shell: Shell) -> None:
    name = component()
    for number in range(3):
        shell.good("log", f"Number {number}", "-c", name)
    ran = shell.good("list", f"component:{name}", "--limit", "2", "order:first_seen")
    assert [row[-1] for row in ran.rows] == ["Number 0", "Number 1"]
    assert "There are more than these 2" in ran.beside
    assert shell.good("list", f"component:{name}", "--limit", "3").beside == ""
    objects = shell.good("list", f"component:{name}", "--json").out.splitlines()
    assert {json.loads(line)["title"] for line in objects} == {f"Number {n}" for n in range(3)}


def test_reports_with_one_fingerprint_are_one_issue(shell: Shell) -> None:
    name = component()
    first, second = (
        shell.good("log", "Backup failed", "-c", name, "--fingerprint", "backup").out.strip()
        for _ in range(2)
    )
    assert first == second
    assert [row[3] for row in shell.good("list", f"component:{name}").rows] == ["2"]
