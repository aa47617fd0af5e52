"""``issuetracker list``: issues in rows."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from issuetracker.cli.api import ISSUES, PAGE_MOST, Parameters, Tracker
from issuetracker.cli.documents import Summary
from issuetracker.cli.queries import parameters
from issuetracker.cli.terminal import (
    PRIORITY_STYLES,
    STATE_STYLES,
    Screen,
    columns,
    cut,
    visible,
    when,
)

DEGRADED = "The store does not answer: this is what the last hour brought."


def run(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Print the issues that were asked for, the newest activity first."""
    query = parameters(options.words, datetime.now(UTC))
    shown, more = 0, False
    for document in _issues(tracker, screen, query, options.limit):
        if shown == options.limit:
            more = True
            break
        if options.json:
            print_json(screen, document)
        else:
            print_issue(screen, tracker.read(Summary, document))
        shown += 1
    if more:
        screen.note(f"There are more than these {shown}: --limit shows more.")
    elif not shown:
        screen.note("No issue matches.")
    return 0


def print_json(screen: Screen, document: dict[str, Any]) -> None:
    """Print ``document`` in one line, in ASCII: so it is safe on a terminal, too."""
    screen.line(json.dumps(document))


def print_issue(screen: Screen, issue: Summary) -> None:
    """Print ``issue``: two lines for a person, one with tabs for a program."""
    if screen.is_terminal:
        _print_rows(screen, issue)
    else:
        screen.line("\t".join(cells(issue)))


def state(issue: Summary) -> str:
    """Its state in words, and whether it came back from one."""
    again = " again" if issue.regressed else ""
    muted = ", muted" if issue.muted else ""
    return visible(issue.status.replace("_", " ")) + again + muted


def _issues(
    tracker: Tracker, screen: Screen, query: Parameters, limit: int
) -> Iterator[dict[str, Any]]:
    size = str(min(limit + 1, PAGE_MOST))
    for page in tracker.pages(ISSUES, [*query, ("limit", size)]):
        if page.degraded:
            screen.note(DEGRADED)
        yield from page.results


def _print_rows(screen: Screen, issue: Summary) -> None:
    start = f"{state(issue)}  {visible(issue.priority)}  {issue.count:,}×"  # noqa: RUF001 - times
    title = cut(visible(issue.title) or "(no report yet)", max(screen.width - len(start) - 2, 10))
    shown = screen.paint(state(issue), STATE_STYLES.get(issue.status, "dim"))
    priority = screen.paint(visible(issue.priority), PRIORITY_STYLES.get(issue.priority, "dim"))
    screen.line(f"{shown}  {priority}  {issue.count:,}×  {screen.paint(title, 'bold')}")  # noqa: RUF001
    facts = [issue.id, when(issue.last_seen), issue.component, *(f"#{tag}" for tag in issue.tags)]
    if issue.assignee:
        facts.insert(3, f"@{issue.assignee}")
    if issue.pending:
        facts.insert(1, "pending")
    for line in _packed([visible(fact) for fact in facts], screen.width):
        screen.line(screen.paint(line, "dim"))


def _packed(facts: Sequence[str], width: int) -> Iterator[str]:
    """``facts`` in as few lines as they fit in, none of them broken."""
    line = ""
    for fact in facts:
        if line and columns(line) + 2 + columns(fact) > width:
            yield cut(line, width)
            line = ""
        line += f"  {fact}"
    yield cut(line, width)


def cells(issue: Summary) -> list[str]:
    """What a program gets of an issue: id, status, priority, count, last seen, component, title."""
    last_seen = issue.last_seen.astimezone(UTC).isoformat(timespec="seconds")
    cells = [issue.id, issue.status, issue.priority, str(issue.count), last_seen]
    return [visible(cell) for cell in [*cells, issue.component, issue.title]]
