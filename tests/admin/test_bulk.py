"""Changing many issues at once in the list, and taking it back."""

import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from issuetracker.exceptions import StoreUnavailable
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, form_id, text_of, titles


def change(client: Client, issues: list[str], do: str, **fields: str) -> Any:
    """Press a button of the list with these issues chosen; the page that follows."""
    form = {"issue": issues, "do": do, "event_id": form_id(), "here": "?component=api", **fields}
    return client.post(f"{LIST}bulk/", form, follow=True)


def undo(client: Client, page: Any) -> Any:
    """Press the button that takes it back."""
    token = re.search(r'name="done" value="([^"]*)"', page.content.decode())
    assert token is not None, text_of(page.content)
    form = {"done": token[1], "here": "?component=api"}
    return client.post(f"{LIST}undo/", form, follow=True)


@pytest.fixture
def elsewhere(admin: Client) -> Client:
    """The same person in another browser."""
    other = Client()
    other.force_login(User.objects.get(username="root"))
    return other


@pytest.fixture
def issues(tracker: Tracker) -> list[str]:
    return [tracker.report(f"Issue {number}", component="api") for number in range(3)]


def values(tracker: Tracker, issues: list[str], name: str) -> list[Any]:
    known = tracker.store.get_many(issues)
    return [getattr(known[issue_id].issue, name) for issue_id in issues]


@pytest.mark.parametrize(
    ("do", "fields", "said", "name", "value"),
    [
        ("add_tags", {"tags": "db"}, "2 issues tagged db.", "tags", ["db"]),
        ("status=resolved", {}, "2 issues resolved.", "status", "resolved"),
        ("status=ignored", {}, "2 issues ignored.", "status", "ignored"),
        ("assignee=anna", {}, "2 issues assigned to anna.", "assignee", "anna"),
        ("assignee", {"assignee": "bob"}, "2 issues assigned to bob.", "assignee", "bob"),
        ("priority", {"priority": "high"}, "2 issues set to priority high.", "priority", "high"),
    ],
)
def test_the_chosen_issues_change_and_are_counted(
    admin: Client,
    tracker: Tracker,
    issues: list[str],
    do: str,
    fields: dict[str, str],
    said: str,
    name: str,
    value: object,
) -> None:
    for known in ("anna", "bob"):
        User.objects.create_user(known)
    page = change(admin, issues[:2], do, **fields)
    assert said in text_of(page.content)
    assert values(tracker, issues[:2], name) == [value, value]
    assert values(tracker, issues[2:], name) != [value]
    assert len(titles(page.content)) == 3
    assert "component: api" in text_of(page.content)


def test_undo_sets_what_was_before(admin: Client, tracker: Tracker, issues: list[str]) -> None:
    change(admin, issues[:1], "priority", priority="critical")
    page = change(admin, issues, "priority", priority="low")
    assert "3 issues set to priority low." in text_of(page.content)
    page = undo(admin, page)
    assert "Undone: 3 issues set back to what was before." in text_of(page.content)
    assert values(tracker, issues, "priority") == ["critical", "medium", "medium"]


def test_tags_are_added_and_removed_and_set_back(admin: Client, tracker: Tracker) -> None:
    tagged = tracker.report("Tagged", component="api", tags=["db", "eu"])
    bare = tracker.report("Bare", component="api")
    page = change(admin, [tagged, bare], "add_tags", tags="db, slow")
    assert "2 issues tagged db, slow." in text_of(page.content)
    assert values(tracker, [tagged, bare], "tags") == [["db", "eu", "slow"], ["db", "slow"]]
    undo(admin, page)
    assert values(tracker, [tagged, bare], "tags") == [["db", "eu"], []]
    page = change(admin, [tagged, bare], "remove_tags", tags="eu")
    assert "1 issue freed of the tag eu, 1 already so." in text_of(page.content)
    assert values(tracker, [tagged, bare], "tags") == [["db"], []]
    undo(admin, page)
    assert values(tracker, [tagged, bare], "tags") == [["db", "eu"], []]


def test_issues_are_muted_and_set_back(admin: Client, tracker: Tracker, issues: list[str]) -> None:
    change(admin, issues[:1], "mute", mute="7d")
    (week,) = values(tracker, issues[:1], "muted_until")
    page = change(admin, issues[:2], "mute", mute="1h")
    assert "2 issues muted for 1 hour." in text_of(page.content)
    assert titles(page.content) == ["Issue 2"]
    assert sorted(titles(admin.get(f"{LIST}?is=muted").content)) == ["Issue 0", "Issue 1"]
    undo(admin, page)
    assert values(tracker, issues, "muted_until") == [week, None, None]
    page = change(admin, issues, "mute=")
    assert "1 issue unmuted, 2 already so." in text_of(page.content)
    undo(admin, page)
    assert values(tracker, issues, "muted_until") == [week, None, None]


