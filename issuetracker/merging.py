"""The merge of changes into an issue: one pure function, the heart of "nothing twice".

Whatever the order of the changes, however often each is delivered, and whether it comes from the
log or was written past it, the same issue comes out (``tests/test_merging.py`` holds it to this):

* counts are by event id; *replays* from the log are recognised by their offset, which is below
  the issue's mark for that log and not one that the store refused; *retries* by their event id,
  among the newest :data:`EVENTS_REMEMBERED`;
* the earliest report names the issue, the latest says when it was last seen;
* status, priority, assignee, tags, mute and what it is merged into are the ones set last
  (:mod:`issuetracker.setting`);
* comments, history entries and occurrences are documents named by their event id.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from issuetracker.issues import (
    HOURS_KEPT,
    AnyDocument,
    Comment,
    HistoryEntry,
    Issue,
    Ledger,
    Occurrence,
    Setting,
    Stamp,
)
from issuetracker.messages import AnyChange, Commented, Reported, Updated
from issuetracker.setting import (
    derive_links,
    derive_mute,
    derive_tags,
    microseconds_of,
    moment_of,
    note,
    remember_seen,
    told,
)

#: A retry further back than this many changes of one issue may count twice.
EVENTS_REMEMBERED = 128
#: Occurrences kept: the newest few of each hour, and so many in all. A storm replaces them, so
#: it costs a few writes a batch; an issue that is seen now and then keeps them all for long.
OCCURRENCES_PER_HOUR = 3
OCCURRENCES_KEPT = 30
#: Ids written past the log are kept until the log has come so much further: past this no message
#: of theirs can still be in it (Kafka's default retention is seven days).
UNCONFIRMED_FOR = timedelta(days=8)
#: Of more than so many the first and the last half are kept: what a broker that went away has all
#: the same was sent when it went, and what is sent again was sent lately.
UNCONFIRMED_KEPT = 4000
LOGS_REMEMBERED = 32
REFUSED_KEPT = 1000

_HOUR = 3_600_000_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ledger).decode


class Origin(NamedTuple):
    """Where in Kafka a change stood.

    Attributes:
        log: topic id and partition; a topic made anew under the same name is another log.
        offset: the offset in it.
    """

    log: str
    offset: int


class Delivery(NamedTuple):
    """One change as it arrived.

    Attributes:
        change: the change.
        origin: where it was read; None when it is written past the log. Its message may be in
            the log all the same: an acknowledgement that did not come, or an earlier try of a
            caller who tries again.
    """

    change: AnyChange
    origin: Origin | None = None


@dataclass(slots=True)
class Merged:
    """What a merge came to.

    Attributes:
        issue: the issue, to be written if it is unchanged since it was read.
        put: documents to write with it.
        drop: ids of occurrences to delete with it.
        applied: changes that were new.
        duplicates: changes that had been applied before.
    """

    issue: Issue
    put: list[AnyDocument] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    applied: int = 0
    duplicates: int = 0


def merge(
    issue: Issue | None, deliveries: Sequence[Delivery], refused: Iterable[Origin] = ()
) -> Merged:
    """Apply ``deliveries``, all of one issue and in the order of their logs, to ``issue``.

    Args:
        issue: as the store has it, or None when it has none; it is not modified.
        deliveries: at least one.
        refused: where changes of the issue stood that the store has just refused.
    """
    draft = _Draft(issue, deliveries[0].change)
    for origin in refused:
        draft.pass_over(origin)
    for delivery in deliveries:
        draft.take(delivery)
    return draft.finish()


def ledger_of(issue: Issue) -> Ledger:
    """The decoded bookkeeping of ``issue``."""
    return _decode(issue.ledger) if issue.ledger else Ledger()


def stamp_of(change: AnyChange) -> Stamp:
    """When ``change`` happened, with its event id to break ties."""
    return microseconds_of(change.time), change.event_id


def has_applied(issue: Issue, event_ids: Iterable[str]) -> set[str]:
    """Those of ``event_ids`` that ``issue`` remembers as applied."""
    ledger = ledger_of(issue)
    known = set(_split(ledger.recent))
    return {
        event_id
        for event_id in event_ids
        if uuid.UUID(event_id).bytes in known or event_id in ledger.unconfirmed
    }


class _Draft:
    """An issue while changes are applied to it."""

    def __init__(self, issue: Issue | None, change: AnyChange) -> None:
        if issue is None:
            time = change.time.astimezone(UTC)
            issue = Issue(id=change.issue_id, first_seen=time, last_seen=time, updated_at=time)
        self.issue = msgspec.structs.replace(issue)
        self.ledger = ledger_of(issue)
        self.recent = _split(self.ledger.recent)
        self.known = set(self.recent)
        self.reports: list[tuple[Stamp, Occurrence]] = []
        self.seen: list[int] = []
        # What people made of the tags is derived anew from these.
        self.reported_tags = self.ledger.reported_tags if self.ledger.tags else self.issue.tags
        self.merged = Merged(self.issue)
        # How far the log has come, in microseconds since 1970; 0 when nothing comes from it.
        self.log_time = 0

    def pass_over(self, origin: Origin) -> None:
        """Note that the change there is not applied, although later ones of its log are.

        It has yet to reach the dead letters. Should the process end before, it comes again, and
        must not be taken for a replay.
        """
        offsets = self.ledger.refused.setdefault(origin.log, [])
        if origin.offset not in offsets:
            offsets.append(origin.offset)

    def take(self, delivery: Delivery) -> None:
        """Apply one change, unless it was applied before."""
        if delivery.origin is not None:
            self.log_time = max(self.log_time, stamp_of(delivery.change)[0])
        if self._replayed(delivery.origin) or self._retried(delivery):
            self.merged.duplicates += 1
            return
        self.merged.applied += 1
        self._remember(delivery)
        change = delivery.change
        stamp = stamp_of(change)
        self.issue.updated_at = max(self.issue.updated_at, change.time.astimezone(UTC))
        if isinstance(change, Reported):
            self._report(change, stamp)
        else:
            self._note_before_report(change.time)
            if isinstance(change, Commented):
                self._comment(change)
            else:
                self._update(change, stamp)

    def _replayed(self, origin: Origin | None) -> bool:
        if origin is None:
            return False
        marks = self.ledger.marks
        if origin.offset < marks.get(origin.log, 0):
            return not self._was_refused(origin)
        # Set anew, so that the log heard of last stands last and outlives the bound.
        marks.pop(origin.log, None)
        marks[origin.log] = origin.offset + 1
        return False

    def _was_refused(self, origin: Origin) -> bool:
        offsets = self.ledger.refused.get(origin.log, [])
        if origin.offset not in offsets:
            return False
        # If the store refuses it once more, this draft is never written, and it stays noted.
        offsets.remove(origin.offset)
        return True

    def _retried(self, delivery: Delivery) -> bool:
        event_id = delivery.change.event_id
        if event_id in self.ledger.unconfirmed:
            if delivery.origin is not None:
                del self.ledger.unconfirmed[event_id]
                self._remember_recent(event_id)
            return True
        if uuid.UUID(event_id).bytes not in self.known:
            return False
        if delivery.origin is None:
            # A message of it may turn up when the event is no longer a recent one.
            self._remember(delivery)
        return True

    def _remember(self, delivery: Delivery) -> None:
        event_id = delivery.change.event_id
        if delivery.origin is None:
            self.ledger.unconfirmed[event_id] = stamp_of(delivery.change)[0]
        else:
            self._remember_recent(event_id)

    def _remember_recent(self, event_id: str) -> None:
        packed = uuid.UUID(event_id).bytes
        self.known.add(packed)
        self.recent.append(packed)

    def _note_before_report(self, time: datetime) -> None:
        if self.ledger.first is None:
            self.issue.first_seen = min(self.issue.first_seen, time.astimezone(UTC))
            self.issue.last_seen = self.issue.updated_at

    def _report(self, change: Reported, stamp: Stamp) -> None:
        self.issue.count += 1
        hour = stamp[0] // _HOUR
        self.ledger.hours[hour] = self.ledger.hours.get(hour, 0) + 1
        self.seen.append(stamp[0])
        occurrence = _occurrence(change)
        if self.ledger.last is None or stamp > self.ledger.last:
            self.ledger.last = stamp
        if self.ledger.first is None:
            self._name(change, stamp)
        elif stamp < self.ledger.first:
            # The report that named the issue until now becomes one of its occurrences.
            self.reports.append((self.ledger.first, self._first_occurrence()))
            self._name(change, stamp)
        else:
            self.reports.append((stamp, occurrence))

    def _first_occurrence(self) -> Occurrence:
        issue = self.issue
        return Occurrence(
            id=(self.ledger.first or (0, ""))[1],
            issue_id=issue.id,
            time=issue.first_seen,
            reporter=issue.reporter,
            description=issue.description,
            tags=self.reported_tags,
            exception=issue.exception,
            context=issue.context,
        )

    def _name(self, change: Reported, stamp: Stamp) -> None:
        issue, report = self.issue, change.issue
        self.ledger.first = stamp
        issue.title, issue.description = report.title, report.description
        issue.type, issue.component = report.type, report.component
        issue.tags = self.reported_tags = sorted(set(report.tags))
        issue.fingerprint = report.fingerprint
        issue.exception, issue.context = report.exception, report.context
        issue.reporter = change.actor
        # What people set outranks what rules say, and that what the service says.
        if self.ledger.priority is None:
            issue.priority = change.priority or report.priority
        if self.ledger.assignee is None:
            issue.assignee = change.assignee or None
        issue.first_seen = moment_of(stamp[0])

    def _comment(self, change: Commented) -> None:
        self.issue.comment_count += 1
        self.merged.put.append(
            Comment(
                id=change.event_id,
                issue_id=change.issue_id,
                time=change.time,
                author=change.actor,
                body=change.body,
            )
        )

    def _update(self, change: Updated, stamp: Stamp) -> None:
        note(self.issue, self.ledger, change, stamp)
        self.merged.put.append(
            HistoryEntry(
                id=change.event_id,
                issue_id=change.issue_id,
                time=change.time,
                actor=change.actor,
                changes=told(change),
            )
        )

    def finish(self) -> Merged:
        """The issue with its derived fields and its ledger."""
        ledger, issue = self.ledger, self.issue
        if ledger.last is not None:
            issue.last_seen = moment_of(ledger.last[0])
        if ledger.status is not None:
            self._derive_status(ledger.status)
        if self.seen:
            remember_seen(ledger, self.seen)
        derive_mute(issue, ledger)
        derive_links(issue, ledger)
        derive_tags(issue, ledger, self.reported_tags)
        self._keep_occurrences()
        ledger.recent = b"".join(self.recent[-EVENTS_REMEMBERED:])
        ledger.hours = dict(sorted(ledger.hours.items())[-HOURS_KEPT:])
        ledger.marks = dict(list(ledger.marks.items())[-LOGS_REMEMBERED:])
        self._forget_refused()
        self._forget_unconfirmed()
        issue.ledger = _encode(ledger)
        return self.merged

    def _derive_status(self, setting: Setting) -> None:
        status, last = setting[2], self.ledger.last
        self.issue.regressed = status == "resolved" and last is not None and last > setting[:2]
        self.issue.status = "open" if self.issue.regressed else status  # type: ignore[assignment]

    def _keep_occurrences(self) -> None:
        if not self.reports:
            return
        before = self.ledger.kept
        stamps = sorted({*before, *(stamp for stamp, _ in self.reports)}, reverse=True)
        kept = _thin(stamps)
        ids = {stamp[1] for stamp in kept}
        self.merged.put += [report for stamp, report in self.reports if stamp[1] in ids]
        self.merged.drop = [stamp[1] for stamp in before if stamp[1] not in ids]
        self.ledger.kept = kept

    def _forget_refused(self) -> None:
        self.ledger.refused = {
            log: sorted(offsets)[-REFUSED_KEPT:]
            for log, offsets in self.ledger.refused.items()
            if offsets and log in self.ledger.marks
        }

    def _forget_unconfirmed(self) -> None:
        oldest = self.log_time - UNCONFIRMED_FOR // timedelta(microseconds=1)
        alive = [item for item in self.ledger.unconfirmed.items() if item[1] >= oldest]
        if len(alive) > UNCONFIRMED_KEPT:
            half = UNCONFIRMED_KEPT // 2
            alive = [*alive[:half], *alive[-half:]]
        self.ledger.unconfirmed = dict(alive)


def _occurrence(change: Reported) -> Occurrence:
    report = change.issue
    return Occurrence(
        id=change.event_id,
        issue_id=change.issue_id,
        time=change.time,
        reporter=change.actor,
        description=report.description,
        tags=sorted(set(report.tags)),
        exception=report.exception,
        context=report.context,
    )


def _thin(newest_first: list[Stamp]) -> list[Stamp]:
    kept: list[Stamp] = []
    hour, in_hour = -1, 0
    for stamp in newest_first:
        if stamp[0] // _HOUR != hour:
            hour, in_hour = stamp[0] // _HOUR, 0
        in_hour += 1
        if in_hour <= OCCURRENCES_PER_HOUR:
            kept.append(stamp)
        if len(kept) == OCCURRENCES_KEPT:
            break
    return kept


def _split(packed: bytes) -> list[bytes]:
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]
