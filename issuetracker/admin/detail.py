"""The page of one issue: what it shows, and the address of each part that goes on."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from issuetracker.admin.activity import activity_of
from issuetracker.admin.addresses import list_address
from issuetracker.admin.context import ContextRow, context_rows
from issuetracker.admin.filters import Choice, address
from issuetracker.admin.history import ShownChange, shown_change
from issuetracker.admin.listing import issue_title
from issuetracker.admin.markdown import render_markdown
from issuetracker.admin.people import staff
from issuetracker.admin.related import Related, merge_target, similar_issues
from issuetracker.admin.traces import ShownException, shown_trace, trace_as_text
from issuetracker.admin.update_form import MUTES
from issuetracker.api.answers import total
from issuetracker.issues import (
    AnyDocument,
    Collection,
    Comment,
    HistoryEntry,
    Issue,
    Occurrence,
    is_muted,
)
from issuetracker.messages import MUTE_EVENTS_MOST, Priority
from issuetracker.reading import ReadIssue, read_documents, read_issue, read_merged
from issuetracker.states import actions_for

DOCUMENTS = 100
#: Characters of comments on one page that are read as Markdown; later comments stay plain text.
MARKDOWN_MOST = 60_000


@dataclass(frozen=True, slots=True)
class ShownOccurrence:
    """One report of the issue, with its trace and context as the page shows them."""

    occurrence: Occurrence
    trace: list[ShownException]
    context: list[ContextRow]


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment, and its text as HTML; None where the text is shown as it is."""

    comment: Comment
    html: SafeString | None


def issue_context(issue_id: str, given: QueryDict) -> dict[str, Any] | None:
    """What the issue page's template needs, or None for an unknown issue.

    Args:
        issue_id: its bare id.
        given: the parameters of the page's address: where a long list goes on.

    Raises:
        InvalidInput: a cursor is none of that list's.
        StoreUnavailable: neither the store nor the recent view answers.
    """
    read = read_issue(issue_id)
    if read is None:
        return None
    issue = read.issue
    merged = [each.issue for each in read_merged(issue)]
    return {
        **_facts(read),
        **_actions(issue),
        "merged": [Related(one) for one in merged],
        "merge_target": merge_target(issue),
        "total": total([issue, *merged]),
        "activity": activity_of([issue, *merged], timezone.now()),
        "similar": similar_issues(issue),
        **_documents(issue, given),
    }


def _facts(read: ReadIssue) -> dict[str, Any]:
    issue = read.issue
    rows = context_rows(issue.context)
    return {
        "issue": issue,
        "pending": read.pending,
        "title": issue_title(issue),
        "trace": shown_trace(issue.exception),
        "trace_text": trace_as_text(issue.exception),
        "context_rows": rows,
        "run": next((row for row in rows if row.address), None),
        "tags": [Choice(tag, list_address(tag=tag)) for tag in issue.tags],
        "addresses": {
            "type": list_address(type=issue.type),
            "component": list_address(component=issue.component),
            "reporter": list_address(reporter=issue.reporter),
            "assignee": list_address(assignee=issue.assignee or ""),
            "raw": reverse("issue", args=[issue.id]),
        },
    }


def _actions(issue: Issue) -> dict[str, Any]:
    return {
        # Deleting is asked about first, on a page of its own.
        "actions": [action for action in actions_for(issue) if action.status != "deleted"],
        "priorities": tuple(reversed(get_args(Priority))),
        # Suggestions: any active user can be written.
        "people": staff(),
        "muted": is_muted(issue),
        "mutes": [(value, label) for value, (label, _) in MUTES.items()],
        "mute_events_most": MUTE_EVENTS_MOST,
        # Made with the page: a form that is sent twice says the same thing once.
        "event_id": str(uuid.uuid4()),
    }


def _documents(issue: Issue, given: QueryDict) -> dict[str, Any]:
    found: dict[str, Any] = {"degraded": False}
    for name in get_args(Collection):
        cursor = given.get(name) or None
        page = read_documents(issue.id, name, limit=DOCUMENTS, cursor=cursor)
        found[name] = _shown(page.items)
        found[f"more_{name}"] = page.cursor and f"{address({name: [page.cursor]})}#{name}"
        found[f"later_{name}"] = bool(cursor)
        found["degraded"] |= page.degraded
    return found


def _shown(documents: Sequence[AnyDocument]) -> list[ShownComment | ShownChange | ShownOccurrence]:
    shown: list[ShownComment | ShownChange | ShownOccurrence] = []
    characters = 0
    for document in documents:
        if isinstance(document, Comment):
            characters += len(document.body)
            fits = characters <= MARKDOWN_MOST
            shown.append(ShownComment(document, render_markdown(document.body) if fits else None))
        elif isinstance(document, HistoryEntry):
            shown.append(shown_change(document))
        else:
            trace, context = shown_trace(document.exception), context_rows(document.context)
            shown.append(ShownOccurrence(document, trace, context))
    return shown
