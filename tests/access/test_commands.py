"""Making, listing and revoking tokens on the command line."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from issuetracker.access.models import AuditEntry, ServiceToken
from issuetracker.access.tokens import tokens
from tests.access.conftest import report

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> tuple[str, str]:
    """Run a command: what it wrote to standard output, and to standard error."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_token_is_printed_alone_and_works() -> None:
    out, err = run("create_service_token", "workflow-consumer")
    secret = out.strip()
    assert out == f"{secret}\n"
    assert secret.startswith("aft_")
    assert secret not in err
    assert "ISSUETRACKER_TOKEN" in err
    assert f"manage.py revoke_service_token {secret[:12]}" in err
    assert report(secret) == 201
    assert ServiceToken.objects.get().user.get_username() == "service.workflow-consumer"


def test_without_further_words_it_is_good_for_a_year_and_may_not_delete() -> None:
    run("create_service_token", "web")
    token = ServiceToken.objects.get()
    assert token.permissions == ["report", "read", "write"]
    assert token.expires_at is not None
    assert timedelta(days=364) < token.expires_at - timezone.now() <= timedelta(days=365)


def test_permissions_expiry_and_purpose_are_as_given() -> None:
    arguments = ("--permission", "read", "--permission", "report", "--purpose", "a trial")
    run("create_service_token", "web", *arguments, "--expires", "90d")
    token = ServiceToken.objects.get()
    assert (token.permissions, token.purpose) == (["report", "read"], "a trial")
    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)


def test_a_token_expires_at_the_end_of_a_day_or_never() -> None:
    day = (timezone.now() + timedelta(days=10)).date()
    run("create_service_token", "web", "--expires", day.isoformat())
    token = ServiceToken.objects.get()
    assert token.expires_at is not None
    assert f"{token.expires_at:%Y-%m-%d %H:%M}" == f"{day} 23:59"
    run("create_service_token", "other", "--expires", "never")
    assert ServiceToken.objects.get(user__username="service.other").expires_at is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["no good name"],
        ["web", "--expires=0d"],
        ["web", "--expires=-1d"],
        ["web", "--expires=2020-01-01"],
        ["web", "--expires=soon"],
        ["web", "--expires=999999d"],
        ["web", "--permission=everything"],
        ["web", f"--purpose={'x' * 101}"],
    ],
)
def test_what_makes_no_sense_makes_no_token(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("create_service_token", *arguments)
    assert not ServiceToken.objects.exists()


def test_the_list_shows_tokens_and_never_secrets() -> None:
    secret = run("create_service_token", "web", "--purpose", "production")[0].strip()
    run("create_service_token", "billing", "--permission", "report", "--expires", "never")
    out, err = run("list_service_tokens")
    header, billing, web = out.splitlines()
    assert header.split()[:3] == ["TOKEN", "SERVICE", "STATE"]
    assert billing.split()[1:] == ["billing", "good", "report", "never", "never"]
    assert web.startswith(secret[:12])
    assert "report, read, write" in web
    assert "production" in web
    assert secret not in out
    assert "revoke_service_token" in err


def test_the_list_leaves_out_what_is_refused_unless_asked() -> None:
    run("create_service_token", "web")
    ServiceToken.objects.update(expires_at=timezone.now())
    out, _ = run("list_service_tokens")
    assert "No such token" in out
    assert "create_service_token SERVICE" in out
    assert "expired" in run("list_service_tokens", "--all", "web")[0]


def test_a_revoked_token_is_refused_at_once_here() -> None:
    secret = run("create_service_token", "web")[0].strip()
    assert report(secret) == 201
    out, _ = run("revoke_service_token", secret[:12])
    assert "within 30 s" in out
    assert "create_service_token web" in out
    assert report(secret) == 401


def test_a_whole_token_can_be_revoked_too() -> None:
    secret = run("create_service_token", "web")[0].strip()
    run("revoke_service_token", secret)
    assert ServiceToken.objects.get().revoked_at is not None


def test_revoking_says_what_is_wrong() -> None:
    secret = run("create_service_token", "web")[0].strip()
    with pytest.raises(CommandError, match="No token begins with aft_none"):
        run("revoke_service_token", "aft_none")
    with pytest.raises(CommandError, match="at least 8 characters"):
        run("revoke_service_token", "aft_")
    run("revoke_service_token", secret[:12])
    with pytest.raises(CommandError, match="revoked before"):
        run("revoke_service_token", secret[:12])


def test_several_tokens_of_one_beginning_are_not_revoked() -> None:
    run("create_service_token", "web")
    run("create_service_token", "web")
    ServiceToken.objects.update(prefix="aft_same1234")
    with pytest.raises(CommandError, match="Several tokens"):
        run("revoke_service_token", "aft_same")
    assert not ServiceToken.objects.exclude(revoked_at=None).exists()


def test_making_and_revoking_is_in_the_audit_log_without_the_secret() -> None:
    secret = run("create_service_token", "web")[0].strip()
    run("revoke_service_token", secret[:12])
    revoked, created = AuditEntry.objects.all()
    assert (created.action, revoked.action) == ("token_created", "token_revoked")
    assert created.actor == revoked.actor == "command line"
    assert "report, read, write; until 20" in created.detail
    assert secret not in f"{vars(created)}{vars(revoked)}"
    assert tokens._known == {}
