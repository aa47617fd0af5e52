"""What is printed: safe, within the terminal's width, in colour only where that is wanted."""

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from datetime import UTC, datetime
from typing import TextIO

from issuetracker.moments import age

#: Joiners, without which some scripts and emoji fall apart; they move nothing on a screen.
_JOINERS = frozenset("\u200c\u200d")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
#: Takes away what stands on the line, to its end.
_CLEAR = "\x1b[K"
#: What says most about an issue at a glance.
STATE_STYLES = {"open": "yellow", "in_progress": "cyan", "resolved": "green"}
PRIORITY_STYLES = {"critical": "red", "high": "red"}


def visible(text: str) -> str:
    """``text`` in one line that cannot steer a terminal: what cannot be seen is written out.

    Titles come from whoever reports; an escape sequence in one could rewrite what is on the
    screen, and a mark of direction could turn it round.
    """
    return "".join(_shown(character) for character in re.sub(r"\s+", " ", text))


def visible_lines(text: str) -> list[str]:
    """``text`` line by line, each as :func:`visible` has it, but with its spaces."""
    return [
        "".join(map(_shown, line.expandtabs(4)))
        for line in re.split(r"\r\n|\r|\n", text.strip("\r\n"))
    ]


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """``text``, or its beginning and ``…``, in at most ``width`` columns."""
    if columns(text) <= width:
        return text
    kept, left = [], width - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def when(moment: datetime) -> str:
    """``2026-11-23 10:30 CET (3 min ago)``: in this machine's zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z} ({age(moment, datetime.now(UTC))})"


def clock(moment: datetime) -> str:
    """``10:30:12 CET``: in this machine's zone."""
    return f"{moment.astimezone():%H:%M:%S %Z}"


class Screen:
    """Where a command prints, and what can be done there.

    Attributes:
        is_terminal: whether a person looks at the results; else a program reads them.
        is_watched: whether a person looks at what is said beside them.
        width: columns of the terminal.
    """

    def __init__(self) -> None:
        self._out, self._beside = sys.stdout, sys.stderr
        for stream in (self._out, self._beside):
            # A terminal that cannot show a letter is no reason to end with a traceback.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self.is_terminal = self._out.isatty()
        self.is_watched = self._beside.isatty()
        self.width = max(shutil.get_terminal_size().columns, 30)
        self._has_colour = _wants_colour(self._out)
        self._has_progress = False

    def line(self, text: str = "") -> None:
        """Print a line of the result, at once."""
        print(text, file=self._out, flush=True)

    def note(self, text: str) -> None:
        """Say something beside the result; lines, each made safe."""
        start = f"\r{_CLEAR}" if self._has_progress else ""
        self._has_progress = False
        self._beside.write(start + "".join(visible(line) + "\n" for line in text.splitlines()))
        self._beside.flush()

    def progress(self, text: str) -> None:
        """Replace the line of progress, where somebody watches."""
        if self.is_watched:
            self._beside.write(f"\r{_CLEAR}{cut(visible(text), self.width - 1)}")
            self._beside.flush()
            self._has_progress = True

    def paint(self, text: str, *styles: str) -> str:
        """``text`` in a style, where there is colour."""
        if not self._has_colour or not styles:
            return text
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def wrapped(self, text: str, indent: str = "") -> None:
        """Print foreign text, its long lines wrapped to the terminal."""
        for line in visible_lines(text):
            for part in self._parts(line, len(indent)):
                self.line(indent + part)

    def _parts(self, line: str, indent: int) -> list[str]:
        if not self.is_terminal:
            return [line]
        return textwrap.wrap(line, max(self.width - indent, 20), drop_whitespace=False) or [""]


def _wants_colour(stream: TextIO) -> bool:
    # https://no-color.org: set to anything but nothing, whatever it is.
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
