"""Service tokens in the admin site: made, shown once, listed, revoked."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from issuetracker.access.models import AuditEntry, ServiceToken
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token
from tests.access.conftest import report, somebody
from tests.admin.pages import text_of

TOKENS = "/admin/access/servicetoken/"


@pytest.fixture
def admin(roles: None) -> Client:
    return somebody("ada", "Admin")


def filled_in(client: Client, **fields: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    page = client.get(f"{TOKENS}add/").content.decode()
    found = re.search(r'name="form_id" value="([^"]+)"', page)
    assert found
    usual = {"service": "web", "life": "365", "permissions": ["report", "read", "write"]}
    return {"form_id": found[1], "purpose": "production", **usual, **fields}


def secret_on(content: bytes) -> str:
    found = re.search(r"aft_[\w-]{43}", content.decode())
    return found[0] if found else ""


def test_a_token_is_made_and_works(admin: Client) -> None:
    answer = admin.post(f"{TOKENS}add/", filled_in(admin, permissions=["report"], life="30"))
    assert answer.status_code == 200
    assert report(secret_on(answer.content)) == 201
    token = ServiceToken.objects.get()
    assert (token.service, token.purpose, token.permissions) == ("web", "production", ["report"])
    assert token.created_by == "ada"
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)


def test_the_secret_is_on_that_one_page_and_nowhere_else(admin: Client) -> None:
    answer = admin.post(f"{TOKENS}add/", filled_in(admin))
    secret = secret_on(answer.content)
    assert "no-store" in answer["Cache-Control"]
    assert secret not in f"{answer.headers}{answer.cookies}"
    for session in Session.objects.all():
        assert secret not in str(session.get_decoded())
    kept = [
        *ServiceToken.objects.values(),
        *AuditEntry.objects.values(),
        *LogEntry.objects.values(),
    ]
    assert secret not in str(kept)
    token = ServiceToken.objects.get()
    for page in (TOKENS, f"{TOKENS}{token.pk}/", f"{TOKENS}{token.pk}/revoke/", "/admin/"):
        assert secret not in admin.get(page).content.decode()


def test_the_form_sent_twice_makes_one_token_and_shows_it_once(admin: Client) -> None:
    form = filled_in(admin)
    first = admin.post(f"{TOKENS}add/", form)
    second = admin.post(f"{TOKENS}add/", form)
    assert secret_on(first.content)
    assert second.status_code == 409
    assert not secret_on(second.content)
    assert "revoke it" in text_of(second.content)
    assert ServiceToken.objects.count() == 1
    assert AuditEntry.objects.filter(action="token_created").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"service": ""},
        {"service": "no good name"},
        {"service": "x" * 101},
        {"permissions": []},
        {"permissions": ["everything"]},
        {"life": "1"},
        {"purpose": "x" * 101},
        {"form_id": "none"},
    ],
)
def test_a_form_that_makes_no_sense_makes_no_token(admin: Client, fields: dict[str, Any]) -> None:
    answer = admin.post(f"{TOKENS}add/", filled_in(admin, **fields))
    assert answer.status_code == 400
    assert b"errornote" in answer.content
    assert not ServiceToken.objects.exists()


def test_the_form_wants_a_csrf_token(admin: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(f"{TOKENS}add/", filled_in(admin)).status_code == 403
    token = create_token(make_service_user("web"))[0]
    assert strict.post(f"{TOKENS}{token.pk}/revoke/").status_code == 403
    assert not ServiceToken.objects.exclude(revoked_at=None).exists()


def test_revoking_asks_first_and_the_token_is_refused_from_then_on(admin: Client) -> None:
    token, secret = create_token(make_service_user("web"))
    assert report(secret) == 201
    asked = admin.get(f"{TOKENS}{token.pk}/revoke/")
    assert "within 30 seconds" in text_of(asked.content)
    assert report(secret) == 201
    answer = admin.post(f"{TOKENS}{token.pk}/revoke/", follow=True)
    assert "is revoked" in text_of(answer.content)
    assert report(secret) == 401
    entry = AuditEntry.objects.get(action="token_revoked")
    assert (entry.actor, entry.subject) == ("ada", str(token))


def test_revoking_twice_is_told_and_noted_once(admin: Client) -> None:
    token, _ = create_token(make_service_user("web"))
    admin.post(f"{TOKENS}{token.pk}/revoke/")
    again = admin.post(f"{TOKENS}{token.pk}/revoke/", follow=True)
    assert "was revoked before" in text_of(again.content)
    assert AuditEntry.objects.filter(action="token_revoked").count() == 1


def test_the_list_shows_what_each_token_is_and_finds_it(admin: Client) -> None:
    good, _ = create_token(make_service_user("web"), "production", permissions=["report"])
    ended, _ = create_token(make_service_user("billing"), life=timedelta(seconds=-1))
    said = text_of(admin.get(TOKENS).content)
    assert f"{good.prefix}… good web production report" in said
    assert f"{ended.prefix}… expired billing" in said
    for query, shown in (("state=good", good), ("state=expired", ended), ("q=billing", ended)):
        said = text_of(admin.get(f"{TOKENS}?{query}").content)
        assert shown.prefix in said
        assert ({good, ended} - {shown}).pop().prefix not in said
    assert "No token matches." in text_of(admin.get(f"{TOKENS}?state=revoked").content)


def test_an_empty_list_says_how_to_make_one(admin: Client) -> None:
    assert "manage.py create_service_token SERVICE" in text_of(admin.get(TOKENS).content)


def test_tokens_are_neither_edited_nor_deleted(admin: Client) -> None:
    token, _ = create_token(make_service_user("web"))
    assert admin.post(f"{TOKENS}{token.pk}/", {"purpose": "other"}).status_code == 405
    assert admin.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 404
    form = {"action": "delete_selected", "_selected_action": [token.pk], "post": "yes"}
    admin.post(TOKENS, form)
    assert ServiceToken.objects.get().purpose == ""


def test_an_unknown_token_has_no_page(admin: Client) -> None:
    for address in (f"{TOKENS}77/", f"{TOKENS}77/revoke/", f"{TOKENS}{uuid.uuid4()}/"):
        assert admin.get(address).status_code == 404


def test_what_somebody_typed_is_shown_as_text(admin: Client) -> None:
    attack = "<script>alert(1)</script>"
    made = admin.post(f"{TOKENS}add/", filled_in(admin, purpose=attack))
    token = ServiceToken.objects.get()
    refused = admin.post(f"{TOKENS}add/", filled_in(admin, service=attack))
    for page in (made, refused, admin.get(TOKENS), admin.get(f"{TOKENS}{token.pk}/")):
        assert b"<script>alert" not in page.content