def test_what_cannot_be_set_back_any_more_is_told_and_the_rest_is(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    change(admin, issues[:1], "mute", mute="1h")
    page = change(admin, issues, "mute", mute="7d")
    session = admin.session
    done = session["issuetracker_bulk"]
    done["before"][issues[0]]["mute"]["until"] = "2020-01-01T00:00:00Z"
    session["issuetracker_bulk"] = done
    session.save()
    said = text_of(undo(admin, page).content)
    assert "Undone: 2 issues set back to what was before." in said
    assert "1 issue not changed" in said
    assert [until is None for until in values(tracker, issues, "muted_until")] == [
        False,
        True,
        True,
    ]


def test_a_form_sent_twice_is_taken_back_as_if_sent_once(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    event_id = form_id()
    for _ in range(2):
        page = change(admin, issues, "mute", mute="1h", event_id=event_id)
    undo(admin, page)
    assert values(tracker, issues, "muted_until") == [None] * 3


def test_what_is_taken_back_in_one_window_leaves_the_others(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    first = change(admin, issues[:1], "status=resolved")
    second = change(admin, issues[1:], "status=resolved")
    assert "cannot be taken back" in text_of(undo(admin, first).content)
    assert "Undone: 2 issues" in text_of(undo(admin, second).content)


def test_undo_leaves_what_somebody_changed_since(
    admin: Client, elsewhere: Client, tracker: Tracker, issues: list[str]
) -> None:
    page = change(admin, issues, "status=resolved")
    change(elsewhere, issues[:1], "status=in_progress")
    page = undo(admin, page)
    said = text_of(page.content)
    assert "Undone: 2 issues" in said
    assert "1 issue not changed: somebody changed it since." in said
    assert values(tracker, issues, "status") == ["in_progress", "open", "open"]


def test_it_is_taken_back_once_and_by_whoever_did_it(
    admin: Client, elsewhere: Client, issues: list[str]
) -> None:
    page = change(admin, issues, "status=resolved")
    assert "cannot be taken back" in text_of(undo(elsewhere, page).content)
    undo(admin, page)
    assert "cannot be taken back" in text_of(undo(admin, page).content)


def test_what_is_so_already_is_not_changed(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    change(admin, issues[:2], "status=resolved")
    page = change(admin, issues, "status=resolved")
    assert "1 issue resolved, 2 already so." in text_of(page.content)
    assert len(tracker.documents(issues[0], "history")) == 1


def test_a_form_sent_twice_changes_once(admin: Client, tracker: Tracker, issues: list[str]) -> None:
    event_id = form_id()
    for _ in range(2):
        change(admin, issues, "status=resolved", event_id=event_id)
    assert len(tracker.documents(issues[0], "history")) == 1


@pytest.mark.parametrize(
    ("do", "fields", "said"),
    [
        ("title=x", {}, "did not say what to change"),
        ("", {}, "did not say what to change"),
        ("status=broken", {}, "That cannot be set"),
        ("status=deleted", {}, "Delete issues one by one"),
        ("status", {"status": "deleted"}, "Delete issues one by one"),
        ("add_tags", {"tags": " , "}, "Write which tags"),
        ("add_tags", {"tags": "&x"}, "That cannot be set"),
        ("mute", {"mute": "9y"}, "Choose for how long"),
        ("assignee=nobody-there", {}, "There is no active user of this name"),
        ("status=resolved", {"event_id": "x"}, "The form was not complete"),
    ],
)
def test_what_cannot_be_set_is_told(
    admin: Client, issues: list[str], do: str, fields: dict[str, str], said: str
) -> None:
    assert said in text_of(change(admin, issues, do, **fields).content)


def test_nothing_chosen_is_told(admin: Client, issues: list[str]) -> None:
    page = change(admin, [], "status=resolved")
    assert "Select issues first: nothing was changed." in text_of(page.content)


def test_what_nobody_knows_is_counted_apart(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    page = change(admin, [issues[0], str(uuid.uuid4()), "nonsense"], "status=resolved")
    said = text_of(page.content)
    assert "1 issue resolved." in said
    assert "1 issue not changed: nobody knows them." in said


def test_what_the_rules_forbid_is_told_and_the_rest_is_done(
    admin: Client, tracker: Tracker, issues: list[str]
) -> None:
    change(admin, issues[:1], "status=resolved")
    said = text_of(change(admin, issues, "status=ignored").content)
    assert "2 issues ignored." in said
    assert "1 issue not changed:" in said
    assert values(tracker, issues, "status") == ["resolved", "ignored", "ignored"]


def test_when_nothing_takes_changes_that_is_told(
    admin: Client, tracker: Tracker, issues: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_many(_writes: object) -> set[str]:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(tracker.store, "write_many", write_many)
    said = text_of(change(admin, issues, "status=resolved").content)
    assert "3 issues not changed: neither the log nor the store takes changes" in said


def test_whoever_may_only_look_has_nothing_to_choose_or_press(
    reader: Client, issues: list[str]
) -> None:
    content = reader.get(LIST).content.decode()
    assert 'id="bulk"' not in content
    assert 'name="issue"' not in content
    assert change(reader, issues, "status=resolved").status_code == 403
    assert reader.post(f"{LIST}undo/", {}).status_code == 403
