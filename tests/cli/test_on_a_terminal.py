"""What a person sees: within the width, in colour only where wanted, and never steered."""

import uuid

import pytest

from issuetracker.cli.terminal import columns, cut, visible, visible_lines
from tests.cli.running import STEERING, Shell, plain

NASTY = "\x1b[2J\x1b]0;owned\x07\x9b31m \u202egnp.exe \x7f"


@pytest.fixture
def nasty(shell: Shell) -> str:
    """An issue whose every free text tries to steer the terminal; its component."""
    name = f"nasty-{uuid.uuid4().hex[:8]}"
    title = "Crash \u202e\x9b31m of \x7f everything"
    shell.good("log", title, "-c", name, "-d", f"{NASTY}\nsecond line")
    return name


def test_what_was_reported_cannot_steer_the_terminal(shell: Shell, nasty: str) -> None:
    listed = shell.see("list", f"component:{nasty}")
    issue_id = shell.good("list", f"component:{nasty}").rows[0][0]
    shell.good("comment", issue_id, f"also {NASTY}")
    for ran in (
        listed,
        shell.see("show", issue_id),
        shell.see("list", f"component:{nasty}", "--json"),
        shell.good("list", f"component:{nasty}"),
    ):
        assert ran.status == 0
        assert STEERING.search(ran.out.replace("\t", " ")) is None
    assert r"Crash \u202e\x9b31m of \x7f everything" in plain(listed.out)


def test_an_error_cannot_either(shell: Shell) -> None:
    ran = shell.see("list", f"status:{NASTY}")
    assert ran.status == 2
    assert STEERING.search(ran.out) is None


@pytest.mark.parametrize("width", [40, 80, 132])
def test_no_line_is_wider_than_the_terminal(shell: Shell, width: int) -> None:
    name = f"wide-{uuid.uuid4().hex[:8]}"
    issue_id = shell.good(
        *("log", "データベース接続" * 20, "-c", name, "-t", "one,two,three-and-more"),
        *("-d", "word " * 100),
    ).out.strip()
    listed = shell.see("list", f"component:{name}", width=width).out
    shown = shell.see("show", issue_id, width=width).out
    described = shown[shown.index("Description") :]
    for line in plain(listed + described).splitlines():
        assert columns(line) <= width, line
    assert issue_id in plain(listed)


def test_colours_are_left_out_where_they_are_not_wanted(shell: Shell, nasty: str) -> None:
    arguments = ("list", f"component:{nasty}")
    assert "\x1b[" in shell.see(*arguments).out
    assert "\x1b" not in shell.see(*arguments, NO_COLOR="1").out
    assert "\x1b" not in shell.see(*arguments, TERM="dumb").out
    assert "\x1b" not in shell.good(*arguments).out


def test_a_terminal_without_the_letters_gets_them_written_out(shell: Shell, nasty: str) -> None:
    ran = shell.see("list", f"component:{nasty}", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.status == 0
    assert r"1\xd7" in plain(ran.out)


def test_times_have_their_zone_and_age(shell: Shell, nasty: str) -> None:
    assert " CET (just now)" in plain(shell.see("list", f"component:{nasty}").out)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a b c"),
        ("a\x00\x1b[0m", r"a\x00\x1b[0m"),
        ("no\u00a0break", "no break"),
        ("\u2066isolate\ufeff", r"\u2066isolate\ufeff"),
        ("नी 👩\u200d🚒", "नी 👩\u200d🚒"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_keep_their_spaces() -> None:
    assert visible_lines("  a\n\tb\r\nc\x0bd\n") == ["  a", "    b", r"c\x0bd"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("日本語", 5, "日本…"),
        ("日本語", 6, "日本語"),
    ],
)
def test_a_text_is_cut_by_columns(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown
