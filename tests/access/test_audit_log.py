"""The audit log: read-only, bounded, without secrets."""

import logging
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from issuetracker.access import audit
from issuetracker.access.models import AuditEntry
from tests.access.conftest import somebody
from tests.admin.pages import text_of

LOG = "/admin/access/auditentry/"


@pytest.fixture
def admin(roles: None) -> Client:
    client = somebody("ada", "Admin")
    AuditEntry.objects.all().delete()
    return client


def failure(name: str = "eve", address: str = "203.0.113.7") -> None:
    audit.record(audit.Action.LOGIN_FAILED, actor=name, address=address)


def test_it_is_read_in_the_admin_site(admin: Client) -> None:
    failure()
    failure()
    audit.record(audit.Action.TOKEN_CREATED, actor="ada", subject="aft_1234… of service.web")
    said = text_of(admin.get(LOG).content)
    assert "login failed eve - - 203.0.113.0/24 2" in said
    assert "token made ada aft_1234… of service.web" in said
    assert "aft_1234" not in text_of(admin.get(f"{LOG}?action__exact=login_failed").content)
    assert "No entry matches." in text_of(admin.get(f"{LOG}?q=other").content)


def test_it_can_only_be_read(admin: Client) -> None:
    failure()
    entry = AuditEntry.objects.get()
    assert admin.get(f"{LOG}add/").status_code == 403
    assert admin.post(f"{LOG}{entry.pk}/change/", {"actor": "me"}).status_code == 403
    assert admin.post(f"{LOG}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    admin.post(LOG, form)
    assert AuditEntry.objects.get().actor == "eve"


def test_a_flood_of_failures_is_an_entry_an_hour_for_each_name_and_network(admin: Client) -> None:
    for number in range(100):
        failure(address=f"203.0.113.{number}")
        failure("mallory")
    assert {entry.count for entry in AuditEntry.objects.all()} == {100}
    assert AuditEntry.objects.count() == 2
    AuditEntry.objects.update(time=timezone.now() - timedelta(minutes=61))
    failure()
    assert AuditEntry.objects.filter(actor="eve").count() == 2


def test_what_is_done_is_never_counted_together(admin: Client) -> None:
    for _ in range(2):
        audit.record(audit.Action.LOGIN, actor="ada")
    assert AuditEntry.objects.count() == 2


def test_old_entries_go(admin: Client, settings: Settings) -> None:
    settings.ISSUETRACKER_AUDIT_DAYS = 30
    failure("old")
    failure("young")
    AuditEntry.objects.filter(actor="old").update(time=timezone.now() - timedelta(days=31))
    AuditEntry.objects.filter(actor="young").update(time=timezone.now() - timedelta(days=29))
    failure("new")
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {"young", "new"}


def test_every_entry_is_a_log_line_too(admin: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "issuetracker.audit"):
        failure()
    line = caplog.records[-1]
    assert line.getMessage() == "login failed"
    assert vars(line)["actor"] == "eve"
    assert vars(line)["network"] == "203.0.113.0/24"


def test_a_deletion_holds_when_its_entry_cannot_be_written(
    admin: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr(AuditEntry.objects, "bulk_create", fail)
    request = admin.get(LOG).wsgi_request
    audit.record_deletions(["some-id"], "ada", request, event_id=str(uuid.uuid4()))
    assert [record.getMessage() for record in caplog.records if "audit" in record.name] == [
        "issue deleted",
        "The entries above are in this log alone: down",
    ]


@pytest.mark.parametrize("size", [150, 5000])
def test_an_entry_of_any_length_is_cut_to_fit(admin: Client, size: int) -> None:
    audit.record(audit.Action.LOGIN, actor="x" * size, subject="y" * size, detail="z" * size)
    entry = AuditEntry.objects.get()
    entry.full_clean()
