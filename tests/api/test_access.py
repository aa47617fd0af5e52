"""Who may call the API, and under which name."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from issuetracker.access import tokens as tokens_module
from issuetracker.access.models import ServiceToken
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token, tokens
from issuetracker.providers import get_store
from issuetracker.publisher import IssuePublisher

ISSUES = "/api/v1/issues"
REPORT = {"title": "Test Issue", "component": "billing"}


@pytest.fixture(autouse=True)
def forget_tokens() -> None:
    """What this process has seen of tokens belongs to the test before."""
    tokens.forget()


@pytest.fixture
def token_required(settings: Settings) -> None:
    settings.ISSUETRACKER_ACCESS = "token"


def _make_token(service: str = "web") -> str:
    return create_token(make_service_user(service), "test")[1]


def _post(api: Client, secret: str | None = None, **extra: Any) -> int:
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    answer = api.post(ISSUES, REPORT, content_type="application/json", headers=headers, **extra)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
    if answer.status_code == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


def test_a_token_is_required_where_the_setting_says_so(
    api: Client, no_broker: IssuePublisher, token_required: None
) -> None:
    assert _post(api) == 401
    assert _post(api, _make_token()) == 201


@pytest.mark.parametrize("secret", ["", "aft_", "aft_wrong", "aft_\u00e4", "x" * 5000])
@pytest.mark.parametrize("access", ["token", "local", "open"])
def test_a_wrong_token_is_refused_whatever_the_setting(
    api: Client, no_broker: IssuePublisher, settings: Settings, access: str, secret: str
) -> None:
    settings.ISSUETRACKER_ACCESS = access
    assert _post(api, secret) == 401


def test_a_report_with_a_known_token_needs_no_database(
    api: Client, publisher: IssuePublisher, token_required: None, django_db_blocker: DjangoDbBlocker
) -> None:
    secret = _make_token()
    assert _post(api, secret) == 202
    with django_db_blocker.block():
        assert [_post(api, secret) for _ in range(10)] == [202] * 10


def test_a_call_without_a_cookie_gets_no_cookie_and_all_that_protects_an_answer(
    api: Client, no_broker: IssuePublisher
) -> None:
    answer = api.post(ISSUES, REPORT, content_type="application/json")
    assert not answer.cookies
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert int(answer["Content-Length"]) == len(answer.content)


def test_another_scheme_is_refused(api: Client, no_broker: IssuePublisher) -> None:
    answer = api.get(ISSUES, headers={"Authorization": "Basic YTpi"})
    assert answer.status_code == 401


def test_with_a_token_its_service_is_the_reporter(
    api: Client, no_broker: IssuePublisher, token_required: None
) -> None:
    secret = _make_token("web")
    answer = api.post(
        ISSUES,
        REPORT,
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    issue = get_store().get(answer.json()["id"])
    assert issue is not None
    assert (issue.reporter, issue.component) == ("service.web", "billing")


def test_without_a_token_only_this_machine_may_call_by_default(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "local"
    assert _post(api, REMOTE_ADDR="127.0.0.1") == 201
    assert _post(api, REMOTE_ADDR="::1") == 201
    assert _post(api, REMOTE_ADDR="10.0.0.7") == 401


def test_a_forwarded_address_is_not_believed(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "local"
    forwarded = {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    assert _post(api, REMOTE_ADDR="10.0.0.7", **forwarded) == 401
    assert _post(api, REMOTE_ADDR="127.0.0.1", **forwarded) == 401


def test_everybody_may_call_where_access_is_open(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "open"
    assert _post(api, REMOTE_ADDR="10.0.0.7") == 201


def test_an_expired_token_is_refused(
    api: Client, no_broker: IssuePublisher, token_required: None
) -> None:
    secret = _make_token()
    assert _post(api, secret) == 201
    ServiceToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tokens.forget()
    assert _post(api, secret) == 401


def test_the_token_of_a_user_who_is_not_active_is_refused(
    api: Client, no_broker: IssuePublisher, token_required: None
) -> None:
    secret = _make_token("web")
    User.objects.filter(username="service.web").update(is_active=False)
    assert _post(api, secret) == 401


def test_an_unseen_token_is_answered_503_while_the_database_is_down(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_digest: str) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr(tokens_module, "_find", fail)
    assert _post(api, "aft_unseen") == 503


def test_only_the_hash_of_a_token_is_kept_and_its_use_is_noted(
    api: Client, no_broker: IssuePublisher
) -> None:
    secret = _make_token()
    record = ServiceToken.objects.get()
    assert secret not in {str(value) for value in vars(record).values()}
    assert secret.startswith(record.prefix)
    assert record.last_used_at is None
    _post(api, secret)
    record.refresh_from_db()
    assert record.last_used_at is not None


def _staff(*permissions: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def test_staff_may_read_and_change_what_django_lets_them(
    transactional_db: None, no_broker: IssuePublisher, token_required: None
) -> None:
    client = _staff("view_issue")
    assert client.get(ISSUES).status_code == 200
    client.cookies["csrftoken"] = "a" * 32
    csrf = {"X-CSRFToken": "a" * 32}
    refused = client.post(ISSUES, REPORT, content_type="application/json", headers=csrf)
    assert refused.status_code == 403
    User.objects.get().user_permissions.add(Permission.objects.get(codename="change_issue"))
    accepted = client.post(ISSUES, REPORT, content_type="application/json", headers=csrf)
    assert accepted.status_code == 201
    issue = get_store().get(accepted.json()["id"])
    assert issue is not None
    assert issue.reporter == "ada"


def test_a_session_without_a_csrf_token_changes_nothing(
    transactional_db: None, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "open"
    client = _staff("view_issue", "change_issue")
    answer = client.post(ISSUES, REPORT, content_type="application/json")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"


def test_a_session_that_is_not_of_staff_is_nobody(
    transactional_db: None, no_broker: IssuePublisher, token_required: None
) -> None:
    client = Client()
    client.force_login(User.objects.create_user("eve"))
    assert client.get(ISSUES).status_code == 401
