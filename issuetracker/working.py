"""Working on issues: updates of one or of many, by the same rules for services and for people."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.contrib.auth import get_user_model
from django.db import DatabaseError

from issuetracker.accepting import STORE_SECONDS, Accepted, accept_all
from issuetracker.bounded import NoAnswer, bounded
from issuetracker.exceptions import (
    Conflict,
    FieldError,
    InvalidInput,
    IssueTrackerError,
    StoreUnavailable,
    UnknownIssue,
)
from issuetracker.issues import Issue
from issuetracker.merging import has_applied
from issuetracker.messages import IssueUpdate, Updated, bare_id
from issuetracker.planning import MERGED_MOST, Plan, others_needed, plan, require_valid
from issuetracker.providers.redis import RecentIssue
from issuetracker.reading import KnownIssues, ReadIssue, known_issues

#: Seconds that the database has to say whether somebody exists; past that they are believed to.
ASSIGNEE_SECONDS = 0.3
#: Changes of one request, at most: an update of an issue is one of each that is merged into it.
CHANGES_MOST = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the update of one issue.

    Attributes:
        issue_id: its bare id.
        where: where all of it is held for good; None when it was not accepted.
        error: why it was not: UnknownIssue, Conflict, InvalidInput or StoreUnavailable.
    """

    issue_id: str
    where: Literal["log", "store"] | None = None
    error: IssueTrackerError | None = None


def update_issue(
    issue_id: str,
    update: IssueUpdate,
    actor: str,
    *,
    event_id: str,
    deadline: float | None = None,
) -> Outcome:
    """Accept what ``update`` sets of one issue.

    Args:
        issue_id: its id, with or without ``temp-``.
        update: what to set; its own event id is not looked at.
        actor: name of the (service) user.
        event_id: of the change; with the same one again, nothing happens twice.
        deadline: latest time (``time.monotonic()``) for the store's answers.

    Raises:
        InvalidInput: it can never be; each wrong field is named.
        UnknownIssue: there is no such issue.
        Conflict: the issue is not such that this can be done.
        StoreUnavailable: nobody knows the issue now, or nothing took the change.
    """
    events = {bare_id(issue_id): event_id}
    (outcome,) = _update(events, update, actor, deadline)
    if outcome.error is not None:
        raise outcome.error
    return outcome


def update_issues(
    issue_ids: Sequence[str],
    update: IssueUpdate,
    actor: str,
    *,
    event_id: str,
    deadline: float | None = None,
) -> list[Outcome]:
    """The same for many issues, each with its own outcome, in the order of ``issue_ids``.

    They wait together: for the store's answer once, and for the log once in each step of a plan.

    Args:
        issue_ids: their ids; one that is there twice counts once.
        update: what to set of each.
        actor: name of the (service) user.
        event_id: from which each change's own is made.
        deadline: latest time (``time.monotonic()``) for the store's answers.

    Raises:
        InvalidInput: the update can never be, of any issue.
    """
    events = {
        issue_id: str(uuid.uuid5(uuid.UUID(event_id), issue_id))
        for issue_id in map(bare_id, issue_ids)
    }
    return _update(events, update, actor, deadline)


def require_assignable(name: str) -> None:
    """Return if ``name`` is an active user, or the database does not say.

    Raises:
        InvalidInput: it is not.
    """
    try:
        found = bounded(_is_active_user, name, seconds=ASSIGNEE_SECONDS)
    except (DatabaseError, NoAnswer):
        return
    if not found:
        raise InvalidInput([FieldError("/assignee", "There is no active user of this name")])


def _update(
    events: Mapping[str, str],
    update: IssueUpdate,
    actor: str,
    deadline: float | None,
) -> list[Outcome]:
    now = datetime.now(UTC)
    require_valid(update, now)
    if isinstance(update.merged_into, str) and len(events) > MERGED_MOST:
        raise InvalidInput([FieldError("/ids", f"At most {MERGED_MOST} are merged into one")])
    if isinstance(update.assignee, str):
        require_assignable(update.assignee)
    plans = _Work(update, actor, now, deadline).plan_all(events)
    return _accept(list(events), plans, deadline)


