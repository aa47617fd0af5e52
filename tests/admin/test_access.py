"""Who may see and change what in the admin site."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, form_id, page_of, text_of


def test_a_stranger_is_asked_to_log_in(tracker: Tracker) -> None:
    issue_id = tracker.report("Secret")
    for address in (LIST, f"{LIST}news/", page_of(issue_id)):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_staff_without_permission_sees_no_issue(tracker: Tracker) -> None:
    issue_id = tracker.report("Secret")
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for address in (LIST, f"{LIST}news/", page_of(issue_id)):
        assert client.get(address).status_code == 403
    assert "Issues" not in text_of(client.get("/admin/").content)


def test_a_reader_sees_issues_and_no_buttons(reader: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Visible")
    assert "Visible" in text_of(reader.get(LIST).content)
    said = text_of(reader.get(page_of(issue_id)).content)
    assert "Visible" in said
    for button in ("Resolve", "Add a comment", "Assign to me", "Delete…"):
        assert button not in said


def test_a_reader_cannot_change_anything(reader: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    for action, form in (
        ("comment", {"body": "Hello"}),
        ("update", {"status": "resolved"}),
        ("delete", {}),
    ):
        answer = reader.post(f"{page_of(issue_id)}{action}/", {**form, "event_id": form_id()})
        assert answer.status_code == 403
    assert reader.get(f"{page_of(issue_id)}delete/").status_code == 403
    assert tracker.documents(issue_id, "comments") == []
    assert tracker.documents(issue_id, "history") == []


def test_changes_want_a_csrf_token(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    for action in ("comment", "update", "delete"):
        answer = strict.post(f"{page_of(issue_id)}{action}/", {"body": "x", "event_id": form_id()})
        assert answer.status_code == 403


@pytest.mark.parametrize("action", ["comment", "update"])
def test_changes_are_never_made_by_a_link(admin: Client, tracker: Tracker, action: str) -> None:
    issue_id = tracker.report()
    assert admin.get(f"{page_of(issue_id)}{action}/?status=resolved").status_code == 405


def test_issues_can_neither_be_added_nor_edited_as_rows(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    assert admin.get(f"{LIST}add/").status_code == 404
    assert admin.get(f"{page_of(issue_id)}history/").status_code == 404
