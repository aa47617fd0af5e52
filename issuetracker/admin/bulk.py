"""One change of many issues at once, and taking it back."""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from issuetracker.admin.update_form import MUTES, WrongForm, tags_in
from issuetracker.exceptions import Conflict, InvalidInput, UnknownIssue
from issuetracker.issues import Issue, is_muted
from issuetracker.messages import IssueUpdate, bare_id
from issuetracker.providers.cursors import is_uuid
from issuetracker.reading import read_issues
from issuetracker.working import Outcome as Updated
from issuetracker.working import update_issues

#: So many can be chosen: what a page of the list shows.
MOST = 200
#: What can be set by its own name; tags and mutes have forms of their own.
PLAIN = ("status", "priority", "assignee")
TAGS = ("add_tags", "remove_tags")
_NOT_TAKEN = "neither the log nor the store takes changes at the moment"
_UNKNOWN = "nobody knows them"

#: Some of an :class:`IssueUpdate`, as JSON has it: a session keeps it.
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be set.

    Attributes:
        key: the same for the same form, whenever it is sent.
        fields: one field of an update.
        words: what is done by it, after a count: ``resolved``.
    """

    key: str
    fields: Fields
    words: str


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        wanted: what was to be set.
        before: what sets each issue back that was changed, by its id.
        already: issues that were so already.
        left: issues that were not changed, by the reason.
    """

    wanted: Wanted
    before: dict[str, Fields] = field(default_factory=dict)
    already: int = 0
    left: Counter[str] = field(default_factory=Counter)

    @property
    def sentence(self) -> str:
        """What was done, with its count."""
        said = f"{count_of(len(self.before))} {self.wanted.words}"
        return f"{said}, {self.already} already so" if self.already else said

    @property
    def complaints(self) -> list[str]:
        """A sentence for each reason for which issues were left as they were."""
        return [f"{count_of(count)} not changed: {reason}." for reason, count in self.left.items()]


def read_wanted(form: Mapping[str, str], now: datetime) -> Wanted:
    """What the pressed button says: ``do`` is a field, or a field and its value.

    Args:
        form: ``do``, and under a field's name what was written or chosen for it.
        now: from which a mute counts.

    Raises:
        WrongForm: it says nothing that can be set.
    """
    name, sign, value = form.get("do", "").partition("=")
    if name in TAGS:
        return _tags_wanted(name, form.get("tags", ""))
    if name == "mute":
        return _mute_wanted(value if sign else form.get(name, ""), now)
    if name not in PLAIN:
        raise WrongForm("The form did not say what to change.")
    value = value if sign else form.get(name, "")
    if (name, value) == ("status", "deleted"):
        # Asks first, needs a permission of its own, and cannot be taken back by this page.
        raise WrongForm("Delete issues one by one, on their own pages.")
    return Wanted(f"{name}={value}", {name: value or None}, _done(name, value))


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
    before = {key: _restoring(read.issue, wanted.fields) for key, read in known.items()}
    differing = [key for key, restoring in before.items() if restoring]
    outcome.already = len(before) - len(differing)
    _set(differing, wanted, event_id, actor, before, outcome)
    return outcome


def undo(done: Mapping[str, Any], *, actor: str) -> Outcome:
    """Set what was set before, of the issues that nobody changed since.

    Args:
        done: :func:`undoable` of the outcome.
        actor: name of the user.
    """
    outcome = Outcome(Wanted("", done["fields"], ""))
    before: dict[str, Fields] = done["before"]
    alike: dict[str, list[str]] = {}
    for issue_id, read in read_issues(list(before)).items():
        if _is_untouched(read.issue, done["fields"], before[issue_id]):
            alike.setdefault(json.dumps(before[issue_id]), []).append(issue_id)
        else:
            outcome.left["somebody changed it since"] += 1
    for key, ids in alike.items():
        try:
            _set(ids, Wanted(key, before[ids[0]], ""), done["id"], actor, before, outcome)
        except WrongForm as error:
            # Such as a mute that has ended meanwhile, or somebody who is here no more.
            outcome.left[str(error).rstrip(".")] += len(ids)
    return outcome


def undoable(outcome: Outcome) -> dict[str, Any]:
    """What :func:`undo` needs, to be kept in a session, under an ``id`` of its own."""
    return {
        "id": str(uuid.uuid4()),
        "fields": outcome.wanted.fields,
        "before": outcome.before,
        "said": outcome.sentence,
    }


def count_of(number: int) -> str:
    """``1 issue``, ``3 issues``."""
    return "1 issue" if number == 1 else f"{number} issues"


def _tags_wanted(name: str, written: str) -> Wanted:
    tags = tags_in(written)
    if not tags:
        raise WrongForm("Write which tags: nothing was changed.")
    done = "tagged" if name == "add_tags" else "freed of the tag" + "s" * (len(tags) > 1)
    return Wanted(f"{name}={' '.join(tags)}", {name: tags}, f"{done} {', '.join(tags)}")


def _mute_wanted(value: str, now: datetime) -> Wanted:
    if not value:
        return Wanted("mute=", {"mute": None}, "unmuted")
    if value not in MUTES:
        raise WrongForm("Choose for how long: nothing was changed.")
    label, length = MUTES[value]
    return Wanted(f"mute={value}", {"mute": _mute_until(now + length)}, f"muted for {label}")


def _mute_until(end: datetime) -> Fields:
    return {"until": msgspec.to_builtins(end)}


def _restoring(issue: Issue, fields: Fields) -> Fields:
    """What sets ``issue`` back once ``fields`` are set; empty when it is so already."""
    ((name, value),) = fields.items()
    if name in TAGS:
        added = name == "add_tags"
        differing = [tag for tag in value if (tag in issue.tags) != added]
        return {TAGS[added]: differing} if differing else {}
    now = _current(issue, name)
    return {} if now == value else {name: now}


def _is_untouched(issue: Issue, fields: Fields, before: Fields) -> bool:
    ((name, value),) = fields.items()
    # What was set may not have reached the store yet. A tag set anew is no other than it was.
    return name in TAGS or _current(issue, name) in (value, before[name])


def _current(issue: Issue, name: str) -> Any:  # noqa: ANN401 - as JSON has it
    if name != "mute":
        return getattr(issue, name)
    if not is_muted(issue):
        return None
    if issue.muted_until is not None:
        return _mute_until(issue.muted_until)
    return {"events": issue.muted_events}


def _set(
    ids: list[str],
    wanted: Wanted,
    event_id: str,
    actor: str,
    before: Mapping[str, Fields],
    outcome: Outcome,
) -> None:
    """Set ``wanted`` of each, by the rules, and note in ``outcome`` what became of it."""
    if not ids:
        return
    try:
        update = msgspec.convert(wanted.fields, IssueUpdate)
        # The same form sent twice makes the same events.
        event = str(uuid.uuid5(uuid.UUID(event_id), wanted.key))
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


def _done(name: str, value: str) -> str:
    if name == "assignee":
        return f"assigned to {value}" if value else "unassigned"
    if name == "priority":
        return f"set to priority {value}"
    return {"open": "reopened", "in_progress": "set to in progress"}.get(value, value)
