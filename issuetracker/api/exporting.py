"""Whole lists of issues as a file, written page by page: nothing of it is held in memory.

The web server ends an answer in the same way whether or not it could be written to its end. So an
export that had to be cut says so in its last line. Where not even that was possible, because the
process was killed, the connection breaks before the answer's last chunk.
"""

import csv
import io
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec
from django.http import StreamingHttpResponse

from issuetracker.api.answers import IssueSummary, summary
from issuetracker.exceptions import StoreUnavailable, TooManyAtOnce
from issuetracker.issues import IssueQuery, Order
from issuetracker.reading import ReadPage, list_issues

logger = logging.getLogger(__name__)

ExportFormat: TypeAlias = Literal["jsonl", "csv"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
#: In this order no issue moves while the export is written.
STABLE_ORDER: Order = "first_seen"
#: The columns of a CSV file, in this order; new ones come at the end.
COLUMNS = (
    *("id", "title", "type", "priority", "status", "regressed", "component", "tags"),
    *("reporter", "assignee", "muted", "muted_until", "muted_events", "merged_into", "merged"),
    *("count", "comment_count", "first_seen", "last_seen", "updated_at", "pending"),
)
#: What stands in the first cell of the last line of a CSV file that was cut.
INCOMPLETE = "incomplete"
#: Issues read at once.
PAGE = 200
#: Seconds between tries of a page that the store did not give; its circuit is open for 2 s.
PAUSES = (1.0, 2.5, 5.0)
#: Exports that one process writes at a time: each holds a thread that reports need too.
AT_ONCE = 4

_CUT = "The issues did not answer any more: this export is not complete. Please ask for it again."
# A spreadsheet takes what begins so for a formula, and what follows for a command.
_AFTER_SEMICOLON = re.compile(r"(;\s*)(?=[=+\-@])")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")

_encode = msgspec.json.Encoder().encode
_slots = threading.BoundedSemaphore(AT_ONCE)


class CutExport(msgspec.Struct, frozen=True):
    """The last line of an export as JSON lines that could not be written to its end."""

    incomplete: Literal[True]
    detail: str


class _Form(NamedTuple):
    content_type: str
    header: bytes
    lines: Callable[[Sequence[IssueSummary]], bytes]
    cut: bytes


def export(query: IssueQuery, form: ExportFormat) -> StreamingHttpResponse:
    """An answer that is a file of all issues that match, in the query's order.

    Raises:
        StoreUnavailable: the store does not answer.
        TooManyAtOnce: this process writes as many as it may.
    """
    content = _Export(query, _FORMS[form])
    name = f"issues-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    return StreamingHttpResponse(
        content,
        content_type=_FORMS[form].content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def text_of(issues: Sequence[IssueSummary], form: ExportFormat) -> str:
    """What a file of ``issues`` holds."""
    return (_FORMS[form].header + _FORMS[form].lines(issues)).decode()


class _Export:
    """The content of one answer: a chunk for each page. To be closed, as Django does."""

    def __init__(self, query: IssueQuery, form: _Form) -> None:
        if not _slots.acquire(blocking=False):
            raise TooManyAtOnce(f"{AT_ONCE} exports are being written; please ask again later.")
        self._query, self._form, self._is_open = query, form, True
        try:
            # Before the answer begins: a store that is away now is an error, not a cut file.
            self._first = _page(query, None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            _slots.release()

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks()
        except Exception:
            # Whatever it is: the server would end the answer as if it were whole.
            logger.exception("An export was cut")
            yield self._form.cut
        finally:
            self.close()

    def _chunks(self) -> Iterator[bytes]:
        page = self._first
        yield self._form.header + self._lines(page)
        while page.cursor is not None:
            page = _page_at_last(self._query, page.cursor)
            yield self._lines(page)

    def _lines(self, page: ReadPage) -> bytes:
        return self._form.lines([summary(read.issue, pending=read.pending) for read in page.items])


def _page_at_last(query: IssueQuery, cursor: str) -> ReadPage:
    for pause in PAUSES:
        try:
            return _page(query, cursor)
        except StoreUnavailable:
            time.sleep(pause)
    return _page(query, cursor)


def _page(query: IssueQuery, cursor: str | None) -> ReadPage:
    page = list_issues(query, limit=PAGE, cursor=cursor)
    if page.degraded:
        raise StoreUnavailable("the store does not answer, and the last hour is not everything")
    return page


def _json_lines(issues: Sequence[IssueSummary]) -> bytes:
    return b"".join(_encode(issue) + b"\n" for issue in issues)


def _csv_lines(issues: Sequence[IssueSummary]) -> bytes:
    shown = (msgspec.to_builtins(issue) for issue in issues)
    return _csv([_cell(issue[name]) for name in COLUMNS] for issue in shown)


def _csv(rows: Iterator[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)  # RFC 4180: quotes where needed, lines end in CR LF
    return written.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = " ".join(value)  # neither tags nor ids have spaces
    # Where ";" separates columns, a spreadsheet sees the beginning of a cell behind each.
    text = _AFTER_SEMICOLON.sub(r"\1'", str(value))
    return f"'{text}" if text.startswith(_FORMULAS) else text


_FORMS: dict[ExportFormat, _Form] = {
    "jsonl": _Form(
        "application/jsonl",
        b"",
        _json_lines,
        _encode(CutExport(incomplete=True, detail=_CUT)) + b"\n",
    ),
    "csv": _Form(
        "text/csv; charset=utf-8; header=present",
        _csv(iter([list(COLUMNS)])),
        _csv_lines,
        _csv(iter([[INCOMPLETE, _CUT, *[""] * (len(COLUMNS) - 2)]])),
    ),
}
