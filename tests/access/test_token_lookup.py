"""When a token is looked up, how long what was found holds, and who waits for the database."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.signals import request_finished
from django.db import DatabaseError
from django.utils import timezone

from issuetracker.access import tokens as tokens_module
from issuetracker.access.models import AuditEntry, ServiceToken
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import (
    CHECKED_FOR,
    Identity,
    InvalidToken,
    Tokens,
    TokensUnavailable,
    create_token,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Process:
    """One process's tokens, with a clock to turn and a count of what the database was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.tokens = Tokens(self.clock)
        self.asked = 0
        self.down = False
        self._find = tokens_module._find
        monkeypatch.setattr(tokens_module, "_find", self._count)

    def _count(self, digest: str) -> ServiceToken | None:
        self.asked += 1
        if self.down:
            raise DatabaseError("down")
        return self._find(digest)

    def use(self, secret: str) -> Identity:
        """One request with the token."""
        try:
            return self.tokens.identify(secret, lambda: "203.0.113.7")
        finally:
            self.tokens.settle()


@pytest.fixture
def process(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(monkeypatch)


@pytest.fixture
def secret(transactional_db: None) -> str:
    return create_token(make_service_user("web"))[1]


def test_the_database_is_asked_once_for_many_reports(process: Process, secret: str) -> None:
    for _ in range(50):
        assert process.use(secret).name == "service.web"
    assert process.asked == 1


def test_in_steady_use_no_report_waits_for_the_database(process: Process, secret: str) -> None:
    process.use(secret)
    for _ in range(100):
        process.clock.now += 5
        before = process.asked
        process.tokens.identify(secret)
        assert process.asked == before
        process.tokens.settle()
    # Checked again after an answer, every 20 to 30 s.
    assert 500 / 30 <= process.asked - 1 <= 500 / 20


def _is_refused(process: Process, secret: str) -> bool:
    try:
        process.use(secret)
    except InvalidToken:
        return True
    return False


@pytest.mark.parametrize("every", [1, 7, 29, 31, 300])
def test_a_revoked_token_is_refused_within_thirty_seconds(
    process: Process, secret: str, every: int
) -> None:
    process.use(secret)
    ServiceToken.objects.update(revoked_at=timezone.now())
    revoked = process.clock.now
    while True:
        process.clock.now += every
        if _is_refused(process, secret):
            break
        assert process.clock.now - revoked <= CHECKED_FOR


def test_an_expired_token_is_refused_at_once(process: Process, secret: str) -> None:
    ServiceToken.objects.update(expires_at=timezone.now() + timedelta(seconds=0.5))
    process.use(secret)
    time.sleep(0.6)
    with pytest.raises(InvalidToken, match="expired"):
        process.use(secret)


def test_an_expired_token_is_refused_also_while_the_database_is_down(
    process: Process, secret: str
) -> None:
    ServiceToken.objects.update(expires_at=timezone.now() + timedelta(seconds=0.5))
    process.use(secret)
    process.down = True
    time.sleep(0.6)
    with pytest.raises(InvalidToken, match="expired"):
        process.use(secret)


def test_while_the_database_is_down_a_token_that_was_good_stays_good_for_an_hour(
    process: Process, secret: str
) -> None:
    process.use(secret)
    process.down = True
    process.clock.now += 3000
    assert process.use(secret).name == "service.web"
    process.clock.now += 601
    with pytest.raises(TokensUnavailable):
        process.use(secret)


def test_a_database_that_is_down_is_asked_every_few_seconds_only(
    process: Process, secret: str
) -> None:
    process.use(secret)
    process.down = True
    process.clock.now += 60
    before = process.asked
    for _ in range(100):
        process.clock.now += 0.1
        process.use(secret)
    assert process.asked - before <= 4


@pytest.mark.parametrize("end", [{"revoked_at": timezone.now}, {"expires_at": timezone.now}])
def test_a_refused_token_costs_the_database_no_more_than_a_good_one(
    process: Process, secret: str, end: dict[str, Callable[[], object]]
) -> None:
    ServiceToken.objects.update(**{name: moment() for name, moment in end.items()})
    for _ in range(20):
        with pytest.raises(InvalidToken):
            process.use(secret)
    assert process.asked == 1


def test_the_use_of_a_refused_token_is_in_the_audit_log_once_an_hour(
    process: Process, secret: str
) -> None:
    ServiceToken.objects.update(revoked_at=timezone.now())
    for _ in range(3):
        with pytest.raises(InvalidToken):
            process.use(secret)
    entry = AuditEntry.objects.get(action="token_refused")
    assert (entry.actor, entry.detail, entry.count) == ("service.web", "revoked", 3)
    assert entry.network == "203.0.113.0/24"
    assert secret[:12] in entry.subject
    assert secret not in entry.subject


def test_a_use_is_noted_after_the_answer_and_at_most_every_five_minutes(
    process: Process, secret: str
) -> None:
    process.tokens.identify(secret)
    assert ServiceToken.objects.get().last_used_at is None
    process.tokens.settle()
    first = ServiceToken.objects.get().last_used_at
    assert first is not None
    process.clock.now += 299
    process.use(secret)
    assert ServiceToken.objects.get().last_used_at == first
    process.clock.now += 2
    process.use(secret)
    assert ServiceToken.objects.get().last_used_at > first  # type: ignore[operator]


def test_a_token_is_settled_when_a_request_is_over(
    process: Process, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens_module.tokens.identify(secret)
    request_finished.send(sender=None)
    assert ServiceToken.objects.get().last_used_at is not None


def test_a_service_that_is_switched_off_is_refused(process: Process, secret: str) -> None:
    user = ServiceToken.objects.get().user
    user.is_active = False
    user.save()
    with pytest.raises(InvalidToken, match="switched off"):
        process.use(secret)
