"""What is reported: bodies of a given size, and the messages that the API makes of them."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from issuetracker.messages import (
    Frame,
    NewIssue,
    RaisedException,
    Report,
    Reported,
    new_issue_id,
)

COMPONENT = "benchmarks"
SMALL, LARGE = 1_000, 30_000

_FRAME_BYTES = 700


def body(size: int, fingerprint: str | None = None) -> bytes:
    """A report of an exception as JSON.

    Args:
        size: its length in bytes.
        fingerprint: each report with it is of one issue; without one, each is a new issue. Comes
            on top of ``size``.
    """
    return msgspec.json.encode(msgspec.structs.replace(_report(size), fingerprint=fingerprint))


def distinct(count: int, size: int = SMALL) -> Iterator[Reported]:
    """``count`` changes, each the first report of an issue of its own."""
    issue = _report(size)
    for _ in range(count):
        yield _change(issue)


def storm(count: int, size: int = SMALL) -> Iterator[Reported]:
    """``count`` changes that are all reports of one new issue."""
    issue = msgspec.structs.replace(_report(size), fingerprint=uuid.uuid4().hex)
    for _ in range(count):
        yield _change(issue)


def _change(issue: Report) -> Reported:
    event_id = str(uuid.uuid4())
    return Reported(
        issue_id=new_issue_id(issue, event_id),
        event_id=event_id,
        time=datetime.now(UTC),
        actor=f"service.{COMPONENT}",
        issue=issue,
    )


def _report(size: int) -> NewIssue:
    """A report whose JSON is ``size`` bytes long: mostly a trace, as reports are."""
    lines = [f"    total += rates[{number}] * amounts[{number}]" for number in range(10)]
    frame = Frame(
        file="/app/billing/invoices/totals.py",
        line=120,
        function="add_up",
        code=lines[0],
        before=lines[:5],
        after=lines[5:],
    )
    frames = [frame] * max(0, (size - 400) // _FRAME_BYTES)
    error = RaisedException(type="builtins.KeyError", message="'EUR'", frames=frames)
    issue = NewIssue(
        title="Adding up an invoice failed",
        type="exception",
        component=COMPONENT,
        tags=["billing", "nightly"],
        exception=[error],
    )
    missing = size - len(msgspec.json.encode(issue)) - len(',"description":""')
    return msgspec.structs.replace(issue, description="x" * missing)
