"""What each endpoint answers to each kind of token."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from issuetracker.access.models import AuditEntry, ServiceToken
from issuetracker.access.permissions import Permission
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token, tokens

pytestmark = pytest.mark.django_db(transaction=True)

JSON = "application/json"
#: method, address below /api/v1/issues, body, permission that it needs, statuses when it has it
ENDPOINTS: list[tuple[str, str, Any, Permission, set[int]]] = [
    ("post", "", {"title": "Broken"}, Permission.REPORT, {201}),
    ("get", "", None, Permission.READ, {200}),
    ("get", "/{id}", None, Permission.READ, {200}),
    ("patch", "/{id}", {"status": "resolved"}, Permission.WRITE, {200}),
    ("patch", "/{id}", {"status": "deleted"}, Permission.DELETE, {200}),
    ("get", "/{id}/comments", None, Permission.READ, {200}),
    ("post", "/{id}/comments", {"body": "Seen"}, Permission.WRITE, {201}),
    ("get", "/{id}/occurrences", None, Permission.READ, {200}),
    ("get", "/{id}/history", None, Permission.READ, {200}),
]
STATES = {
    "expired": "The service token is expired.",
    "revoked": "The service token is revoked.",
    "switched off": "The service token is switched off.",
    "unknown": "The service token is unknown.",
    "malformed": "Send a service token: Authorization: Bearer aft_…",
    "absent": "Authentication credentials were not provided.",
}

over_endpoints = pytest.mark.parametrize(
    ("method", "path", "body", "needed", "good"),
    ENDPOINTS,
    ids=[f"{method} {path or '/'} {body or ''}" for method, path, body, _, _ in ENDPOINTS],
)


def make(*permissions: str) -> str:
    return create_token(make_service_user("web"), "test", permissions=permissions)[1]


def call(authorization: str | None, method: str, path: str, body: Any) -> Any:
    """Call the endpoint, on an issue that is there."""
    client = Client()
    everything = {"Authorization": f"Bearer {make(*Permission)}"}
    reported = client.post(
        "/api/v1/issues", {"title": "Broken"}, content_type=JSON, headers=everything
    )
    address = "/api/v1/issues" + path.format(id=reported.json()["id"])
    headers = {"Authorization": authorization} if authorization is not None else {}
    if method == "get":
        return client.get(address, headers=headers)
    return client.generic(
        method.upper(), address, _encoded(body), content_type=JSON, headers=headers
    )


def _encoded(body: Any) -> str:
    return str(body).replace("'", '"')


def in_state(state: str) -> str | None:
    """An Authorization header of a token in this state."""
    secret = make(*Permission)
    found = ServiceToken.objects.filter(prefix=secret[:12])
    if state == "expired":
        found.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif state == "revoked":
        found.update(revoked_at=timezone.now())
    elif state == "switched off":
        token = found.get()
        token.user = make_service_user("other")
        token.save()
        User.objects.filter(pk=token.user.pk).update(is_active=False)
    tokens.forget()
    headers = {"unknown": f"Bearer aft_{uuid.uuid4()}", "malformed": f"Token {secret}"}
    return None if state == "absent" else headers.get(state, f"Bearer {secret}")


@over_endpoints
def test_a_good_token_is_let_in(
    method: str, path: str, body: Any, needed: Permission, good: set[int]
) -> None:
    assert call(f"Bearer {make(*Permission)}", method, path, body).status_code in good


@over_endpoints
def test_a_token_with_just_the_permission_is_let_in(
    method: str, path: str, body: Any, needed: Permission, good: set[int]
) -> None:
    has = {needed, Permission.WRITE} if needed is Permission.DELETE else {needed}
    assert call(f"Bearer {make(*has)}", method, path, body).status_code in good


@over_endpoints
def test_a_token_without_the_permission_is_told_which_one_it_lacks(
    method: str, path: str, body: Any, needed: Permission, good: set[int]
) -> None:
    answer = call(f"Bearer {make(*set(Permission) - {needed})}", method, path, body)
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(f"The token lacks the permission “{needed}”")
    assert f'error="insufficient_scope", scope="{needed}"' in answer["WWW-Authenticate"]


@over_endpoints
@pytest.mark.parametrize("state", STATES)
def test_a_token_that_is_not_good_is_refused_and_told_why(
    state: str, method: str, path: str, body: Any, needed: Permission, good: set[int]
) -> None:
    answer = call(in_state(state), method, path, body)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == STATES[state]
    assert answer["WWW-Authenticate"].startswith("Bearer realm=")
    assert ('error="invalid_token"' in answer["WWW-Authenticate"]) == (state != "absent")


def test_a_deletion_over_the_api_is_in_the_audit_log() -> None:
    call(f"Bearer {make(*Permission)}", "patch", "/{id}", {"status": "deleted"})
    entry = AuditEntry.objects.get(action="issue_deleted")
    assert entry.actor == "service.web"
    assert entry.subject.startswith("issue ")


@pytest.mark.parametrize("times", [1, 2])
def test_a_deletion_of_several_is_an_entry_each_however_often_it_is_sent(times: int) -> None:
    token = f"Bearer {make(*Permission)}"
    ids = [call(token, "post", "", {"title": title}).json()["id"] for title in ("one", "two")]
    body = {"ids": ids, "status": "deleted", "event_id": str(uuid.uuid4())}
    for _ in range(times):
        assert call(token, "patch", "", body).status_code == 202
    subjects = AuditEntry.objects.filter(action="issue_deleted").values_list("subject", flat=True)
    assert sorted(subjects) == sorted(f"issue {one.removeprefix('temp-')}" for one in ids)


def test_tokens_of_the_version_before_may_do_everything() -> None:
    """The migration's default is what they get."""
    assert set(ServiceToken().permissions) == set(Permission)
