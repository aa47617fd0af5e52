"""What the issue page's buttons do."""

from django.contrib.auth.models import User
from django.test import Client

from issuetracker.access.models import AuditEntry
from issuetracker.providers import get_store
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, Tags, form_id, page_of, send, text_of


def test_a_comment_is_added_under_the_users_name(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    answer = admin.post(
        f"{page_of(issue_id)}comment/",
        {"body": " Seen\r\nit. ", "event_id": form_id()},
        follow=True,
    )
    assert answer.redirect_chain == [(f"{page_of(issue_id)}#comments", 302)]
    assert "Your comment was added." in text_of(answer.content)
    (comment,) = tracker.documents(issue_id, "comments")
    assert (comment.author, comment.body) == ("root", "Seen\nit.")


def test_a_form_sent_twice_makes_one_comment(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    form = {"body": "Once", "event_id": form_id()}
    for _ in range(2):
        assert admin.post(f"{page_of(issue_id)}comment/", form).status_code == 302
    assert len(tracker.documents(issue_id, "comments")) == 1


def test_each_page_gives_its_forms_an_id_of_their_own(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    ids = {admin.get(page_of(issue_id)).context["event_id"] for _ in range(2)}
    assert len(ids) == 2


def test_what_cannot_be_a_comment_is_said_and_stays_in_the_field(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report()
    for body, sentence in (
        (" ", "Write something first."),
        ("a\x00b", "of text"),
        ("x" * 20_001, "at most 20,000 characters"),
    ):
        answer = admin.post(f"{page_of(issue_id)}comment/", {"body": body, "event_id": form_id()})
        assert answer.status_code == 400
        assert sentence in text_of(answer.content)
        assert answer.context["comment_body"] == body
    assert tracker.documents(issue_id, "comments") == []


def test_a_form_without_its_id_is_refused(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    answer = admin.post(f"{page_of(issue_id)}comment/", {"body": "Hello"})
    assert answer.status_code == 400
    assert "please send it again" in text_of(answer.content)
    assert tracker.documents(issue_id, "comments") == []


def test_status_priority_and_assignee_are_set(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    for form, said in (
        ({"status": "in_progress"}, "status set to in progress"),
        ({"priority": "critical"}, "priority set to critical"),
        ({"assignee": "root"}, "assignee set to root"),
    ):
        answer = admin.post(
            f"{page_of(issue_id)}update/", {**form, "event_id": form_id()}, follow=True
        )
        assert said in text_of(answer.content).lower()
    issue = get_store().get(issue_id)
    assert issue is not None
    assert (issue.status, issue.priority, issue.assignee) == ("in_progress", "critical", "root")
    admin.post(f"{page_of(issue_id)}update/", {"assignee": "", "event_id": form_id()})
    issue = get_store().get(issue_id)
    assert issue is not None
    assert issue.assignee is None
    assert [entry.actor for entry in tracker.documents(issue_id, "history")] == ["root"] * 4


def test_two_buttons_of_one_form_are_two_changes(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    form = {"event_id": form_id()}
    for status in ("ignored", "resolved", "resolved", "ignored"):
        admin.post(f"{page_of(issue_id)}update/", {**form, "status": status})
    history = tracker.documents(issue_id, "history")
    assert [entry.changes for entry in history] == [{"status": "ignored"}, {"status": "resolved"}]


def test_what_the_state_forbids_is_not_done_and_the_page_says_what_it_allows(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report()
    assert send(admin, issue_id, status="resolved").startswith("Status set to resolved.")
    said = send(admin, issue_id, status="ignored")
    assert "resolved cannot become ignored" in said
    assert "open, in_progress" in said
    assert len(tracker.documents(issue_id, "history")) == 1


def test_the_buttons_are_the_ways_out_of_the_state(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    for status, buttons in (
        ("in_progress", ["resolved", "open", "ignored"]),
        ("ignored", ["open", "resolved"]),
        ("deleted", ["open"]),
    ):
        send(admin, issue_id, status=status)
        found = Tags(admin.get(page_of(issue_id)).content).found
        assert [each["value"] for tag, each in found if each.get("name") == "status"] == buttons


def test_only_somebody_who_exists_is_assigned(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    assert "There is no active user of this name." in send(admin, issue_id, assignee="nobody-else")
    User.objects.create_user("anna", is_staff=True)
    assert '<option value="anna">' in admin.get(page_of(issue_id)).content.decode()
    assert "Assignee set to anna." in send(admin, issue_id, assignee="anna")


def test_what_cannot_be_set_is_said(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    for form, sentence in (
        ({"status": "broken"}, "That cannot be set"),
        ({"status": ""}, "That cannot be set"),
        ({"priority": "urgent"}, "That cannot be set"),
        ({"assignee": "no such name!"}, "That cannot be set"),
        ({}, "did not say what to change"),
    ):
        answer = admin.post(
            f"{page_of(issue_id)}update/", {**form, "event_id": form_id()}, follow=True
        )
        assert sentence in text_of(answer.content)
    assert tracker.documents(issue_id, "history") == []


def test_deleting_asks_first_and_can_be_undone(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Noise")
    asked = admin.get(f"{page_of(issue_id)}delete/")
    assert "Delete “ Noise ”?" in text_of(asked.content)
    assert "Noise" in text_of(admin.get(LIST).content)
    done = admin.post(
        f"{page_of(issue_id)}delete/", {"event_id": asked.context["event_id"]}, follow=True
    )
    assert done.redirect_chain == [(LIST, 302)]
    assert "“Noise” was deleted." in text_of(done.content)
    assert "Restore" in text_of(admin.get(page_of(issue_id)).content)
    admin.post(f"{page_of(issue_id)}update/", {"status": "open", "event_id": form_id()})
    assert "Noise" in text_of(admin.get(LIST).content)


def test_a_deletion_sent_without_its_id_deletes_nothing(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Noise")
    answer = admin.post(f"{page_of(issue_id)}delete/", follow=True)
    assert "please send it again" in text_of(answer.content)
    assert tracker.documents(issue_id, "history") == []


def test_a_deletion_is_in_the_audit_log(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    admin.post(f"{page_of(issue_id)}delete/", {"event_id": form_id()})
    assert AuditEntry.objects.get(subject=f"issue {issue_id}").actor == "root"


def test_a_deletion_sent_twice_is_one_entry_and_another_one_is_another(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report()
    entries = AuditEntry.objects.filter(subject=f"issue {issue_id}")
    form = {"event_id": form_id()}
    for _ in range(2):
        admin.post(f"{page_of(issue_id)}delete/", form)
    assert entries.count() == 1
    admin.post(f"{page_of(issue_id)}delete/", {"event_id": form_id()})
    assert entries.count() == 2
