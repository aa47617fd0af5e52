"""Logins, tokens and roles in this process, on Django's test database, without a broker."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.access.roles import make_roles
from issuetracker.access.tokens import tokens
from issuetracker.publisher import IssuePublisher, publishers
from settings.base import cache

PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _alone(settings: Settings) -> Iterator[None]:
    """Tokens are required; nothing is remembered from before; changes go past the log."""
    settings.CACHES = {"default": cache("")}
    settings.ISSUETRACKER_ACCESS = "token"
    tokens.forget()
    before = publishers.replace(IssuePublisher("", "nowhere"))
    yield
    publishers.replace(before)


@pytest.fixture
def roles(transactional_db: None) -> None:
    """The roles that migrations have made; a test that empties the tables takes them away."""
    make_roles(apps, "default")


def somebody(name: str, *roles: str) -> Client:
    """A logged-in member of staff with these roles."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client()
    client.force_login(user)
    return client


def report(secret: str) -> int:
    """Report an issue with this token; the status of the answer."""
    return (
        Client()
        .post(
            "/api/v1/issues",
            {"title": "Test Issue"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        .status_code
    )
