"""What the consumer makes of a batch: issues in the store, or a reason why not."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from issuetracker.consumer import NOT_READABLE, WRONG_KEY, IssueTrackerConsumer
from issuetracker.issues import Issue
from issuetracker.providers import get_store
from kafka_worker import Message

ISSUE = "0f8fad5b-d9cb-469f-a165-70867728950e"
EVENT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REPORT: dict[str, Any] = {
    "kind": "reported",
    "issue_id": ISSUE,
    "event_id": EVENT,
    "time": "2026-11-23T09:30:00Z",
    "actor": "service.billing",
    "issue": {"title": "Test Issue"},
}
COMMENT: dict[str, Any] = {
    **{name: REPORT[name] for name in ("issue_id", "event_id", "time", "actor")},
    "kind": "commented",
    "body": "seen",
}
UPDATE: dict[str, Any] = {
    **{name: REPORT[name] for name in ("issue_id", "event_id", "time", "actor")},
    "kind": "updated",
    "status": "resolved",
}


class Shown:
    """A recent view that remembers what it was asked to show."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def store_issues(self, issues: Sequence[Issue]) -> None:
        self.issues += issues


def message(value: bytes | None, offset: int = 0, key: bytes | None = ISSUE.encode()) -> Message:
    return Message(
        topic="alphafusion.issues",
        topic_id="topic",
        partition=0,
        offset=offset,
        key=key,
        value=value,
        headers=(),
        timestamp=datetime(2026, 11, 23, tzinfo=UTC),
    )


def encoded(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)


def changed(base: dict[str, Any], **fields: Any) -> bytes:
    return encoded({**base, **fields})


def without(base: dict[str, Any], name: str) -> bytes:
    return encoded({key: value for key, value in base.items() if key != name})


def in_issue(**fields: Any) -> bytes:
    return changed(REPORT, issue={"title": "Test Issue", **fields})


MALFORMED = {
    "no value (a tombstone)": (None, "truncated"),
    "empty": (b"", "truncated"),
    "not JSON": (b"hello", "malformed"),
    "cut off": (encoded(REPORT)[:-5], "truncated"),
    "two documents": (encoded(REPORT) * 2, "malformed"),
    "a number": (b"42", "object"),
    "an array": (b"[]", "object"),
    "null": (b"null", "object"),
    "UTF-16": (encoded(REPORT).decode().encode("utf-16"), "malformed"),
    "Latin-1": (changed(REPORT, actor="x").replace(b"Test", b"T\xe9st"), "utf-8"),
    "a lone surrogate": (encoded(REPORT).replace(b"Test", b"\\ud800 "), "surrogate"),
    "no kind": (without(REPORT, "kind"), "kind"),
    "an unknown kind": (changed(REPORT, kind="exploded"), "exploded"),
    "no issue id": (without(REPORT, "issue_id"), "issue_id"),
    "an issue id that is no uuid": (changed(REPORT, issue_id="one"), "issue_id"),
    "an issue id with temp-": (changed(REPORT, issue_id=f"temp-{ISSUE}"), "issue_id"),
    "an issue id in capitals": (changed(REPORT, issue_id=ISSUE.upper()), "issue_id"),
    "an issue id with a line feed": (changed(REPORT, issue_id=f"{ISSUE}\n"), "issue_id"),
    "no event id": (without(REPORT, "event_id"), "event_id"),
    "an event id that is no uuid": (changed(REPORT, event_id="7"), "event_id"),
    "no time": (without(REPORT, "time"), "time"),
    "a time without a zone": (changed(REPORT, time="2026-11-23T09:30:00"), "time"),
    "a time that is none": (changed(REPORT, time="yesterday"), "time"),
    "no actor": (without(REPORT, "actor"), "actor"),
    "an actor with a space": (changed(REPORT, actor="a b"), "actor"),
    "no report": (without(REPORT, "issue"), "issue"),
    "a report that is a list": (changed(REPORT, issue=[]), "issue"),
    "no title": (changed(REPORT, issue={}), "title"),
    "an empty title": (in_issue(title=""), "title"),
    "a title of 201 characters": (in_issue(title="x" * 201), "title"),
    "a title with a line feed": (in_issue(title="a\nb"), "title"),
    "a description with NUL": (in_issue(description="a\x00b"), "description"),
    "an unknown type": (in_issue(type="riddle"), "type"),
    "an unknown priority": (in_issue(priority="urgent"), "priority"),
    "21 tags": (in_issue(tags=["t"] * 21), "tags"),
    "an empty tag": (in_issue(tags=[""]), "tags"),
    "a context that is a list": (in_issue(context=[]), "context"),
    "an exception without a type": (in_issue(exception=[{}]), "exception"),
    "11 exceptions": (in_issue(exception=[{"type": "E"}] * 11), "exception"),
    "a frame without a line": (
        in_issue(exception=[{"type": "E", "frames": [{"file": "a", "function": "f"}]}]),
        "line",
    ),
    "an empty comment": (changed(COMMENT, body=" "), "body"),
    "no comment": (without(COMMENT, "body"), "body"),
    "an unknown status": (changed(UPDATE, status="done"), "status"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_message_that_can_never_succeed_is_rejected_with_what_is_wrong(name: str) -> None:
    value, says = MALFORMED[name]
    shown = Shown()
    rejected = IssueTrackerConsumer(get_store(), shown).process([message(value)])
    assert [(each.reason, shown.issues) for each in rejected] == [(NOT_READABLE, [])]
    assert says in rejected[0].error.lower()


@pytest.mark.parametrize("key", [None, b"", b"another", ISSUE.upper().encode()])
def test_a_key_that_is_not_the_issue_id_is_rejected(key: bytes | None) -> None:
    rejected = IssueTrackerConsumer(get_store(), Shown()).process(
        [message(encoded(REPORT), key=key)]
    )
    assert [each.reason for each in rejected] == [WRONG_KEY]


@pytest.mark.django_db
def test_what_is_wrong_does_not_keep_the_rest_of_the_batch_from_the_store() -> None:
    shown = Shown()
    batch = [
        message(encoded(REPORT), 0),
        message(b"hello", 1),
        message(changed(COMMENT, event_id=str(uuid.UUID(int=2))), 2),
        message(changed(UPDATE, event_id=str(uuid.UUID(int=3)), time="2026-11-23T09:31:00Z"), 3),
    ]
    rejected = IssueTrackerConsumer(get_store(), shown).process(batch)
    issue = get_store().get(ISSUE)
    assert issue is not None
    assert [each.message.offset for each in rejected] == [1]
    assert (issue.title, issue.count, issue.comment_count, issue.status) == (
        "Test Issue",
        1,
        1,
        "resolved",
    )
    assert [each.id for each in shown.issues] == [ISSUE]


@pytest.mark.django_db
def test_a_batch_that_comes_again_counts_once() -> None:
    consumer = IssueTrackerConsumer(get_store(), Shown())
    batch = [
        message(changed(REPORT, event_id=str(uuid.UUID(int=number))), number)
        for number in range(300)
    ]
    for again in (batch, batch, batch[100:], batch[:50]):
        assert consumer.process(again) == []
    issue = get_store().get(ISSUE)
    assert issue is not None
    assert issue.count == 300


@pytest.mark.django_db
def test_fields_of_a_newer_version_are_borne() -> None:
    newer = changed(REPORT, shard=3, issue={"title": "Test Issue", "mood": "grim"})
    assert IssueTrackerConsumer(get_store(), Shown()).process([message(newer)]) == []
    issue = get_store().get(ISSUE)
    assert issue is not None
    assert issue.title == "Test Issue"
