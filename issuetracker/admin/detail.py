"""The page of one issue: what it shows, and the address of each part that goes on."""

import uuid
from dataclasses import dataclass
from typing import Any, get_args

from django.http import QueryDict
from django.urls import reverse

from issuetracker.admin.context import ContextRow, context_rows
from issuetracker.admin.filters import Choice, address
from issuetracker.admin.listing import issue_title
from issuetracker.admin.traces import ShownException, shown_trace, trace_as_text
from issuetracker.issues import AnyDocument, Collection, Issue, Occurrence
from issuetracker.messages import Priority, Status
from issuetracker.reading import read_documents, read_issue

DOCUMENTS = 100

#: What a button says that sets the status, by the status it sets.
STATUS_BUTTONS: dict[Status, str] = {
    "in_progress": "Start work",
    "resolved": "Resolve",
    "ignored": "Ignore",
    "open": "Reopen",
}


@dataclass(frozen=True, slots=True)
class ShownOccurrence:
    """One report of the issue, with its trace and context as the page shows them."""

    occurrence: Occurrence
    trace: list[ShownException]
    context: list[ContextRow]


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
    return {
        "issue": issue,
        "pending": read.pending,
        "title": issue_title(issue),
        "trace": shown_trace(issue.exception),
        "trace_text": trace_as_text(issue.exception),
        "context_rows": context_rows(issue.context),
        "tags": [Choice(tag, list_address(tag=tag)) for tag in issue.tags],
        "component_address": list_address(component=issue.component),
        "reporter_address": list_address(reporter=issue.reporter),
        "raw_address": reverse("issue", args=[issue.id]),
        "statuses": _buttons(issue),
        "priorities": tuple(reversed(get_args(Priority))),
        # Made with the page: a form that is sent twice says the same thing once.
        "event_id": str(uuid.uuid4()),
        **_documents(issue, given),
    }


def list_address(**filters: str) -> str:
    """The address of the issue list with these filters."""
    changelist = reverse("admin:issuetracker_issue_changelist")
    return changelist + address({name: [value] for name, value in filters.items()})


def _buttons(issue: Issue) -> list[tuple[Status, str]]:
    return [(status, label) for status, label in STATUS_BUTTONS.items() if status != issue.status]


def _documents(issue: Issue, given: QueryDict) -> dict[str, Any]:
    found: dict[str, Any] = {"degraded": False}
    for name in get_args(Collection):
        cursor = given.get(name) or None
        page = read_documents(issue.id, name, limit=DOCUMENTS, cursor=cursor)
        found[name] = [_shown(document) for document in page.items]
        found[f"more_{name}"] = page.cursor and f"{address({name: [page.cursor]})}#{name}"
        found[f"later_{name}"] = bool(cursor)
        found["degraded"] |= page.degraded
    return found


def _shown(document: AnyDocument) -> AnyDocument | ShownOccurrence:
    if not isinstance(document, Occurrence):
        return document
    return ShownOccurrence(
        document, shown_trace(document.exception), context_rows(document.context)
    )
