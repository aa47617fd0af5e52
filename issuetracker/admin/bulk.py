"""One change of many issues at once, and taking it back."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from issuetracker.admin.changing import SETTABLE, WrongForm, update_issue
from issuetracker.exceptions import StoreUnavailable
from issuetracker.messages import bare_id
from issuetracker.providers.cursors import is_uuid
from issuetracker.reading import read_issues

#: So many can be chosen: what a page of the list shows.
MOST = 200
#: Seconds after which the rest is left as it is, and said to be.
_SECONDS = 10.0
_NOT_TAKEN = "neither the log nor the store takes changes at the moment"
_TOO_SLOW = "it took too long"


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
    if (name, value) == ("status", "deleted"):
        # Asks first, needs a permission of its own, and cannot be taken back by this page.
        raise WrongForm("Delete issues one by one, on their own pages.")
    return Wanted(name, value if sign else form.get(name, ""))


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
    chosen = list(dict.fromkeys(one for each in ids if is_uuid(one := bare_id(each))))[:MOST]
    if not chosen:
        raise WrongForm("Select issues first: nothing was changed.")
    outcome = Outcome(wanted)
    known = read_issues(chosen)
    if len(chosen) > len(known):
        outcome.left["nobody knows them"] = len(chosen) - len(known)

    def change(issue_id: str) -> None:
        before = _value(known[issue_id].issue, wanted.field)
        if before == wanted.value:
            outcome.already += 1
            return
        _set(issue_id, wanted.field, wanted.value, event_id, actor)
        outcome.before[issue_id] = before

    _each(list(known), change, outcome)
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
    known = read_issues(list(before))

    def restore(issue_id: str) -> None:
        # What was set may not have reached the store yet.
        if _value(known[issue_id].issue, wanted.field) not in (wanted.value, before[issue_id]):
            outcome.left["somebody changed it since"] += 1
            return
        _set(issue_id, wanted.field, before[issue_id], done["id"], actor)
        outcome.before[issue_id] = before[issue_id]

    _each([issue_id for issue_id in before if issue_id in known], restore, outcome)
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


def _each(ids: list[str], action: Callable[[str], None], outcome: Outcome) -> None:
    """Do it for each until nothing takes changes any more, or the time is up."""
    deadline = time.monotonic() + _SECONDS
    for place, issue_id in enumerate(ids):
        if time.monotonic() > deadline:
            outcome.left[_TOO_SLOW] += len(ids) - place
            return
        try:
            action(issue_id)
        except WrongForm as error:
            outcome.left[str(error).rstrip(".")] += 1
        except StoreUnavailable:
            outcome.left[_NOT_TAKEN] += len(ids) - place
            return


def _set(issue_id: str, name: str, value: str, event_id: str, actor: str) -> None:
    # The event id is the form's for each issue; an id is applied once per issue.
    update_issue(issue_id, {name: value, "event_id": event_id}, actor)


def _value(issue: object, name: str) -> str:
    return getattr(issue, name) or ""


def _done(wanted: Wanted) -> str:
    if wanted.field == "assignee":
        return f"assigned to {wanted.value}" if wanted.value else "unassigned"
    if wanted.field == "priority":
        return f"set to priority {wanted.value}"
    return {"open": "reopened", "in_progress": "set to in progress"}.get(wanted.value, wanted.value)
