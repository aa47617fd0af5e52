"""What an :class:`~issuetracker.messages.Updated` sets of an issue, and what follows from it.

Pure, and as free of order as the merge that it is a part of: each thing that is set is kept with
its stamp in the ledger, and what people see is derived from the ledger alone.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from issuetracker.issues import Choice, Issue, Ledger, Setting, Stamp
from issuetracker.messages import MUTE_EVENTS_MOST, Updated

#: Issues of which one remembers that they were merged into it, or taken out again; the newest.
LINKS_REMEMBERED = 256
#: Tags of an issue that people added or removed; of more, those that were set last.
TAGS_REMEMBERED = 100

_FIELDS = ("status", "priority", "assignee", "merged_into")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(moment: datetime) -> int:
    """``moment`` in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The time so many microseconds after 1970, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def note(issue: Issue, ledger: Ledger, change: Updated, stamp: Stamp) -> None:
    """Keep what ``change`` sets, where nothing was set later."""
    for name in _FIELDS:
        value = getattr(change, name)
        held: Setting | None = getattr(ledger, name)
        if value is not msgspec.UNSET and (held is None or stamp > held[:2]):
            setattr(ledger, name, (*stamp, value))
            setattr(issue, name, value)
    _note_mute(ledger, change, stamp)
    for issue_id, is_merged in ((change.merged, True), (change.unmerged, False)):
        if issue_id is not msgspec.UNSET:
            _choose(ledger.merged, issue_id, (*stamp, is_merged))
    for tags, is_on in _tags_set(change):
        for tag in tags:
            _choose(ledger.tags, tag, (*stamp, is_on))


def set_without_ledger(issue: Issue, change: Updated) -> None:
    """Set what ``change`` says, where nobody knows what was set later: the latest known holds."""
    for name in _FIELDS:
        value = getattr(change, name)
        if value is not msgspec.UNSET:
            setattr(issue, name, value)
    if change.status is not msgspec.UNSET:
        issue.regressed = False
    for tags, is_on in _tags_set(change):
        issue.tags = sorted({*issue.tags, *tags} if is_on else {*issue.tags} - {*tags})
    if change.mute is not msgspec.UNSET:
        issue.muted_until = change.mute.until if change.mute else None
        issue.muted_events = change.mute.events if change.mute else None
    if change.merged is not msgspec.UNSET:
        issue.merged = sorted({*issue.merged, change.merged})
    if change.unmerged is not msgspec.UNSET:
        issue.merged = sorted({*issue.merged} - {change.unmerged})


def told(change: Updated) -> dict[str, str | int | list[str] | None]:
    """What ``change`` sets, as the history says it."""
    names = (*_FIELDS, "merged", "unmerged", "add_tags", "remove_tags")
    values = {name: getattr(change, name) for name in names}
    set_here = {name: value for name, value in values.items() if value is not msgspec.UNSET}
    mute = change.mute
    if mute is msgspec.UNSET:
        return set_here
    if mute is None:
        return {**set_here, "mute": None}
    if mute.until is not None:
        return {**set_here, "muted_until": msgspec.to_builtins(mute.until.astimezone(UTC))}
    return {**set_here, "muted_events": mute.events}


def remember_seen(ledger: Ledger, seen: Iterable[int]) -> None:
    """Keep the times of the newest reports, those ``seen`` (microseconds) among them."""
    times = sorted([*_times(ledger), *seen])[-MUTE_EVENTS_MOST:]
    ledger.seen = struct.pack(f">{len(times)}q", *times)


def derive_mute(issue: Issue, ledger: Ledger) -> None:
    """Set whether ``issue`` is muted as of its latest change.

    A mute for N further events has ended when the N-th newest report came after it. So the times
    of as many reports as a mute may be long say exactly whether it has, whatever came first.
    """
    if ledger.mute is None:
        return
    since, _, until, events = ledger.mute
    issue.muted_until = issue.muted_events = None
    if until is not None:
        end = moment_of(until)
        issue.muted_until = end if end > issue.updated_at else None
    elif events is not None:
        times = _times(ledger)
        left = events - (len(times) - bisect_right(times, since))
        issue.muted_events = left if left > 0 else None


def derive_links(issue: Issue, ledger: Ledger) -> None:
    """Set what ``issue`` is merged into, and what is said to be merged into it.

    What others are merged into is never merged itself: whatever two people do at once, there is
    no ring, no chain, and nothing that is in no list.
    """
    if ledger.merged:
        by_age = sorted(ledger.merged.items(), key=lambda item: item[1][:2])
        ledger.merged = dict(sorted(by_age[-LINKS_REMEMBERED:]))
        issue.merged = [issue_id for issue_id, link in ledger.merged.items() if link[2]]
    if ledger.merged_into is not None:
        issue.merged_into = None if issue.merged else ledger.merged_into[2]


def derive_tags(issue: Issue, ledger: Ledger, reported: list[str]) -> None:
    """Set the tags of ``issue``: those ``reported`` first, and what people made of them since."""
    if not ledger.tags:
        return
    by_age = sorted(ledger.tags.items(), key=lambda item: (item[1][:2], item[0]))
    ledger.tags = dict(sorted(by_age[-TAGS_REMEMBERED:]))
    ledger.reported_tags = reported
    added = {tag for tag, choice in ledger.tags.items() if choice[2]}
    issue.tags = sorted(added | ({*reported} - ledger.tags.keys()))


def _tags_set(change: Updated) -> list[tuple[list[str], bool]]:
    given = ((change.add_tags, True), (change.remove_tags, False))
    return [(tags, is_on) for tags, is_on in given if tags is not msgspec.UNSET]


def _note_mute(ledger: Ledger, change: Updated, stamp: Stamp) -> None:
    mute = change.mute
    if mute is msgspec.UNSET or (ledger.mute is not None and stamp <= ledger.mute[:2]):
        return
    until = microseconds_of(mute.until) if mute and mute.until else None
    ledger.mute = (*stamp, until, mute.events if mute else None)


def _choose(choices: dict[str, Choice], name: str, choice: Choice) -> None:
    held = choices.get(name)
    if held is None or choice[:2] > held[:2]:
        choices[name] = choice


def _times(ledger: Ledger) -> tuple[int, ...]:
    return struct.unpack(f">{len(ledger.seen) // 8}q", ledger.seen)
