"""Service tokens: made once, shown once, checked against their hash.

A revoked token is refused within :data:`CHECKED_FOR` seconds, in every process. Only while the
database cannot be asked, a token that this process has seen good stays good for
:data:`TRUSTED_FOR` seconds more, so that a database that is down loses no report.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from issuetracker.access.models import ServiceToken
from issuetracker.bounded import NoAnswer, bounded

logger = logging.getLogger(__name__)

MARK = "aft_"
CHECKED_FOR = 30.0
TRUSTED_FOR = 3600.0
LOOKUP_SECONDS = 0.5
TOKENS_REMEMBERED = 10_000
_USE_NOTED_EVERY = timedelta(hours=1)


class InvalidToken(Exception):
    """The token is unknown, expired or revoked, or its user is not active."""


class TokensUnavailable(Exception):
    """The database does not say whether the token is good."""


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    expires_at: datetime | None
    checked: float


def create_token(user: User, name: str = "", days: int | None = None) -> tuple[ServiceToken, str]:
    """Make a token for ``user``.

    Args:
        user: whom it stands for.
        name: what people call it.
        days: how long it is good; None for ever.

    Returns:
        The record, and the token itself, which cannot be had again.
    """
    secret = MARK + secrets.token_urlsafe(32)
    token = ServiceToken.objects.create(
        user=user,
        name=name,
        digest=_digest(secret),
        prefix=secret[:12],
        expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
    )
    return token, secret


class Tokens:
    """Tells whose a token is, mostly without asking the database.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def user_name(self, secret: str) -> str:
        """The name of the service user that ``secret`` stands for.

        Raises:
            InvalidToken: it stands for nobody.
            TokensUnavailable: the database has to be asked and does not answer.
        """
        digest = _digest(secret)
        known = self._known.get(digest)
        if known is None or self._clock() - known.checked > CHECKED_FOR:
            known = self._look_up(digest, known)
        if known.expires_at is not None and known.expires_at <= timezone.now():
            raise InvalidToken("expired")
        return known.name

    def _look_up(self, digest: str, before: _Known | None) -> _Known:
        try:
            token = bounded(_find, digest, seconds=LOOKUP_SECONDS)
        except (DatabaseError, NoAnswer) as error:
            if before is None or self._clock() - before.checked > TRUSTED_FOR:
                raise TokensUnavailable(str(error)) from error
            logger.warning("Could not check a token again, trusting it for now: %s", error)
            return before
        if token is None:
            self._known.pop(digest, None)
            raise InvalidToken("unknown or revoked")
        if len(self._known) >= TOKENS_REMEMBERED:
            self._known.clear()
        known = _Known(token.user.get_username(), token.expires_at, self._clock())
        self._known[digest] = known
        return known


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _find(digest: str) -> ServiceToken | None:
    token = (
        ServiceToken.objects.select_related("user")
        .filter(digest=digest, revoked_at=None, user__is_active=True)
        .first()
    )
    if token is not None:
        _note_use(token)
    return token


def _note_use(token: ServiceToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > _USE_NOTED_EVERY:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_at=now)


tokens = Tokens()
