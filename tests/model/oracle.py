"""What must be in the store, worked out from what was asked and answered, without the merge."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from issuetracker.issues import Comment, HistoryEntry, Issue, Occurrence
from issuetracker.messages import AnyChange, Commented, Reported, Updated
from tests.model.store import POISON, ModelStore

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Event:
    """A change that somebody asked for, once or several times.

    Attributes:
        attempts: the change as it was sent each time; they differ in their time.
        stored: it was answered 201 once.
        produced: messages of it that are, or will be, in the log.
        confirmable: the last of those was of an attempt that was answered 201.
        excused: a message of it was removed from the log before the group had committed it.
        past: so many changes ago that it may no longer be sent again.
    """

    attempts: list[AnyChange] = field(default_factory=list)
    stored: bool = False
    produced: int = 0
    confirmable: bool = False
    excused: bool = False
    past: bool = False

    @property
    def change(self) -> AnyChange:
        return self.attempts[0]

    @property
    def poisonous(self) -> bool:
        change = self.change
        text = change.body if isinstance(change, Commented) else ""
        if isinstance(change, Reported):
            text = change.issue.description
        return text == POISON

    def happened_at(self, time: datetime) -> bool:
        return any(attempt.time == time for attempt in self.attempts)


class View:
    """What can be seen of one issue.

    Attributes:
        times: the events that are in it, and the time that each has there.
        reports, comments, history: ids of those, by kind.
        named: the report that names it, or None.
    """

    def __init__(self, store: ModelStore, issue: Issue) -> None:
        documents = [each for key, each in store.documents.items() if key[0] == issue.id]
        occurrences = [each for each in documents if isinstance(each, Occurrence)]
        self.issue = issue
        self.comments = [each for each in documents if isinstance(each, Comment)]
        self.history = [each for each in documents if isinstance(each, HistoryEntry)]
        self.times = {each.id: each.time for each in documents}
        self.named = issue.title.removeprefix("report ") or None
        self.reports = {each.id for each in occurrences}
        if self.named is not None:
            assert self.named not in self.reports, "a report is counted twice"
            self.reports.add(self.named)
            self.times[self.named] = issue.first_seen


class Oracle:
    """All that was ever asked.

    Attributes:
        events: by event id.
        stormed: issues with so many reports that not every one of them can be seen.
    """

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self.events: dict[str, Event] = {}
        self.stormed: set[str] = set()

    def of(self, issue_id: str) -> dict[str, Event]:
        """The events of one issue."""
        return {
            event_id: event
            for event_id, event in self.events.items()
            if event.change.issue_id == issue_id
        }

    def check(self, required: Iterable[str]) -> None:
        """Hold the store to it.

        Args:
            required: events that must be there, beside those answered 201.
        """
        views = {each.id: View(self._store, each) for each in self._store.issues().values()}
        for view in views.values():
            self._check_documents(view)
            self._check_settings(view)
            if view.issue.id in self.stormed:
                assert view.issue.count <= len(self._reports_of(view.issue.id))
            else:
                self._check_reports(view)
        stored = {event_id for event_id, event in self.events.items() if event.stored}
        self._check_present(views, stored | set(required))

    def _reports_of(self, issue_id: str) -> set[str]:
        return {n for n, e in self.of(issue_id).items() if isinstance(e.change, Reported)}

    def _check_documents(self, view: View) -> None:
        for event_id, time in view.times.items():
            event = self.events[event_id]
            assert event.change.issue_id == view.issue.id
            assert event.happened_at(time)
            assert not event.poisonous
        assert view.issue.comment_count == len(view.comments), "comments are counted twice"
        assert {each.body for each in view.comments} <= {"seen"}
        for entry in view.history:
            change = self.events[entry.id].change
            assert isinstance(change, Updated)
            assert entry.changes == _settings(change)

    def _check_settings(self, view: View) -> None:
        last: dict[str, tuple[datetime, str, Any]] = {}
        for entry in view.history:
            for name, value in entry.changes.items():
                last[name] = max(
                    last.get(name, (entry.time, "", None)), (entry.time, entry.id, value)
                )
        issue = view.issue
        assert issue.assignee == last.get("assignee", (None, "", None))[2]
        if "priority" in last:
            assert issue.priority == last["priority"][2]
        elif view.named is not None:
            report = self.events[view.named].change
            assert isinstance(report, Reported)
            assert issue.priority == report.issue.priority
        if issue.id not in self.stormed:
            status = last.get("status", (_NEVER, "", "open"))
            seen = max(((view.times[each], each) for each in view.reports), default=None)
            regressed = status[2] == "resolved" and seen is not None and seen > status[:2]
            assert issue.regressed == regressed
            assert issue.status == ("open" if regressed else status[2])

    def _check_reports(self, view: View) -> None:
        issue = view.issue
        assert issue.count == len(view.reports), "reports are counted twice"
        times = sorted((view.times[each], each) for each in view.reports or view.times)
        assert (issue.first_seen, issue.last_seen) == (times[0][0], times[-1][0])
        assert view.named == (times[0][1] if view.reports else None)
        assert issue.updated_at == max(view.times.values())

    def _check_present(self, views: dict[str, View], required: set[str]) -> None:
        counted: dict[str, int] = {}
        for event_id in required:
            change = self.events[event_id].change
            issue_id = change.issue_id
            assert issue_id in views, "an issue is lost"
            if isinstance(change, Reported) and issue_id in self.stormed:
                counted[issue_id] = counted.get(issue_id, 0) + 1
            else:
                assert event_id in views[issue_id].times, "a change is lost"
        for issue_id, count in counted.items():
            assert views[issue_id].issue.count >= count, "reports are lost"


def _settings(change: Updated) -> dict[str, str | None]:
    values = {name: getattr(change, name) for name in ("status", "priority", "assignee")}
    return {n: value for n, value in values.items() if value is None or isinstance(value, str)}
