"""The merge gives the same issue in any order and any number of deliveries."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issuetracker.issues import Issue
from issuetracker.merging import (
    EVENTS_REMEMBERED,
    OCCURRENCES_KEPT,
    OCCURRENCES_PER_HOUR,
    UNCONFIRMED_KEPT,
    Delivery,
    Merged,
    Origin,
    has_applied,
    ledger_of,
    merge,
)
from issuetracker.messages import AnyChange, Commented, Mute, NewIssue, Reported, Updated

ISSUE = str(uuid.UUID(int=7))
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OTHERS = [str(uuid.UUID(int=number)) for number in (70, 71, 72)]


def event(number: int) -> str:
    return str(uuid.UUID(int=number))


def reported(number: int, minutes: float = 0, **fields: Any) -> Reported:
    return Reported(
        issue_id=ISSUE,
        event_id=event(number),
        time=START + timedelta(minutes=minutes),
        actor="service.billing",
        issue=NewIssue(**{"title": f"report {number}", **fields}),
    )


def updated(number: int, minutes: float = 0, **fields: Any) -> Updated:
    return Updated(
        issue_id=ISSUE,
        event_id=event(number),
        time=START + timedelta(minutes=minutes),
        actor="ada",
        **fields,
    )


def commented(number: int, minutes: float = 0, body: str = "seen") -> Commented:
    return Commented(
        issue_id=ISSUE,
        event_id=event(number),
        time=START + timedelta(minutes=minutes),
        actor="ada",
        body=body,
    )


DAY = 24 * 60
offsets = itertools.count()


def ruled_by(change: Reported, **decision: Any) -> Reported:
    """``change`` with what a rule said of it."""
    return msgspec.structs.replace(change, **decision)


def merged(*changes: AnyChange, issue: Issue | None = None) -> Merged:
    """The issue after ``changes``, each a message of its own at the end of one log."""
    return merge(issue, [Delivery(change, Origin("log:0", next(offsets))) for change in changes])


class Kept:
    """What a store would hold after some merges: the issue and its documents."""

    def __init__(self) -> None:
        self.issue: Issue | None = None
        self.documents: dict[str, object] = {}

    def apply(self, deliveries: list[Delivery]) -> None:
        result = merge(self.issue, deliveries)
        self.issue = result.issue
        for event_id in result.drop:
            self.documents.pop(event_id, None)
        self.documents.update({document.id: document for document in result.put})

    def visible(self) -> tuple[Issue, dict[str, object]]:
        assert self.issue is not None
        ledger = ledger_of(self.issue)
        # Which deliveries came last is remembered in their order; nothing people see is.
        unordered = msgspec.structs.replace(ledger, recent=b"", marks={}, unconfirmed={})
        return (
            msgspec.structs.replace(self.issue, ledger=msgspec.msgpack.encode(unordered)),
            self.documents,
        )


minutes = st.integers(0, 300)
mutes = st.one_of(
    st.none(),
    st.builds(lambda at: Mute(until=START + timedelta(minutes=at)), minutes),
    st.builds(lambda events: Mute(events=events), st.integers(1, 8)),
)
changes = st.lists(
    st.one_of(
        st.builds(
            lambda at, priority, tags, ruled: ruled_by(
                reported(0, at, priority=priority, tags=tags), **ruled
            ),
            minutes,
            st.sampled_from(["low", "high"]),
            st.lists(st.sampled_from(["db", "net"]), max_size=2),
            st.sampled_from([{}, {"priority": "critical"}, {"assignee": "grace"}]),
        ),
        st.builds(lambda at: commented(0, at), minutes),
        st.builds(
            lambda at, fields: updated(0, at, **fields),
            minutes,
            st.fixed_dictionaries(
                {},
                optional={
                    "status": st.sampled_from(["open", "resolved", "ignored", "deleted"]),
                    "priority": st.sampled_from(["low", "critical"]),
                    "assignee": st.sampled_from([None, "ada", "grace"]),
                    "add_tags": st.lists(st.sampled_from(["db", "slow"]), min_size=1),
                    "remove_tags": st.lists(st.sampled_from(["net", "slow"]), min_size=1),
                    "mute": mutes,
                    "merged_into": st.sampled_from([None, OTHERS[0], OTHERS[1]]),
                    "merged": st.sampled_from(OTHERS),
                    "unmerged": st.sampled_from(OTHERS),
                },
            ),
        ),
    ),
    min_size=1,
    max_size=40,
).map(
    lambda items: [
        msgspec.structs.replace(change, event_id=event(number))
        for number, change in enumerate(items, start=1)
    ]
)


@st.composite
def shuffled_in_batches(draw: st.DrawFn) -> tuple[list[AnyChange], list[list[Delivery]]]:
    """Some changes, and the same ones repeated, shuffled and cut into batches."""
    made = draw(changes)
    repeated = made + draw(st.lists(st.sampled_from(made), max_size=20))
    order = draw(st.permutations(repeated))
    batches: list[list[Delivery]] = [[]]
    for offset, change in enumerate(order):
        batches[-1].append(Delivery(change, draw(st.sampled_from([None, Origin("t:0", offset)]))))
        if draw(st.booleans()):
            batches.append([])
    return made, [batch for batch in batches if batch]


@settings(max_examples=300, deadline=None)
@given(shuffled_in_batches())
def test_any_order_any_repetition_and_any_batches_give_the_same_issue(
    drawn: tuple[list[AnyChange], list[list[Delivery]]],
) -> None:
    made, batches = drawn
    straight = Kept()
    straight.apply([Delivery(change) for change in made])
    scrambled = Kept()
    for batch in batches:
        scrambled.apply(batch)
    assert scrambled.visible() == straight.visible()


@settings(max_examples=200, deadline=None)
@given(changes, st.data())
def test_a_log_read_again_from_any_earlier_offset_changes_nothing(
    made: list[AnyChange], data: st.DataObject
) -> None:
    log = [Delivery(change, Origin("t:0", offset)) for offset, change in enumerate(made)]
    kept = Kept()
    position = 0
    while position < len(log):
        end = data.draw(st.integers(position + 1, len(log)))
        kept.apply(log[position:end])
        position = data.draw(st.integers(0, end)) if data.draw(st.booleans()) else end
    straight = Kept()
    straight.apply(log)
    assert kept.visible() == straight.visible()


def test_a_replay_is_recognised_however_far_back_it_lies() -> None:
    log = [Delivery(reported(number), Origin("t:0", number)) for number in range(1000)]
    issue = merge(None, log).issue
    again = merge(issue, log)
    assert (again.issue.count, again.applied, again.duplicates) == (1000, 0, 1000)


def test_a_topic_made_anew_is_another_log() -> None:
    issue = merge(None, [Delivery(reported(1), Origin("old:0", 500))]).issue
    result = merge(issue, [Delivery(reported(2), Origin("new:0", 0))])
    assert result.issue.count == 2


def test_a_retry_counts_once_among_the_events_that_are_remembered() -> None:
    issue = merged(*(reported(number) for number in range(EVENTS_REMEMBERED))).issue
    assert merged(reported(0), issue=issue).issue.count == EVENTS_REMEMBERED


def test_an_unconfirmed_write_is_recognised_when_its_message_turns_up_much_later() -> None:
    issue = merge(None, [Delivery(reported(1))]).issue
    issue = merged(*(reported(number) for number in range(2, 1000)), issue=issue).issue
    result = merge(issue, [Delivery(reported(1), Origin("t:0", 3))])
    assert (result.issue.count, result.duplicates) == (999, 1)
    assert ledger_of(result.issue).unconfirmed == {}
    # And once more, by a retry that went through the log as well.
    assert merge(result.issue, [Delivery(reported(1), Origin("t:0", 4))]).issue.count == 999


def test_a_retry_further_back_than_what_is_remembered_counts_twice() -> None:
    """The documented limit, where it is: nothing else counts twice."""
    issue = merged(*(reported(number) for number in range(EVENTS_REMEMBERED + 1))).issue
    assert merged(reported(1), issue=issue).issue.count == EVENTS_REMEMBERED + 1
    assert merged(reported(0), issue=issue).issue.count == EVENTS_REMEMBERED + 2


def test_a_retry_is_recognised_when_its_own_message_turns_up_much_later() -> None:
    """Written past the log for certain, and asked for again without an acknowledgement."""
    issue = merged(reported(1)).issue
    issue = merge(issue, [Delivery(reported(1))]).issue
    issue = merged(*(reported(number) for number in range(2, 1000)), issue=issue).issue
    assert merge(issue, [Delivery(reported(1), Origin("t:0", 3))]).issue.count == 999


def test_a_refused_change_is_tried_again_although_later_ones_of_its_log_are_applied() -> None:
    log = [Delivery(reported(number), Origin("t:0", number)) for number in range(3)]
    issue = merge(None, [log[0], log[2]], refused=[Origin("t:0", 1)]).issue
    assert issue.count == 2
    again = merge(issue, log)
    assert (again.issue.count, again.applied, again.duplicates) == (3, 1, 2)
    assert merge(again.issue, log).applied == 0


def test_the_earliest_report_names_the_issue_and_the_latest_says_when_it_was_seen() -> None:
    issue = merged(reported(1, 5, title="late"), reported(2, 1, title="early")).issue
    assert (issue.title, issue.count) == ("early", 2)
    assert issue.first_seen == START + timedelta(minutes=1)
    assert issue.last_seen == START + timedelta(minutes=5)


def test_the_status_set_last_wins_whatever_arrives_last() -> None:
    first, second = updated(1, 1, status="resolved"), updated(2, 2, status="in_progress")
    assert merged(reported(3), second, first).issue.status == "in_progress"


def test_a_resolved_issue_that_occurs_again_is_open_again_and_says_so() -> None:
    issue = merged(reported(1, 0), updated(2, 1, status="resolved")).issue
    assert (issue.status, issue.regressed) == ("resolved", False)
    issue = merged(reported(3, 2), issue=issue).issue
    assert (issue.status, issue.regressed) == ("open", True)
    issue = merged(updated(4, 3, status="resolved"), issue=issue).issue
    assert (issue.status, issue.regressed) == ("resolved", False)


def test_a_report_from_before_the_resolution_does_not_reopen() -> None:
    issue = merged(reported(1, 0), updated(2, 5, status="resolved")).issue
    assert merged(reported(3, 4), issue=issue).issue.status == "resolved"


def test_a_deleted_issue_stays_deleted_when_it_is_reported_again() -> None:
    issue = merged(reported(1), updated(2, 1, status="deleted"), reported(3, 2)).issue
    assert (issue.status, issue.count) == ("deleted", 2)


def test_a_priority_set_by_a_person_outlives_every_report() -> None:
    issue = merged(reported(1, 5), updated(2, 6, priority="critical"), reported(3, 0)).issue
    assert issue.priority == "critical"


def test_a_status_for_an_unknown_issue_makes_a_stub_that_the_report_fills_in() -> None:
    stub = merged(updated(1, 5, status="in_progress")).issue
    assert (stub.title, stub.count, stub.status) == ("", 0, "in_progress")
    issue = merged(reported(2, 1, title="filled"), issue=stub).issue
    assert (issue.title, issue.count, issue.status) == ("filled", 1, "in_progress")
    assert issue.first_seen == START + timedelta(minutes=1)


def test_comments_and_history_are_documents_named_by_their_event_id() -> None:
    result = merged(reported(1), commented(2, body="mine"), updated(3, status="resolved"))
    assert {(document.collection, document.id) for document in result.put} == {
        ("comments", event(2)),
        ("history", event(3)),
    }
    assert result.issue.comment_count == 1


def test_a_single_report_needs_no_document_beside_the_issue() -> None:
    assert merged(reported(1)).put == []


def test_a_storm_keeps_the_newest_few_occurrences_and_counts_them_all() -> None:
    result = merged(*(reported(number, number / 100) for number in range(2000)))
    assert result.issue.count == 2000
    assert [document.id for document in result.put] == [event(1997), event(1998), event(1999)]
    again = merged(
        *(reported(number, number / 100) for number in range(2000, 2010)), issue=result.issue
    )
    assert len(again.put) == len(again.drop) == OCCURRENCES_PER_HOUR


def test_an_issue_seen_now_and_then_keeps_its_occurrences_up_to_the_bound() -> None:
    kept = Kept()
    for number in range(100):
        kept.apply([Delivery(reported(number, number * 30))])
    assert len(kept.documents) == OCCURRENCES_KEPT
    assert event(99) in kept.documents


def test_a_merge_leaves_the_issue_it_was_given_alone() -> None:
    issue = merged(reported(1)).issue
    before = msgspec.json.encode(issue)
    merged(reported(2, 1), updated(3, 2, status="resolved", assignee="ada"), issue=issue)
    assert msgspec.json.encode(issue) == before


def test_what_was_applied_can_be_asked_for() -> None:
    issue = merge(None, [Delivery(reported(1)), Delivery(reported(2))]).issue
    assert has_applied(issue, [event(1), event(2), event(3)]) == {event(1), event(2)}


def test_what_is_written_past_the_log_in_a_long_outage_is_remembered_from_both_its_ends() -> None:
    issue = merge(None, [Delivery(reported(number)) for number in range(3000)]).issue
    issue = merge(issue, [Delivery(reported(number)) for number in range(3000, 6000)]).issue
    kept = ledger_of(issue).unconfirmed
    assert (issue.count, len(kept)) == (6000, UNCONFIRMED_KEPT)
    assert {event(0), event(1999), event(4000), event(5999)} <= set(kept)
    assert len(issue.ledger) < 220_000


def test_what_was_written_past_the_log_is_forgotten_once_the_log_is_past_its_retention() -> None:
    issue = merge(None, [Delivery(reported(1))]).issue
    issue = merged(reported(2, 7 * DAY), issue=issue).issue
    assert set(ledger_of(issue).unconfirmed) == {event(1)}
    issue = merged(reported(3, 8 * DAY + 1), issue=issue).issue
    assert ledger_of(issue).unconfirmed == {}


@pytest.mark.parametrize("count", [1, 50])
def test_the_bookkeeping_stays_small(count: int) -> None:
    issue = merged(*(reported(number, number * 90) for number in range(count * 40))).issue
    assert len(issue.ledger) < 8000
