"""What became of everything that was sent, read from the store itself."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from issuetracker.issues import AnyDocument, Collection, HistoryEntry, Issue
from issuetracker.providers import StoreProvider
from tests.faults.load import Sent

_CHUNK = 200


@dataclass
class Audit:
    """The answers held against the store.

    Attributes:
        lost: accepted changes that the store does not have.
        twice: changes that it has more often than they were sent, or documents nobody sent.
        wrong: what is told wrong of an issue: state, times, order.
    """

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything is as it was answered."""
        return not (self.lost or self.twice or self.wrong)


def audit(store: StoreProvider, sent: Sequence[Sent], *, in_order: bool = True) -> Audit:
    """Compare all that was sent with what ``store`` has.

    Args:
        store: read directly, with nothing laid over it.
        sent: every change, with what it was answered.
        in_order: whether the API's clock ran evenly, so that the state is what was sent last.
    """
    found = Audit()
    by_issue: dict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        by_issue[one.issue_id].append(one)
    stored = _issues(store, list(by_issue))
    for issue_id, changes in by_issue.items():
        issue = stored.get(issue_id)
        _check_reports(found, issue_id, issue, changes)
        if issue is not None and any(one.kind != "report" for one in changes):
            _check_work(found, store, issue, changes, in_order=in_order)
    return found


def _check_reports(found: Audit, issue_id: str, issue: Issue | None, sent: list[Sent]) -> None:
    reports = [one for one in sent if one.kind == "report"]
    accepted = sum(one.accepted for one in reports)
    count = issue.count if issue else 0
    if count < accepted:
        found.lost += [f"a report of {issue_id}"] * (accepted - count)
    if count > len(reports):
        found.twice += [f"a report of {issue_id}"] * (count - len(reports))
    if issue and issue.first_seen > issue.last_seen:
        found.wrong.append(f"{issue_id} was seen last before it was seen first")


def _check_work(
    found: Audit, store: StoreProvider, issue: Issue, sent: list[Sent], *, in_order: bool
) -> None:
    comments = _documents(store, issue.id, "comments")
    history = _documents(store, issue.id, "history")
    _check_documents(found, [one for one in sent if one.kind == "comment"], comments)
    changes = [one for one in sent if one.kind == "status"]
    _check_documents(found, changes, history)
    if issue.comment_count != len(comments):
        found.wrong.append(f"{issue.id} counts {issue.comment_count} of {len(comments)} comments")
    latest = max(history, key=lambda one: (one.time, one.id), default=None)
    if not isinstance(latest, HistoryEntry):
        return
    status = latest.changes["status"]
    if status == "resolved" and issue.last_seen > latest.time:
        status = "open"
    if issue.status != status:
        found.wrong.append(f"{issue.id} is {issue.status}, was set to {status}")
    accepted = [one.event_id for one in changes if one.accepted]
    if in_order and accepted and latest.id != accepted[-1]:
        found.wrong.append(f"{issue.id}: its latest change is not the one that was sent last")


def _check_documents(found: Audit, sent: list[Sent], documents: Iterable[AnyDocument]) -> None:
    there = {one.id for one in documents}
    found.lost += [
        f"{one.kind} {one.event_id}" for one in sent if one.accepted and one.event_id not in there
    ]
    found.twice += [
        f"document {one} that nobody sent" for one in there - {s.event_id for s in sent}
    ]


def _issues(store: StoreProvider, issue_ids: list[str]) -> dict[str, Issue]:
    found: dict[str, Issue] = {}
    for start in range(0, len(issue_ids), _CHUNK):
        stored = store.get_many(issue_ids[start : start + _CHUNK])
        found |= {issue_id: one.issue for issue_id, one in stored.items()}
    return found


def _documents(store: StoreProvider, issue_id: str, collection: Collection) -> list[AnyDocument]:
    found: list[AnyDocument] = []
    cursor: str | None = None
    while True:
        page = store.list_documents(issue_id, collection, limit=200, cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found
