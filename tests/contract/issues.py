"""Issues and documents to write in tests of stores."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from issuetracker.issues import Comment, HistoryEntry, Issue, Occurrence
from issuetracker.messages import Frame, RaisedException
from issuetracker.providers import StoreProvider
from issuetracker.providers.base import Write

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def new_id() -> str:
    return str(uuid.uuid4())


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def make_issue(**values: Any) -> Issue:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "title": "Test Issue",
        "first_seen": NOON,
        "last_seen": NOON,
        "updated_at": NOON,
    }
    return Issue(**{**defaults, **values})


def full_issue() -> Issue:
    """An issue with a value in every field, awkward ones among them."""
    frame = Frame(file="a.py", line=3, function="f", variables={"": "x", "a.b`c": "y"})
    deep: dict[str, Any] = {"": {"__reserved__": [[1, [2.5, [None, True]]], {}]}, "a/b.c": "ü"}
    for _ in range(25):
        deep = {"deeper": deep}
    return make_issue(
        title="Größter Fehler: 50% of “it”; ok?",
        description="one\ntwo\t'three' \\ %s 🐛",
        type="exception",
        priority="critical",
        status="in_progress",
        regressed=True,
        component="workflow-consumer",
        tags=["a:b", "test"],
        reporter="service.workflow-consumer",
        assignee="ada",
        fingerprint="ValueError@a.py",
        exception=[RaisedException(type="builtins.ValueError", message="no", frames=[frame])],
        context=deep,
        count=2**40,
        comment_count=3,
        first_seen=minutes(-5),
        last_seen=minutes(3),
        updated_at=minutes(4),
        ledger=bytes(range(256)) * 8,
        muted_until=minutes(5),
        muted_events=2**33,
        merged_into=new_id(),
        merged=sorted([new_id(), new_id()]),
    )


def make_comment(issue_id: str, minute: float = 0, **values: Any) -> Comment:
    defaults: dict[str, Any] = {"id": new_id(), "author": "ada", "body": "Seen it."}
    return Comment(issue_id=issue_id, time=minutes(minute), **{**defaults, **values})


def make_occurrence(issue_id: str, minute: float = 0, **values: Any) -> Occurrence:
    defaults: dict[str, Any] = {"id": new_id(), "reporter": "service.a", "context": {"a": [1]}}
    return Occurrence(issue_id=issue_id, time=minutes(minute), **{**defaults, **values})


def make_history(issue_id: str, minute: float = 0) -> HistoryEntry:
    return HistoryEntry(
        id=new_id(),
        issue_id=issue_id,
        time=minutes(minute),
        actor="ada",
        changes={"status": "resolved", "assignee": None},
    )


def save(store: StoreProvider, *issues: Issue) -> None:
    """Write issues that are new."""
    assert store.write_many([Write(issue, None) for issue in issues]) == set()
