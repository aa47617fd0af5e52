"""``issuetracker show``: everything about one issue."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from issuetracker.cli.api import ISSUES, PAGE_MOST, Tracker
from issuetracker.cli.documents import Comment, Detail, HistoryEntry
from issuetracker.cli.listing import print_json, state
from issuetracker.cli.terminal import PRIORITY_STYLES, STATE_STYLES, Screen, visible, when
from issuetracker.messages import Frame, RaisedException

_RELATIONS = {
    "cause": "Caused by this exception:",
    "context": "While this exception was handled:",
}


def run(tracker: Tracker, screen: Screen, options: argparse.Namespace) -> int:
    """Print an issue with its trace, context, comments and history."""
    address = f"{ISSUES}/{options.id}"
    document = tracker.get(address)
    issue = tracker.read(Detail, document)
    comments = _all(tracker, f"{address}/comments")
    history = _all(tracker, f"{address}/history")
    if options.json:
        print_json(screen, {**document, "comments": comments, "history": history})
        return 0
    _print_head(screen, issue)
    _print_text(screen, "Description", issue.description)
    _print_trace(screen, issue.exception)
    _print_context(screen, issue.context)
    _print_comments(screen, [tracker.read(Comment, one) for one in comments])
    _print_history(screen, [tracker.read(HistoryEntry, one) for one in history])
    return 0


def _all(tracker: Tracker, address: str) -> list[dict[str, Any]]:
    pages = tracker.pages(address, [("limit", str(PAGE_MOST))])
    return [one for page in pages for one in page.results]


def _print_head(screen: Screen, issue: Detail) -> None:
    screen.line(screen.paint(visible(issue.title) or "(no report yet)", "bold"))
    shown = screen.paint(state(issue), STATE_STYLES.get(issue.status, "dim"))
    priority = screen.paint(visible(issue.priority), PRIORITY_STYLES.get(issue.priority, "dim"))
    tags = "".join(f"  #{visible(tag)}" for tag in issue.tags)
    screen.line(f"{shown}  {priority}  {visible(issue.type)}  {visible(issue.component)}{tags}\n")
    for name, value in _facts(issue):
        screen.line(f"{screen.paint(f'{name:<12}', 'dim')}{visible(value)}")


def _facts(issue: Detail) -> list[tuple[str, str]]:
    by = f", first by {issue.reporter}" if issue.reporter else ""
    facts = [
        ("id", issue.id),
        ("reported", f"{issue.count:,} time{'' if issue.count == 1 else 's'}{by}"),
        ("first seen", when(issue.first_seen)),
        ("last seen", when(issue.last_seen)),
        ("assignee", issue.assignee or "nobody"),
    ]
    if issue.total and issue.total.count != issue.count:
        facts.insert(2, ("in total", f"{issue.total.count:,} times, with the merged ones"))
    if issue.muted_until:
        facts.append(("muted until", when(issue.muted_until)))
    if issue.muted_events:
        facts.append(("muted for", f"{issue.muted_events} more reports"))
    if issue.merged_into:
        facts.append(("merged into", issue.merged_into))
    facts += [("merged", f"{one.id}  {one.count:,}  {one.title}") for one in issue.merged_issues]
    if issue.pending:
        facts.append(("pending", "something of it is accepted, but not in the store yet"))
    return facts


def _print_heading(screen: Screen, text: str) -> None:
    screen.line(f"\n{screen.paint(text, 'bold')}")


def _print_text(screen: Screen, heading: str, text: str) -> None:
    if text.strip():
        _print_heading(screen, heading)
        screen.wrapped(text, "  ")


def _print_trace(screen: Screen, raised: Sequence[RaisedException]) -> None:
    for number, exception in enumerate(raised):
        relation = _RELATIONS.get(exception.relation, "")
        _print_heading(screen, relation if number and relation else "Trace (latest call last)")
        for frame in exception.frames:
            _print_frame(screen, frame)
        screen.line(f"  {screen.paint(visible(exception.type), 'red')}")
        if exception.message:
            screen.wrapped(exception.message, "    ")


def _print_frame(screen: Screen, frame: Frame) -> None:
    place = visible(f"{frame.file}:{frame.line} in {frame.function}")
    screen.line(f"  {screen.paint(place, 'bold' if frame.own else 'dim')}")
    if frame.code.strip():
        screen.line(f"    {visible(frame.code.strip())}")


def _print_context(screen: Screen, context: dict[str, Any]) -> None:
    if not context:
        return
    _print_heading(screen, "Context")
    for name, value in context.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        screen.wrapped(f"{name}: {text}", "  ")


def _print_comments(screen: Screen, comments: Sequence[Comment]) -> None:
    if comments:
        _print_heading(screen, f"Comments ({len(comments)})")
    for comment in comments:
        screen.line(screen.paint(f"  {visible(comment.author)}, {when(comment.time)}", "dim"))
        screen.wrapped(comment.body, "    ")


def _print_history(screen: Screen, history: Sequence[HistoryEntry]) -> None:
    if history:
        _print_heading(screen, "History")
    for entry in history:
        changes = ", ".join(
            f"{name.replace('_', ' ')}: {'none' if value is None else value}"
            for name, value in entry.changes.items()
        )
        screen.line(f"  {when(entry.time)}  {visible(f'{entry.actor}: {changes}')}")
