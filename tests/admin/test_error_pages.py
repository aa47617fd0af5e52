"""What a person reads where there is no page: in the site's own look, with a way on."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.views import defaults

from settings.middleware import DatabaseAway

FRAME = "AlphaFusion issue tracker</a>"


def page(answer: Any, status: int) -> str:
    assert answer.status_code == status
    text: str = answer.content.decode()
    assert FRAME in text
    return text


def test_an_unknown_address_leads_to_the_first_page(client: Client) -> None:
    text = page(client.get("/nowhere"), 404)
    assert "There is nothing at this address" in text
    assert 'href="/admin/"' in text


@pytest.mark.django_db
def test_who_may_not_do_something_is_told_who_can_change_that(client: Client) -> None:
    person = User.objects.create_user("viewer", password="x", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_issue"))
    client.force_login(person)
    text = page(client.get("/admin/auth/user/"), 403)
    assert "Whoever manages the users can give you another" in text


def test_an_error_and_a_malformed_request_have_pages_of_their_own() -> None:
    request = RequestFactory().get("/admin/")
    assert "is in the log" in page(defaults.server_error(request), 500)
    assert "malformed" in page(defaults.bad_request(request, ValueError()), 400)


def test_without_the_database_the_same_address_can_be_tried_again() -> None:
    away = DatabaseAway(lambda _: HttpResponse())
    request = RequestFactory().get("/admin/issuetracker/issue/?status=open")
    answer = away.process_exception(request, OperationalError("connection refused"))
    assert answer is not None
    text = page(answer, 503)
    assert 'href="/admin/issuetracker/issue/?status=open"' in text
    assert answer["Retry-After"] == "5"


def test_without_the_database_a_form_says_that_nothing_was_saved() -> None:
    away = DatabaseAway(lambda _: HttpResponse())
    answer = away.process_exception(RequestFactory().post("/admin/"), OperationalError())
    assert answer is not None
    text = page(answer, 503)
    assert "nothing that was just sent from a page was saved" in text
    assert "Try again" not in text


@pytest.mark.parametrize("error", [ValueError("a bug"), OperationalError("of the API")])
def test_other_errors_are_left_to_others(error: Exception) -> None:
    path = "/api/v1/issues" if isinstance(error, OperationalError) else "/admin/"
    away = DatabaseAway(lambda _: HttpResponse())
    assert away.process_exception(RequestFactory().get(path), error) is None
