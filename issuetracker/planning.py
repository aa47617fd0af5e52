"""What an update of an issue comes to: the changes of it and of others, or why it may not be.

Pure. The checks go by what is known when the update is accepted; the merge asks nothing. So two
people at once may both be let through, and then the one who was last holds.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from issuetracker.exceptions import Conflict, FieldError, InvalidInput
from issuetracker.issues import Issue
from issuetracker.messages import IssueUpdate, Mute, Status, Updated, bare_id
from issuetracker.states import allowed_from, is_allowed

#: Issues merged into one, at most: each look at it reads them all.
MERGED_MOST = 100
MUTE_LONGEST = timedelta(days=366)
#: Tags on one issue, at most: each is an entry of the search index.
TAGS_MOST = 50
SETTABLE = (
    *("status", "priority", "assignee", "add_tags", "remove_tags", "mute"),
    "merged_into",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes to accept, in three steps: each once all of the one before is accepted.

    What the other issue of a merge knows is only whom to ask. It knows too early or too long, but
    never too late or too shortly: a failure in between hides nothing.

    Attributes:
        before: what others need to know first.
        change: the issue's own, and the same of those merged into it.
        after: what others need not know any more.
    """

    before: list[Updated] = field(default_factory=list)
    change: list[Updated] = field(default_factory=list)
    after: list[Updated] = field(default_factory=list)

    @property
    def steps(self) -> tuple[list[Updated], ...]:
        """The three of them, in order."""
        return self.before, self.change, self.after


def require_valid(update: IssueUpdate, now: datetime) -> None:
    """Check what can be told from the update alone.

    Raises:
        InvalidInput: it sets nothing, or what cannot be.
    """
    if all(getattr(update, name) is msgspec.UNSET for name in SETTABLE):
        raise InvalidInput([FieldError("", f"Name at least one of: {', '.join(SETTABLE)}")])
    if isinstance(update.merged_into, str) and update.status is not msgspec.UNSET:
        raise InvalidInput([FieldError("/status", "Becomes that of the issue it is merged into")])
    both = {*_given(update.add_tags)} & {*_given(update.remove_tags)}
    if both:
        tags = ", ".join(sorted(both))
        raise InvalidInput([FieldError("/remove_tags", f"Added and removed at once: {tags}")])
    if isinstance(update.mute, Mute):
        _require_possible(update.mute, now)


def _given(tags: list[str] | msgspec.UnsetType) -> list[str]:
    return tags if isinstance(tags, list) else []


def _require_possible(mute: Mute, now: datetime) -> None:
    if (mute.until is None) == (mute.events is None):
        raise InvalidInput([FieldError("/mute", "Give either `until` or `events`")])
    if mute.until is not None and not now < mute.until <= now + MUTE_LONGEST:
        raise InvalidInput([FieldError("/mute/until", "Lies in the past, or over a year ahead")])


def others_needed(issue: Issue, update: IssueUpdate) -> set[str]:
    """The ids of further issues that :func:`plan` wants to know."""
    if isinstance(update.merged_into, str):
        return {bare_id(update.merged_into), *issue.merged}
    return set(issue.merged) if update.status is not msgspec.UNSET else set()


def plan(
    issue: Issue,
    update: IssueUpdate,
    change: Updated,
    others: Mapping[str, Issue],
    *,
    check: bool = True,
) -> Plan:
    """The changes that ``update`` makes.

    Args:
        issue: as it is known now.
        update: what was asked for; valid.
        change: the issue's own change, which sets what ``update`` names.
        others: those of the issues that :func:`others_needed` names, as far as they exist.
        check: whether it must be allowed; a retry of what was applied needs not.

    Raises:
        Conflict: it is not allowed.
        InvalidInput: it names an issue that does not exist.
    """
    if check:
        _require_allowed(issue, update)
    merged = [one for one in map(others.get, issue.merged) if one and one.merged_into == issue.id]
    if isinstance(change.merged_into, str):
        target = others.get(change.merged_into)
        if target is None:
            raise InvalidInput([FieldError("/merged_into", "There is no such issue")])
        if check:
            _require_mergeable(issue, target, merged)
        made = _merging(issue, change, target)
    else:
        made = Plan(change=[change])
    if change.merged_into is not msgspec.UNSET and issue.merged_into not in {
        None,
        change.merged_into,
    }:
        made.after.append(_about(change, str(issue.merged_into), unmerged=issue.id))
    if change.status is not msgspec.UNSET:
        made.change.extend(_about(change, one.id, status=change.status) for one in merged)
    return made


def _merging(issue: Issue, change: Updated, target: Issue) -> Plan:
    before = [_about(change, target.id, merged=issue.id)]
    # What was left of links that failed half-way would keep it from being merged.
    before += [_about(change, issue.id, unmerged=one) for one in issue.merged]
    # It goes on as the other stands: once both are resolved, its next report shows it again.
    return Plan(before, [msgspec.structs.replace(change, status=target.status)])


def _require_allowed(issue: Issue, update: IssueUpdate) -> None:
    if issue.merged_into is not None and any(
        getattr(update, name) is not msgspec.UNSET for name in SETTABLE if name != "merged_into"
    ):
        raise Conflict(
            f"It is merged into {issue.merged_into}: change that one, or take this one out again."
        )
    after = update.status
    if after is not msgspec.UNSET and not is_allowed(issue.status, after):
        raise Conflict(
            f"What is {issue.status} cannot become {after}, "
            f"only one of these: {allowed_from(issue.status)}."
        )
    _require_room(issue, update)


def _require_room(issue: Issue, update: IssueUpdate) -> None:
    tags = {*issue.tags, *_given(update.add_tags)} - {*_given(update.remove_tags)}
    if len(tags) > max(TAGS_MOST, len(issue.tags)):
        raise Conflict(f"An issue has {TAGS_MOST} tags at most; this would make {len(tags)}.")


def _require_mergeable(issue: Issue, target: Issue, merged: Sequence[Issue]) -> None:
    if target.id == issue.id:
        raise Conflict("An issue cannot be merged into itself.")
    if target.merged_into is not None:
        raise Conflict(f"{target.id} is itself merged into {target.merged_into}: take that one.")
    if merged:
        raise Conflict("Others are merged into it: take them out first, or merge each by itself.")
    if "deleted" in (target.status, issue.status):
        raise Conflict("What is deleted is not merged.")
    if len(target.merged) >= MERGED_MOST and issue.id not in target.merged:
        raise Conflict(f"{MERGED_MOST} issues are merged into {target.id} already; no more can be.")


def _about(
    change: Updated,
    issue_id: str,
    *,
    status: Status | msgspec.UnsetType = msgspec.UNSET,
    merged: str | msgspec.UnsetType = msgspec.UNSET,
    unmerged: str | msgspec.UnsetType = msgspec.UNSET,
) -> Updated:
    """What ``change`` means for another issue; a retry of the one is a retry of the other."""
    return Updated(
        issue_id=issue_id,
        event_id=str(uuid.uuid5(uuid.UUID(change.event_id), f"{issue_id} {unmerged or merged}")),
        time=change.time,
        actor=change.actor,
        status=status,
        merged=merged,
        unmerged=unmerged,
    )
