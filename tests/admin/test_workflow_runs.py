"""Workflow runs in the admin site."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.admin.conftest import Tracker
from tests.admin.pages import page_of, text_of
from tests.services import KafkaBroker
from workflow.models import Run, Step
from workflow.showing import Bar, timeline

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
        error_type="reports.mail.NotDelivered",
        error_message="reports.mail.NotDelivered: nowhere to go",
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
        run=run,
        index=1,
        name="deliver",
        status="failed",
        attempts=2,
        interruptions=1,
        started_at=START + timedelta(seconds=0.5),
        finished_at=START + timedelta(seconds=1.5),
        error_type=run.error_type,
        error_message=run.error_message,
        error_trace=run.error_trace,
    )
    Step.objects.create(run=run, index=2, name="tell", status="pending")
    return run


def test_the_list_tells_state_place_time_attempts_and_issue(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report("From a run")
    run = failed_run(issue_id)
    content = admin.get(RUNS).content
    said = text_of(content)
    assert f"failed nightly-report {str(run.pk)[:8]} 1 of 3 done, failed at deliver" in said
    assert "NotDelivered: nowhere to go" in said
    assert f"1.50 s 1 {issue_id[:8]}" in said
    assert f'href="{page_of(issue_id)}"' in content.decode()


def test_a_run_that_goes_on_tells_so_far(admin: Client, tracker: Tracker) -> None:
    now = timezone.now()
    run = Run.objects.create(
        workflow="sync", status="running", attempts=1, started_at=now - timedelta(hours=2)
    )
    Step.objects.create(
        run=run, index=0, name="fetch", status="running", attempts=1, started_at=run.started_at
    )
    assert "0 of 1 done, now fetch" in text_of(admin.get(RUNS).content)
    for page in (RUNS, f"{RUNS}{run.pk}/change/"):
        assert "2 h 0 min so far" in text_of(admin.get(page).content)


def test_the_list_asks_the_database_as_often_for_many_runs_as_for_one(
    admin: Client, tracker: Tracker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    failed_run()
    with CaptureQueriesContext(connection) as once:
        admin.get(RUNS)
    for _ in range(5):
        failed_run()
    with django_assert_num_queries(len(once)):
        admin.get(RUNS)


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
        "failed Failed at deliver , 1 of 3 steps done.",
        '"day": "monday"',
        "Took 1.50 s",
        "collect succeeded 1 attempt",
        "0.25 s",
        '"rows": 3',
        "deliver failed 2 attempts, 1 interrupted",
        "reports.mail.NotDelivered: nowhere to go",
        "Traceback: here",
        "tell pending 0 attempts not begun",
        f"manage.py retry_workflow {run.pk}",
    ):
        assert part in said, part


def test_each_step_stands_where_it_was_in_the_time_of_the_run() -> None:
    run = Run(started_at=START, finished_at=START + timedelta(seconds=10), status="failed")
    steps = [
        Step(name="a", started_at=START, finished_at=START + timedelta(seconds=4)),
        Step(name="b", started_at=START + timedelta(seconds=5), finished_at=run.finished_at),
        Step(name="c"),
    ]
    shown = timeline(run, steps, START + timedelta(days=1))
    assert [one.bar for one in shown] == [Bar(0.0, 40.0), Bar(50.0, 50.0), None]


def test_a_step_of_no_time_can_be_seen_and_stays_within_the_run() -> None:
    end = START + timedelta(hours=1)
    run = Run(started_at=START, finished_at=end, status="failed")
    (shown,) = timeline(run, [Step(name="a", started_at=end, finished_at=end)], end)
    assert shown.bar is not None
    assert shown.bar.width > 0
    assert shown.bar.start + shown.bar.width <= 100


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
    assert f'href="{RUNS}{run.pk}/retry/"' in page
    asked = text_of(admin.get(f"{RUNS}{run.pk}/retry/").content)
    assert "again, from its step deliver ?" in asked
    assert "The 1 step that succeeded is not done again." in asked
    run.refresh_from_db()
    assert run.status == "failed"
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
    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403
    _permit(user, "change_run")
    assert "Retry from" in text_of(client.get(f"{RUNS}{run.pk}/change/").content)
    assert "Yes, start it again" in text_of(client.get(address).content)
    assert client.put(address).status_code == 405
    assert client.post(f"{RUNS}{run.pk}/change/", {"status": "succeeded"}).status_code == 403


def _permit(user: User, codename: str) -> None:
    user.user_permissions.add(
        Permission.objects.get(codename=codename, content_type__app_label="workflow")
    )


def test_there_is_nothing_to_start_again_of_a_run_that_has_succeeded_or_is_not_there(
    admin: Client, tracker: Tracker
) -> None:
    run = failed_run()
    Run.objects.filter(pk=run.pk).update(status="succeeded")
    said = text_of(admin.get(f"{RUNS}{run.pk}/retry/", follow=True).content)
    assert "It was not started again: " in said
    assert admin.get(f"{RUNS}{uuid.uuid4()}/retry/").status_code == 404


def test_runs_need_a_permission(tracker: Tracker) -> None:
    run = failed_run()
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(f"{RUNS}{run.pk}/change/").status_code == 403