class _Work:
    """One update on its way to becoming changes."""

    def __init__(
        self, update: IssueUpdate, actor: str, now: datetime, deadline: float | None
    ) -> None:
        self._update = update
        self._actor = actor
        self._now = now
        self._deadline = deadline
        self._count = 0

    def plan_all(self, events: Mapping[str, str]) -> dict[str, Plan | IssueTrackerError]:
        """By issue id what is to be accepted, or why nothing is."""
        read = self._read(events)
        others = self._others(read)
        plans: dict[str, Plan | IssueTrackerError] = {}
        for issue_id, event_id in events.items():
            try:
                plans[issue_id] = self._plan(issue_id, event_id, read, others)
            except (UnknownIssue, Conflict, InvalidInput, StoreUnavailable) as error:
                plans[issue_id] = error
        return plans

    def _read(self, issue_ids: Iterable[str]) -> KnownIssues:
        left = STORE_SECONDS if self._deadline is None else self._deadline - time.monotonic()
        return known_issues(issue_ids, seconds=min(STORE_SECONDS, left))

    def _others(self, read: KnownIssues) -> dict[str, Issue]:
        needed: set[str] = set()
        for one in read.issues.values():
            needed |= others_needed(one.issue, self._update)
        found = self._read(needed).issues
        return {issue_id: one.issue for issue_id, one in found.items()}

    def _plan(
        self, issue_id: str, event_id: str, read: KnownIssues, others: Mapping[str, Issue]
    ) -> Plan:
        known = read.require(issue_id)
        change = self._change(issue_id, event_id)
        # Of one that is known in part only, nobody can tell what it may become.
        whole = read.is_current and known.issue.count > 0
        check = whole and not was_accepted(known, event_id)
        made = plan(known.issue, self._update, change, others, check=check)
        self._count += sum(map(len, made.steps))
        if self._count > CHANGES_MOST:
            raise Conflict("Too many are merged into these; update fewer at once.")
        return made

    def _change(self, issue_id: str, event_id: str) -> Updated:
        update = self._update
        into = update.merged_into
        return Updated(
            issue_id=issue_id,
            event_id=event_id,
            time=self._now,
            actor=self._actor,
            status=update.status,
            priority=update.priority,
            assignee=update.assignee,
            add_tags=update.add_tags,
            remove_tags=update.remove_tags,
            mute=update.mute,
            merged_into=bare_id(into) if isinstance(into, str) else into,
        )


def was_accepted(known: ReadIssue, event_id: str) -> bool:
    """Whether this is a retry; what it did may be what now stands in its way."""
    pending = known.issue.pending if isinstance(known.issue, RecentIssue) else ()
    return bool(has_applied(known.issue, [event_id])) or any(
        change.event_id == event_id for change in pending
    )


def _accept(
    issue_ids: Sequence[str],
    plans: Mapping[str, Plan | IssueTrackerError],
    deadline: float | None,
) -> list[Outcome]:
    errors = {key: made for key, made in plans.items() if isinstance(made, IssueTrackerError)}
    where: dict[str, set[Literal["log", "store"]]] = {}
    for step in range(3):
        changes = [
            (issue_id, change)
            for issue_id, made in plans.items()
            if isinstance(made, Plan) and issue_id not in errors
            for change in made.steps[step]
        ]
        accepted = accept_all([change for _, change in changes], deadline=deadline)
        for (issue_id, _), outcome in zip(changes, accepted, strict=True):
            if isinstance(outcome, Accepted):
                where.setdefault(issue_id, set()).add(outcome.where)
            else:
                errors.setdefault(issue_id, outcome)
    return list(_outcomes(issue_ids, errors, where))


def _outcomes(
    issue_ids: Sequence[str],
    errors: Mapping[str, IssueTrackerError],
    where: Mapping[str, set[Literal["log", "store"]]],
) -> Iterator[Outcome]:
    for issue_id in issue_ids:
        if issue_id in errors:
            yield Outcome(issue_id, error=errors[issue_id])
        else:
            yield Outcome(issue_id, "log" if "log" in where[issue_id] else "store")


def _is_active_user(name: str) -> bool:
    return get_user_model().objects.filter(username=name, is_active=True).exists()
