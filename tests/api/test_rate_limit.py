"""Where requests are limited, each caller is told what it has left, and when to come again."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.access import rates as rates_module
from issuetracker.access.permissions import Permission
from issuetracker.access.rates import BURST_SECONDS, Rates
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token, tokens
from issuetracker.api import base
from issuetracker.publisher import IssuePublisher
from tests.api.working import ISSUES


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(base, "rates", Rates(stopped))
    return stopped


@pytest.fixture
def secrets(settings: Settings) -> Iterator[list[str]]:
    """The tokens of two services."""
    settings.ISSUETRACKER_ACCESS = "token"
    tokens.forget()
    yield [create_token(make_service_user(name), "test")[1] for name in ("one", "two")]
    tokens.forget()


def read(api: Client, secret: str = "") -> Any:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return api.get(ISSUES, headers=headers)


def left(answer: Any) -> tuple[int, int]:
    found = re.fullmatch(r'"caller";r=(\d+);t=(\d+)', answer["RateLimit"])
    assert found
    return int(found[1]), int(found[2])


def test_nothing_is_limited_unless_somebody_says_so(api: Client, no_broker: IssuePublisher) -> None:
    for _ in range(30):
        answer = read(api)
        assert answer.status_code == 200
    assert "RateLimit" not in answer
    assert "RateLimit-Policy" not in answer


def test_an_answer_says_what_is_left(
    api: Client, no_broker: IssuePublisher, clock: Clock, settings: Settings
) -> None:
    settings.ISSUETRACKER_RATE_LIMIT = 2
    answer = read(api)
    assert answer["RateLimit-Policy"] == f'"caller";q=20;w={BURST_SECONDS}'
    assert left(answer) == (19, 1)
    assert left(read(api)) == (18, 1)
    assert left(read(api)) == (17, 2)
    clock.now += 1
    assert left(read(api))[0] == 18
    clock.now += 100
    assert left(read(api)) == (19, 1)


def test_too_many_are_refused_and_told_when_to_come_again(
    api: Client, no_broker: IssuePublisher, clock: Clock, settings: Settings
) -> None:
    settings.ISSUETRACKER_RATE_LIMIT = 1
    assert [read(api).status_code for _ in range(11)] == [200] * 10 + [429]
    refused = api.post(ISSUES, {"title": "x"}, content_type="application/json")
    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["Retry-After"] == "1"
    assert left(refused) == (0, 10)
    clock.now += 1
    assert [read(api).status_code for _ in range(2)] == [200, 429]


def test_each_caller_has_its_own(
    api: Client, no_broker: IssuePublisher, clock: Clock, settings: Settings, secrets: list[str]
) -> None:
    settings.ISSUETRACKER_RATE_LIMIT = 1
    first, second = secrets
    other_token = create_token(make_service_user("one"), "test")[1]
    assert {read(api, first).status_code for _ in range(5)} == {200}
    assert {read(api, other_token).status_code for _ in range(5)} == {200}
    assert read(api, first).status_code == 429
    assert read(api, second).status_code == 200


def test_what_is_wrong_with_a_request_takes_from_it_too(
    api: Client, no_broker: IssuePublisher, clock: Clock, settings: Settings, secrets: list[str]
) -> None:
    settings.ISSUETRACKER_RATE_LIMIT = 1
    _, secret = create_token(make_service_user("x"), "test", permissions=[Permission.READ])
    headers = {"Authorization": f"Bearer {secret}"}
    wrong = api.get(f"{ISSUES}?limit=0", headers=headers)
    assert (wrong.status_code, left(wrong)) == (400, (9, 1))
    forbidden = api.post(ISSUES, {}, content_type="application/json", headers=headers)
    assert (forbidden.status_code, left(forbidden)) == (403, (8, 2))
    stranger = api.get(ISSUES)
    assert (stranger.status_code, left(stranger)) == (401, (9, 1))


def test_callers_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_module, "CALLERS_REMEMBERED", 3)
    clock = Clock()
    rates = Rates(clock)
    rates.take("busy", 1)
    rates.take("busy", 1)
    rates.take("rests", 1)
    clock.now += 1.5
    for name in ("a", "b"):
        rates.take(name, 1)
    assert rates.take("busy", 1).left == 8
    for number in range(10):
        rates.take(f"many {number}", 1)
    assert len(rates._full_at) <= 3
