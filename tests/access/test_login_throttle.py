"""Failed logins are counted, and too many stop the login of that name from there for a while."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.access.models import AuditEntry
from tests.access.conftest import PASSWORD
from tests.admin.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/admin/login/?next=/admin/"
LIMIT = 5


@pytest.fixture(autouse=True)
def people() -> None:
    for name in ("ada", "eve"):
        User.objects.create_user(name, password=PASSWORD, is_staff=True)


def log_in(name: str = "ada", password: str = PASSWORD, **request: Any) -> Any:
    return Client().post(LOGIN, {"username": name, "password": password}, **request)


def fail(times: int, name: str = "ada", **request: Any) -> None:
    for _ in range(times):
        log_in(name, "wrong", **request)


def test_a_few_failures_do_no_harm() -> None:
    fail(LIMIT - 1)
    assert log_in()["Location"] == "/admin/"
    fail(LIMIT - 1)
    assert log_in().status_code == 302


def test_too_many_failures_stop_also_the_right_password_and_say_for_how_long() -> None:
    fail(LIMIT)
    answer = log_in()
    assert answer.status_code == 429
    said = text_of(answer.content)
    assert "Try again in 15 minutes." in said
    assert "manage.py axes_reset_username" in said
    assert 14 * 60 < int(answer["Retry-After"]) <= 15 * 60
    assert "no-store" in answer["Cache-Control"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sessionid" not in answer.cookies


def test_the_failure_that_is_one_too_many_is_told_so_itself() -> None:
    fail(LIMIT - 1)
    assert log_in(password="wrong").status_code == 429


def test_the_time_runs_also_while_somebody_goes_on_trying() -> None:
    fail(LIMIT)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=10))
    answer = log_in(password="wrong")
    assert "Try again in 5 minutes." in text_of(answer.content)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=5))
    assert log_in().status_code == 302


def test_others_and_other_places_are_not_stopped() -> None:
    fail(LIMIT)
    assert log_in("eve").status_code == 302
    assert log_in(REMOTE_ADDR="198.51.100.4").status_code == 302
    assert log_in().status_code == 429


def test_another_browser_is_no_way_around() -> None:
    for number in range(LIMIT):
        fail(1, headers={"User-Agent": f"browser {number}"})
    assert log_in(headers={"User-Agent": "yet another"}).status_code == 429


def test_a_forwarded_address_is_not_believed() -> None:
    for number in range(LIMIT):
        fail(1, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert log_in(headers={"X-Forwarded-For": "198.51.100.99"}).status_code == 429


def test_behind_a_proxy_it_is_the_address_that_the_proxy_wrote(settings: Settings) -> None:
    settings.ISSUETRACKER_PROXIES = 1
    for number in range(LIMIT):
        fail(1, headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.7"})
    mine = {"X-Forwarded-For": "198.51.100.99, 203.0.113.7"}
    assert log_in(headers=mine).status_code == 429
    assert log_in(headers={"X-Forwarded-For": "203.0.113.8"}).status_code == 302


def test_the_command_lifts_it_at_once() -> None:
    fail(LIMIT)
    call_command("axes_reset_username", "ada", stdout=StringIO())
    assert log_in().status_code == 302


def test_a_session_goes_on_while_its_name_is_stopped() -> None:
    client = Client()
    client.post(LOGIN, {"username": "ada", "password": PASSWORD})
    fail(LIMIT)
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("name", ["nobody", "x" * 150, "\u0000", "", "x" * 5000])
def test_names_that_no_user_has_are_answered_alike(name: str) -> None:
    statuses = [log_in(name, "wrong").status_code for _ in range(LIMIT)]
    assert set(statuses) <= {200, 429}
    # PostgreSQL has no room for more than 255 characters.
    assert all(len(attempt.username or "") <= 150 for attempt in AccessAttempt.objects.all())


def test_logins_and_failures_are_in_the_audit_log() -> None:
    fail(LIMIT + 1, REMOTE_ADDR="203.0.113.7")
    log_in("eve", REMOTE_ADDR="203.0.113.7")
    found = {entry.action: entry for entry in AuditEntry.objects.all()}
    assert set(found) == {"login_failed", "login_locked", "login"}
    assert (found["login_failed"].actor, found["login_failed"].count) == ("ada", LIMIT - 1)
    assert (found["login_locked"].actor, found["login_locked"].count) == ("ada", 2)
    assert (found["login"].actor, found["login"].network) == ("eve", "203.0.113.0/24")


def test_neither_passwords_nor_addresses_nor_mistyped_names_are_kept() -> None:
    log_in("hunter2-in-the-wrong-field", "wrong-secret-1", REMOTE_ADDR="203.0.113.7")
    log_in("ada", "wrong-secret-2", REMOTE_ADDR="203.0.113.7")
    log_in(REMOTE_ADDR="203.0.113.7")
    kept = str(list(AuditEntry.objects.values()))
    for secret in ("hunter2", "wrong-secret", PASSWORD, "203.0.113.7"):
        assert secret not in kept
    assert not AccessLog.objects.exists()
    for attempt in AccessAttempt.objects.all():
        assert not re.search(r"secret|csrfmiddlewaretoken=\w", attempt.post_data)


def test_what_was_counted_goes_when_its_time_is_over() -> None:
    fail(2, "nobody")
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=16))
    log_in()
    assert not AccessAttempt.objects.exists()
