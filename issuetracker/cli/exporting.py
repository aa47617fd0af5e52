"""``issuetracker export``: every issue that matches, into a file."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from issuetracker.cli.api import ISSUES, AnswerCut, Tracker
from issuetracker.cli.failures import Misused, Refused, Unreachable
from issuetracker.cli.queries import parameters
from issuetracker.cli.terminal import Screen

#: Seconds between two lines of progress.
_BETWEEN = 0.2
#: Bytes of the last line that says that an export is not whole, at most.
_LONGEST_NOTICE = 1000


class _Rows:
    """Counts rows in what passes by, and tells whether they are all.

    Args:
        is_csv: whether rows are CSV's, of which the first holds the names, and in which a line
            may end inside quotes.
    """

    def __init__(self, *, is_csv: bool) -> None:
        self._is_csv = is_csv
        self._lines = 0
        self._in_quotes = False
        self._end = b""

    def add(self, piece: bytes) -> None:
        """Take notice of what comes next."""
        self._end = (self._end + piece)[-_LONGEST_NOTICE:]
        if not self._is_csv:
            self._lines += piece.count(b"\n")
            return
        for number, part in enumerate(piece.split(b'"')):
            if number:
                self._in_quotes = not self._in_quotes
            if not self._in_quotes:
                self._lines += part.count(b"\n")

    @property
    def count(self) -> int:
        """How many issues came."""
        others = self._is_csv + self._has_notice
        return max(self._lines - others, 0)

    @property
    def lack(self) -> str | None:
        """Why they are not all, in words; None when they are."""
        if self._has_notice:
            return "the tracker could not go on"
        return "the last row is not whole" if self._end[-1:] not in (b"", b"\n") else None

    @property
    def _has_notice(self) -> bool:
        """Whether the last line is the tracker's own, which says that it had to stop."""
        last = self._end.rstrip(b"\r\n").rpartition(b"\n")[2]
        return last.startswith(b"incomplete," if self._is_csv else b'{"incomplete":true')


def run(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Write the issues to a file; 1 when not all of them came."""
    to_standard_output = options.output == "-"
    if to_standard_output and screen.is_terminal:
        raise Misused("Name a file with -o FILE, or send the output to a program.")
    query = [*parameters(options.words, datetime.now(UTC)), ("format", options.format)]
    started = time.monotonic()
    if to_standard_output:
        rows = _copy(tracker, screen, query, sys.stdout.buffer, options)
    else:
        with _whole_file(Path(options.output)) as file:
            rows = _copy(tracker, screen, query, file, options)
    seconds = time.monotonic() - started
    screen.note(f"{rows.count:,} issues in {seconds:.1f} s.")
    if not to_standard_output:
        screen.note(_what_next(options.output, options.format))
    return 0


def _copy(
    tracker: Tracker,
    screen: Screen,
    query: list[tuple[str, str]],
    file: BinaryIO,
    options: argparse.Namespace,
) -> _Rows:
    rows = _Rows(is_csv=options.format == "csv")
    started = shown = time.monotonic()
    try:
        with tracker.stream(f"{ISSUES}/export", query) as pieces:
            for piece in pieces:
                file.write(piece)
                rows.add(piece)
                now = time.monotonic()
                if now - shown > _BETWEEN:
                    shown = now
                    screen.progress(f"{rows.count:,} issues, {rows.count / (now - started):,.0f}/s")
        file.flush()
    except AnswerCut as error:
        raise Unreachable(_cut(rows, options.output, str(error))) from error
    if rows.lack:
        raise Unreachable(_cut(rows, options.output, rows.lack))
    return rows


def _cut(rows: _Rows, output: str, reason: str) -> str:
    kept = "" if output == "-" or not rows.count else f" What came is in {_part_of(Path(output))}."
    return (
        f"The export was cut after {rows.count:,} issues: {reason}.{kept}\n"
        "It is not whole; run it again."
    )


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name once it is whole.

    Raises:
        Refused: it cannot be written.
    """
    if not path.name or path.is_dir():
        raise Refused(f"{path} is a folder: name a file in it.")
    part = _part_of(path)
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _what_next(output: str, form: str) -> str:
    if form == "csv":
        return f"They are in {output}: open it in a spreadsheet."
    return f"They are in {output}, a JSON object in each line: jq -r .title {output}"
