"""Keeping an issue out of the lists from its page: by a mute, or by merging it into another."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from issuetracker.issues import Issue, is_muted
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, form_id, page_of, send, text_of, titles


def stored(tracker: Tracker, issue_id: str) -> Issue:
    issue = tracker.store.get(issue_id)
    assert issue is not None
    return issue


def test_a_mute_for_a_while_hides_the_issue_until_it_is_ended(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report("Loud")
    assert "Muted until" in send(admin, issue_id, mute_for="1d")
    end = stored(tracker, issue_id).muted_until
    assert end is not None
    assert timedelta(hours=23) < end - datetime.now(UTC) <= timedelta(days=1)
    assert titles(admin.get(LIST).content) == []
    assert "Not muted any more." in send(admin, issue_id, unmute="1")
    assert titles(admin.get(LIST).content) == ["Loud"]


def test_a_mute_ends_at_the_written_time_in_utc(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    end = (datetime.now(UTC) + timedelta(days=3)).replace(second=0, microsecond=0)
    said = send(admin, issue_id, mute_until=f"{end:%Y-%m-%dT%H:%M}")
    assert said == f"Muted until {end:%Y-%m-%d %H:%M} UTC."
    assert stored(tracker, issue_id).muted_until == end
    assert "muted until" in text_of(admin.get(page_of(issue_id)).content)


def test_a_mute_ends_after_so_many_events(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report(fingerprint="x")
    assert send(admin, issue_id, mute_events="2") == "Muted for 2 more events."
    assert "muted for 2 more events" in text_of(admin.get(page_of(issue_id)).content)
    for _ in range(2):
        tracker.report(fingerprint="x", ago=-5)
    assert not is_muted(stored(tracker, issue_id))


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"mute_until": "2001-01-01T00:00"}, "Lies in the past"),
        ({"mute_until": "soon"}, "Write until when"),
        ({"mute_until": "2031-99-99T00:00"}, "Write until when"),
        ({"mute_events": "many"}, "Write how many"),
        ({"mute_events": "0"}, "That cannot be set"),
        ({"mute_for": "ever"}, "did not say what to change"),
        ({"merged_into": "that one"}, "Write the id of the other issue"),
        ({"merged_into": form_id()}, "There is no such issue"),
    ],
)
def test_what_cannot_be_is_said(
    admin: Client, tracker: Tracker, form: dict[str, str], sentence: str
) -> None:
    issue_id = tracker.report()
    assert sentence in send(admin, issue_id, **form)
    assert tracker.documents(issue_id, "history") == []


def test_merged_issues_show_each_other_and_are_counted_together(
    admin: Client, tracker: Tracker
) -> None:
    one, other = tracker.report("One", fingerprint="1"), tracker.report("Other")
    tracker.report("One", fingerprint="1")
    address = f"http://testserver{page_of(other)}"
    assert f"Merged into {other}" in send(admin, one, merged_into=address)
    assert titles(admin.get(LIST).content) == ["Other"]
    target = admin.get(page_of(other))
    assert f'href="{page_of(one)}">One</a>' in target.content.decode()
    assert "seen 3 times" in text_of(target.content)
    source = admin.get(page_of(one))
    assert target.context["similar"] == source.context["similar"] == []
    assert f'href="{page_of(other)}">Other</a>' in source.content.decode()


def test_what_is_merged_offers_only_to_be_taken_out(admin: Client, tracker: Tracker) -> None:
    one, other = tracker.report("One"), tracker.report("Other")
    send(admin, one, merged_into=other)
    said = text_of(admin.get(page_of(one)).content)
    assert "Take it out again" in said
    assert "Assign to me" not in said
    assert f"It is merged into {other}: change that one" in send(admin, one, status="resolved")
    assert "Stands by itself again." in send(admin, one, unmerge="1")
    assert set(titles(admin.get(LIST).content)) == {"One", "Other"}


def test_a_merge_sent_twice_is_one(admin: Client, tracker: Tracker) -> None:
    one, other = tracker.report("One"), tracker.report("Other")
    form = {"event_id": form_id(), "merged_into": other}
    for _ in range(2):
        assert "Merged into" in send(admin, one, **form)
    assert len(tracker.documents(one, "history")) == 1
    assert len(tracker.documents(other, "history")) == 1
