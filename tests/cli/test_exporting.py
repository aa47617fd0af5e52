"""An export is whole, or says that it is not."""

import csv
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.running import Shell, plain
from tests.client.servers import conversing

ROWS = [{"id": f"{number}", "title": f'Number "{number}"'} for number in range(3)]
JSON_LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
CSV = b"id,title\r\n" + b"".join(
    f'{number},"Number ""{number}"",\nsecond line"\r\n'.encode() for number in range(3)
)
NOTICES = {
    "jsonl": b'{"incomplete":true,"detail":"The issues did not answer any more."}\n',
    "csv": b"incomplete,The issues did not answer any more.\r\n",
}


@contextmanager
def exporting(*pieces: bytes, whole: bool = True) -> Iterator[Shell]:
    """A tracker that sends an export in pieces, and ends the answer or breaks the connection."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if whole:
            connection.sendall(b"0\r\n\r\n")
        connection.shutdown(socket.SHUT_RDWR)

    with conversing(answer) as url:
        yield Shell(url)


@pytest.mark.parametrize(("form", "content"), [("jsonl", JSON_LINES), ("csv", CSV)])
def test_a_whole_export_is_a_file_and_its_issues_are_counted(
    tmp_path: Path, form: str, content: bytes
) -> None:
    file = tmp_path / f"issues.{form}"
    for cut_at in (1, 20, len(content) - 1):  # wherever the pieces end
        with exporting(content[:cut_at], content[cut_at:]) as shell:
            ran = shell.good("export", "--format", form, "-o", str(file))
        assert file.read_bytes() == content
        assert ran.beside.startswith("3 issues in ")
        assert str(file) in ran.beside
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_tracker_itself_writes_what_the_command_takes(
    shell: Shell, tmp_path: Path, form: str
) -> None:
    component = f"export-{form}"
    for title in ("One", "Two, with a comma", "=Three"):
        shell.good("log", title, "--component", component)
    file = tmp_path / f"issues.{form}"
    ran = shell.good(
        "export", "--format", form, "-o", str(file), f"component:{component}", "is:new"
    )
    assert ran.beside.startswith("3 issues in ")
    with file.open(newline="", encoding="utf-8") as read:
        rows = list(csv.DictReader(read)) if form == "csv" else [*map(json.loads, read)]
    titles = [row["title"].removeprefix("'") for row in rows]
    assert titles == ["One", "Two, with a comma", "=Three"]


def test_a_folder_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    for folder in ("", ".", str(tmp_path)):
        with exporting(JSON_LINES) as shell:
            ran = shell.run("export", "--format", "jsonl", "-o", folder)
        assert ran.status == 1
        assert "is a folder: name a file in it." in ran.beside


def test_it_can_go_to_a_program(tmp_path: Path) -> None:
    with exporting(JSON_LINES) as shell:
        ran = shell.good("export", "--format", "jsonl")
    assert [json.loads(line) for line in ran.out.splitlines()] == ROWS
    with exporting(JSON_LINES) as shell:
        ran = shell.see("export", "--format", "jsonl")
    assert ran.status == 2
    assert "-o FILE" in ran.out


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_that_the_tracker_had_to_cut_is_not_whole(tmp_path: Path, form: str) -> None:
    file = tmp_path / "issues"
    content = {"jsonl": JSON_LINES, "csv": CSV}[form]
    with exporting(content, NOTICES[form]) as shell:
        ran = shell.run("export", "--format", form, "-o", str(file))
    assert ran.status == 3
    assert "The export was cut after 3 issues" in ran.beside
    assert not file.exists()
    assert (tmp_path / "issues.part").read_bytes() == content + NOTICES[form]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_nor_is_one_whose_connection_broke(tmp_path: Path, form: str) -> None:
    file = tmp_path / "issues"
    content = {"jsonl": JSON_LINES, "csv": CSV}[form]
    with exporting(content, whole=False) as shell:
        ran = shell.run("export", "--format", form, "-o", str(file))
        beside = shell.run("export", "--format", form)
    assert (ran.status, beside.status) == (3, 3)
    assert "The export was cut after 3 issues" in ran.beside
    assert "run it again" in ran.beside
    assert not file.exists()


def test_a_file_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with exporting(JSON_LINES) as shell:
        ran = shell.run("export", "-o", str(tmp_path / "no-folder" / "issues.csv"))
    assert ran.status == 1
    assert "cannot be written: No such file or directory" in ran.beside


def test_a_refused_export_leaves_no_file(tmp_path: Path, shell: Shell) -> None:
    ran = shell.run("export", "component:bad/name", "-o", str(tmp_path / "issues.csv"))
    assert ran.status == 1
    assert list(tmp_path.iterdir()) == []


def test_progress_is_for_those_who_watch(tmp_path: Path) -> None:
    many = [JSON_LINES * 2000] * 40
    with exporting(*many) as shell:
        ran = shell.see("export", "--format", "jsonl", "-o", str(tmp_path / "a"))
        assert "240,000 issues in" in plain(ran.out)
    with exporting(*many) as shell:
        assert (
            "\r" not in shell.good("export", "--format", "jsonl", "-o", str(tmp_path / "a")).beside
        )
