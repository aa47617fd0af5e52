"""Mutes end when they should, links hold, whatever comes first; older ledgers do without."""

import uuid
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from issuetracker.issues import HistoryEntry, Issue, is_muted
from issuetracker.merging import ledger_of
from issuetracker.messages import MUTE_EVENTS_MOST, AnyChange, Mute
from issuetracker.setting import LINKS_REMEMBERED
from tests.test_merging import OTHERS, START, merged, reported, ruled_by, updated

A_YEAR = timedelta(days=365)


def test_a_mute_until_a_time_ends_by_itself() -> None:
    issue = merged(reported(1), updated(2, 1, mute=Mute(until=START + timedelta(hours=1)))).issue
    assert is_muted(issue, START + timedelta(minutes=59))
    assert not is_muted(issue, START + timedelta(minutes=60))


def test_a_change_after_the_end_of_a_mute_leaves_nothing_of_it() -> None:
    mute = updated(2, 1, mute=Mute(until=START + timedelta(hours=1)))
    issue = merged(reported(1), mute, reported(3, 60)).issue
    assert issue.muted_until is None


def test_a_mute_for_further_events_ends_with_the_last_of_them() -> None:
    issue = merged(reported(1), updated(2, 1, mute=Mute(events=2))).issue
    assert issue.muted_events == 2
    issue = merged(reported(3, 2), issue=issue).issue
    assert (issue.muted_events, is_muted(issue)) == (1, True)
    issue = merged(reported(4, 3), issue=issue).issue
    assert (issue.muted_events, is_muted(issue), issue.count) == (None, False, 3)


def test_a_report_from_before_the_mute_does_not_count_for_it() -> None:
    issue = merged(reported(1, 5), updated(2, 9, mute=Mute(events=1))).issue
    assert merged(reported(3, 8), issue=issue).issue.muted_events == 1


def test_a_mute_that_arrives_after_later_reports_counts_them_all_the_same() -> None:
    reports = [reported(number, number) for number in range(1, 6)]
    late = updated(9, 3.5, mute=Mute(events=3))
    assert merged(*reports, late).issue.muted_events == 1
    assert merged(*reports, reported(10, 10), late).issue.muted_events is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 400), max_size=400),
    st.integers(0, 400),
    st.integers(1, MUTE_EVENTS_MOST),
    st.integers(0, 400),
)
def test_what_is_left_of_a_mute_is_exact_wherever_in_the_log_it_lies(
    times: list[int], since: int, events: int, place: int
) -> None:
    changes: list[AnyChange] = [reported(number + 1, at) for number, at in enumerate(times)]
    changes.insert(min(place, len(changes)), updated(1000, since, mute=Mute(events=events)))
    left = events - sum(at > since for at in times)
    assert merged(*changes).issue.muted_events == (left if left > 0 else None)


def test_the_mute_set_last_holds_and_null_ends_it() -> None:
    by_time = updated(2, 2, mute=Mute(until=START + A_YEAR))
    by_events = updated(3, 3, mute=Mute(events=5))
    ended = updated(4, 4, mute=None)
    issue = merged(by_events, by_time, reported(1)).issue
    assert (issue.muted_until, issue.muted_events) == (None, 5)
    issue = merged(ended, by_events, by_time, reported(1)).issue
    assert (issue.muted_until, issue.muted_events) == (None, None)


def test_the_history_says_what_was_set() -> None:
    changes = [
        updated(2, 1, mute=Mute(until=START + timedelta(hours=1)), status="resolved"),
        updated(3, 2, mute=Mute(events=5)),
        updated(4, 3, mute=None),
        updated(5, 4, merged_into=OTHERS[0]),
        updated(6, 5, merged=OTHERS[1]),
        updated(7, 6, unmerged=OTHERS[1]),
    ]
    entries = [entry for entry in merged(*changes).put if isinstance(entry, HistoryEntry)]
    assert [entry.changes for entry in entries] == [
        {"status": "resolved", "muted_until": "2026-11-23T10:00:00Z"},
        {"muted_events": 5},
        {"mute": None},
        {"merged_into": OTHERS[0]},
        {"merged": OTHERS[1]},
        {"unmerged": OTHERS[1]},
    ]


def test_what_others_are_merged_into_is_never_merged_itself() -> None:
    into = updated(2, 1, merged_into=OTHERS[0])
    child, gone = updated(3, 2, merged=OTHERS[1]), updated(4, 3, unmerged=OTHERS[1])
    assert merged(reported(1), into).issue.merged_into == OTHERS[0]
    assert merged(reported(1), into, child).issue.merged_into is None
    assert merged(reported(1), gone, child, into).issue.merged_into == OTHERS[0]


def test_links_are_remembered_up_to_a_bound_the_newest_of_them() -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(LINKS_REMEMBERED + 10)]
    links = [updated(number + 1, number, merged=one) for number, one in enumerate(ids)]
    assert merged(*links).issue.merged == merged(*links[::-1]).issue.merged == ids[10:]


def test_a_rule_outranks_the_service_and_a_person_outranks_the_rule() -> None:
    first = ruled_by(reported(1, priority="low"), priority="high", assignee="grace")
    second = ruled_by(reported(2, 1), priority="critical", assignee="ada")
    issue = merged(second, first).issue
    assert (issue.priority, issue.assignee) == ("high", "grace")
    issue = merged(updated(3, 2, priority="medium", assignee=None), second, first).issue
    assert (issue.priority, issue.assignee) == ("medium", None)


def test_a_ledger_that_is_older_than_mutes_and_links_reads_and_goes_on() -> None:
    issue = merged(reported(1), updated(2, 1, status="resolved")).issue
    old = msgspec.msgpack.encode(msgspec.structs.astuple(ledger_of(issue))[:10])
    older = msgspec.structs.replace(issue, ledger=old)
    assert ledger_of(older) == msgspec.structs.replace(ledger_of(issue), seen=b"")
    muted = merged(updated(3, 2, mute=Mute(events=2)), reported(4, 3), issue=older).issue
    assert (muted.muted_events, muted.count, muted.regressed) == (1, 2, True)


def test_an_older_consumer_reads_a_newer_ledger() -> None:
    class OldLedger(msgspec.Struct, array_like=True):
        marks: dict[str, int] = {}

    issue: Issue = merged(reported(1), updated(2, 1, merged=OTHERS[0])).issue
    read = msgspec.msgpack.decode(issue.ledger, type=OldLedger)
    assert read.marks == ledger_of(issue).marks != {}
