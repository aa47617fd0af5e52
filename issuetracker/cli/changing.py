"""``issuetracker log``, ``comment``, ``resolve`` and ``reopen``: what changes something."""

import argparse
import sys
import uuid
from collections.abc import Iterator, Sequence

from issuetracker.cli.api import ISSUES, Tracker
from issuetracker.cli.documents import UpdatedIssue
from issuetracker.cli.failures import Misused
from issuetracker.cli.ids import issue_id
from issuetracker.cli.terminal import Screen, visible
from issuetracker.messages import BulkUpdate, NewComment, NewIssue, Status

_IDS_MOST = 500
_DONE: dict[Status, str] = {"resolved": "resolved", "open": "reopened"}


def log(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Report an issue and print its id."""
    given = options.description
    issue = NewIssue(
        title=options.title,
        description=_standard_input() if given == "-" else given,
        type=options.type,
        priority=options.priority,
        component=options.component,
        tags=[tag for tags in options.tag for tag in tags.split(",") if tag],
        fingerprint=options.fingerprint,
        event_id=_new_event(),
    )
    answer = tracker.send("POST", ISSUES, issue)
    screen.line(visible(str(answer.get("id", ""))))
    return 0


def comment(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Comment on an issue."""
    if options.text is None and sys.stdin.isatty():
        screen.note("Write the comment; Ctrl-D in a new line ends it.")
    body = _standard_input() if options.text in (None, "-") else options.text
    if not body.strip():
        raise Misused("The comment is empty: give TEXT, or write it to standard input.")
    document = NewComment(body=body, event_id=_new_event())
    tracker.send("POST", f"{ISSUES}/{options.id}/comments", document)
    screen.note(f"Commented on {options.id}.")
    return 0


def resolve(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Resolve issues."""
    return _set_status(tracker, screen, options.ids, "resolved")


def reopen(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Open issues again."""
    return _set_status(tracker, screen, options.ids, "open")


def _set_status(tracker: Tracker, screen: Screen, given: Sequence[str], status: Status) -> int:
    """Set the status of each; 1 when any was refused."""
    ids = list(dict.fromkeys(_ids(given)))
    if not ids:
        raise Misused("No issue is named.")
    refused = 0
    for start in range(0, len(ids), _IDS_MOST):
        some = ids[start : start + _IDS_MOST]
        update = BulkUpdate(ids=some, status=status, event_id=_new_event())
        for document in tracker.send("PATCH", ISSUES, update).get("results", []):
            refused += _tell(screen, tracker.read(UpdatedIssue, document), _DONE[status])
    return 1 if refused else 0


def _tell(screen: Screen, result: UpdatedIssue, done: str) -> bool:
    """Say what became of an issue; whether it was refused."""
    if result.status != "refused":
        screen.line(f"{visible(result.id)}\t{done}")
        return False
    reason = result.detail or f"the tracker answers with status {result.code}"
    screen.note(f"{result.id}: {reason}")
    return True


def _ids(given: Sequence[str]) -> Iterator[str]:
    """The ids that were typed; ``-`` stands for the first word of each line of standard input."""
    for typed in given:
        if typed == "-":
            lines = (line.split() for line in _standard_input().splitlines())
            yield from (issue_id(words[0]) for words in lines if words)
        else:
            yield typed


def _standard_input() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _new_event() -> str:
    return str(uuid.uuid4())
