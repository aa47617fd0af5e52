"""Workflow runs in the admin site."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from tests.admin.conftest import Tracker
from tests.admin.pages import page_of, text_of
from tests.services import KafkaBroker
from workflow.models import Run, Step

RUNS = "/admin/workflow/run/"
START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def failed_run(issue_id: str | None = None) -> Run:
    run = Run.objects.create(
        workflow="nightly-report",
        status="failed",
        attempts=1,
        payload={"day": "monday"},
        issue_id=issue_id and uuid.UUID(issue_id),
        started_at=START,
        finished_at=START + timedelta(seconds=1.5),
        error_type="reports.NotDelivered",
        error_message="nowhere to go",
        error_trace="Traceback: here",
    )
    Step.objects.create(
        run=run,
        index=0,
        name="collect",
        status="succeeded",
        attempts=1,
        started_at=START,
        finished_at=START + timedelta(seconds=0.25),
        result={"rows": 3},
    )
    Step.objects.create(
        run=run, index=1, name="deliver", status="failed", attempts=2, interruptions=1
    )
    return run


def test_the_list_shows_state_and_progress(admin: Client, tracker: Tracker) -> None:
    run = failed_run()
    said = text_of(admin.get(RUNS).content)
    assert f"nightly-report {str(run.pk)[:8]} failed 1 " in said
    assert "2026-11-23 09:30 UTC" in said


def test_the_list_is_searched_and_filtered(admin: Client, tracker: Tracker) -> None:
    run = failed_run()
    for found in (f"q={run.pk}", "q=nightly", "q=nowhere", "status__exact=failed"):
        assert "nightly-report " + str(run.pk)[:8] in text_of(admin.get(f"{RUNS}?{found}").content)
    said = text_of(admin.get(f"{RUNS}?q=other").content)
    assert "No run matches." in said


def test_an_empty_list_says_how_to_start_one(admin: Client, tracker: Tracker) -> None:
    assert "manage.py start_workflow nightly-report" in text_of(admin.get(RUNS).content)


def test_a_run_shows_steps_times_attempts_payload_and_error(
    admin: Client, tracker: Tracker
) -> None:
    run = failed_run()
    said = text_of(admin.get(f"{RUNS}{run.pk}/change/").content)
    for part in (
        '"day": "monday"',
        "Took 1.50 s",
        "collect succeeded 1 ",
        "0.25 s",
        '"rows": 3',
        "deliver failed 2 (1 interrupted)",
        "nowhere to go",
        "Traceback: here",
        f"manage.py retry_workflow {run.pk}",
    ):
        assert part in said, part


def test_run_and_issue_link_to_each_other(admin: Client, tracker: Tracker) -> None:
    run_id = str(uuid.uuid4())
    issue_id = tracker.report("From a run", context={"run_id": run_id})
    run = failed_run(issue_id)
    assert f'href="{page_of(issue_id)}"' in admin.get(f"{RUNS}{run.pk}/change/").content.decode()
    issue = admin.get(page_of(issue_id)).content.decode()
    assert f'href="/admin/workflow/run/{run_id}/change/"' in issue


def test_an_unknown_run_leads_back(admin: Client, tracker: Tracker) -> None:
    answer = admin.get(f"{RUNS}{uuid.uuid4()}/change/", follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]
    assert "Perhaps it was deleted?" in text_of(answer.content)


def test_runs_are_only_read(admin: Client, tracker: Tracker) -> None:
    run = failed_run()
    assert admin.get(f"{RUNS}add/").status_code == 403
    assert admin.get(f"{RUNS}{run.pk}/delete/").status_code == 403
    assert admin.post(f"{RUNS}{run.pk}/change/", {"status": "succeeded"}).status_code == 403
    run.refresh_from_db()
    assert run.status == "failed"


@pytest.mark.kafka
def test_a_failed_run_is_started_again_from_its_page(
    admin: Client, tracker: Tracker, kafka: KafkaBroker, settings: Settings
) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    run = failed_run()
    page = admin.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert f'action="{RUNS}{run.pk}/retry/"' in page
    said = text_of(admin.post(f"{RUNS}{run.pk}/retry/", follow=True).content)
    assert "It is queued again, and goes on at the step that failed." in said
    assert "Send its message again" in said
    run.refresh_from_db()
    assert (run.status, run.steps.get(name="deliver").attempts) == ("pending", 0)
    assert run.steps.get(name="collect").status == "succeeded"
    (logged,) = LogEntry.objects.filter(object_id=str(run.pk))
    assert logged.user.get_username() == "root"


def test_a_run_that_cannot_be_started_again_says_why(
    admin: Client, tracker: Tracker, settings: Settings
) -> None:
    run = failed_run()
    for bootstrap, status, sentence in (
        ("", "failed", "No Kafka broker is named"),
        ("127.0.0.1:9", "succeeded", "has not failed; it is succeeded"),
    ):
        settings.KAFKA_WORKER = {"bootstrap_servers": bootstrap}
        Run.objects.filter(pk=run.pk).update(status=status)
        said = text_of(admin.post(f"{RUNS}{run.pk}/retry/", follow=True).content)
        assert "It was not started again: " in said
        assert sentence in said
    assert "Retry from the failed step" not in said


def test_starting_a_run_again_needs_its_permission(tracker: Tracker) -> None:
    run = failed_run()
    user = User.objects.create_user("viewer", is_staff=True)
    client = Client()
    client.force_login(user)
    _permit(user, "view_run")
    address = f"{RUNS}{run.pk}/retry/"
    assert "Retry from" not in text_of(client.get(f"{RUNS}{run.pk}/change/").content)
    assert client.post(address).status_code == 403
    _permit(user, "change_run")
    assert "Retry from" in text_of(client.get(f"{RUNS}{run.pk}/change/").content)
    assert client.get(address).status_code == 405
    assert client.post(f"{RUNS}{run.pk}/change/", {"status": "succeeded"}).status_code == 403


def _permit(user: User, codename: str) -> None:
    user.user_permissions.add(
        Permission.objects.get(codename=codename, content_type__app_label="workflow")
    )


def test_runs_need_a_permission(tracker: Tracker) -> None:
    run = failed_run()
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(f"{RUNS}{run.pk}/change/").status_code == 403
