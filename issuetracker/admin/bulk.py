"""One change of many issues at once, and taking it back."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from issuetracker.admin.update_form import WrongForm
from issuetracker.exceptions import Conflict, InvalidInput, UnknownIssue
from issuetracker.messages import IssueUpdate, bare_id
from issuetracker.providers.cursors import is_uuid
from issuetracker.reading import read_issues
from issuetracker.working import Outcome as Updated
from issuetracker.working import update_issues

#: So many can be chosen: what a page of the list shows.
MOST = 200
SETTABLE = ("status", "priority", "assignee")
_NOT_TAKEN = "neither the log nor the store takes changes at the moment"
_UNKNOWN = "nobody knows them"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be set.

    Attributes:
        field: ``status``, ``priority`` or ``assignee``.
        value: to what; an empty assignee means nobody.
    """

    field: str
    value: str


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        wanted: what was to be set.
        before: what was set before, by the id of each issue that was changed.
        already: issues that had the value already.
        left: issues that were not changed, by the reason.
    """

    wanted: Wanted
    before: dict[str, str] = field(default_factory=dict)
    already: int = 0
    left: Counter[str] = field(default_factory=Counter)

    @property
    def sentence(self) -> str:
        """What was done, with its count."""
        said = f"{count_of(len(self.before))} {_done(self.wanted)}"
        return f"{said}, {self.already} already so" if self.already else said

    @property
    def complaints(self) -> list[str]:
        """A sentence for each reason for which issues were left as they were."""
        return [f"{count_of(count)} not changed: {reason}." for reason, count in self.left.items()]


def read_wanted(form: Mapping[str, str]) -> Wanted:
    """What the pressed button says: ``do`` is a field, or a field and its value.

    Raises:
        WrongForm: it says nothing that can be set.
    """
    name, sign, value = form.get("do", "").partition("=")
    if name not in SETTABLE:
        raise WrongForm("The form did not say what to change.")
    wanted = Wanted(name, value if sign else form.get(name, ""))
    if wanted == Wanted("status", "deleted"):
        # Asks first, needs a permission of its own, and cannot be taken back by this page.
        raise WrongForm("Delete issues one by one, on their own pages.")
    return wanted


def change_issues(ids: Sequence[str], wanted: Wanted, *, event_id: str, actor: str) -> Outcome:
    """Set the same for each issue, as far as it goes.

    Args:
        ids: of the issues; at most :data:`MOST` are looked at.
        wanted: what to set.
        event_id: of the form; the same form sent twice changes everything once.
        actor: name of the user.

    Raises:
        WrongForm: nothing is changed.
    """
    if not is_uuid(event_id):
        raise WrongForm("The form was not complete; please send it again.")
    chosen = list(dict.fromkeys(one for each in ids if is_uuid(one := bare_id(each))))[:MOST]
    if not chosen:
        raise WrongForm("Select issues first: nothing was changed.")
    outcome = Outcome(wanted)
    known = read_issues(chosen)
    if len(chosen) > len(known):
        outcome.left[_UNKNOWN] = len(chosen) - len(known)
    before = {key: _value(read.issue, wanted.field) for key, read in known.items()}
    differing = [key for key, value in before.items() if value != wanted.value]
    outcome.already = len(before) - len(differing)
    _set(differing, wanted, event_id, actor, before, outcome)
    return outcome


def undo(done: Mapping[str, Any], *, actor: str) -> Outcome:
    """Set what was set before, of the issues that nobody changed since.

    Args:
        done: :func:`undoable` of the outcome.
        actor: name of the user.
    """
    wanted = Wanted(done["field"], done["value"])
    outcome = Outcome(wanted)
    before: dict[str, str] = done["before"]
    by_value: dict[str, list[str]] = {}
    for issue_id, read in read_issues(list(before)).items():
        # What was set may not have reached the store yet.
        if _value(read.issue, wanted.field) in (wanted.value, before[issue_id]):
            by_value.setdefault(before[issue_id], []).append(issue_id)
        else:
            outcome.left["somebody changed it since"] += 1
    for value, ids in by_value.items():
        _set(ids, Wanted(wanted.field, value), done["id"], actor, before, outcome)
    return outcome


def undoable(outcome: Outcome) -> dict[str, Any]:
    """What :func:`undo` needs, to be kept in a session, under an ``id`` of its own."""
    return {
        "id": str(uuid.uuid4()),
        "field": outcome.wanted.field,
        "value": outcome.wanted.value,
        "before": outcome.before,
        "said": outcome.sentence,
    }


def count_of(number: int) -> str:
    """``1 issue``, ``3 issues``."""
    return "1 issue" if number == 1 else f"{number} issues"


def _set(
    ids: list[str],
    wanted: Wanted,
    event_id: str,
    actor: str,
    before: Mapping[str, str],
    outcome: Outcome,
) -> None:
    """Set ``wanted`` of each, by the rules, and note in ``outcome`` what became of it."""
    if not ids:
        return
    try:
        update = msgspec.convert({wanted.field: wanted.value or None}, IssueUpdate)
        # The same form sent twice makes the same events.
        event = str(uuid.uuid5(uuid.UUID(event_id), wanted.value))
        updated = update_issues(ids, update, actor, event_id=event)
    except (InvalidInput, ValueError) as error:
        raise WrongForm(f"That cannot be set: {_said(error)}.") from error
    for one in updated:
        if one.error is None:
            outcome.before[one.issue_id] = before[one.issue_id]
        else:
            outcome.left[_reason(one)] += 1


def _reason(updated: Updated) -> str:
    if isinstance(updated.error, UnknownIssue):
        return _UNKNOWN
    if isinstance(updated.error, Conflict | InvalidInput):
        return _said(updated.error).rstrip(".")
    return _NOT_TAKEN


def _said(error: Exception | None) -> str:
    if isinstance(error, InvalidInput):
        return "; ".join(wrong.detail for wrong in error.errors)
    return str(error)


def _value(issue: object, name: str) -> str:
    return getattr(issue, name) or ""


def _done(wanted: Wanted) -> str:
    if wanted.field == "assignee":
        return f"assigned to {wanted.value}" if wanted.value else "unassigned"
    if wanted.field == "priority":
        return f"set to priority {wanted.value}"
    return {"open": "reopened", "in_progress": "set to in progress"}.get(wanted.value, wanted.value)
