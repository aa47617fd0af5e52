"""Service tokens: made once, shown once, checked against their hash.

A report waits for the database only when its process has not asked about the token for
:data:`CHECKED_FOR` seconds. In steady use it never does: from :data:`CHECK_AFTER` seconds on the
token is checked again after an answer is out (:meth:`Tokens.settle`), where its use is noted too.

So a token that was revoked is refused within :data:`CHECKED_FOR` seconds in every process, and at
once in the one that revoked it. Only while the database cannot be asked, a token that this process
has seen good stays good for :data:`TRUSTED_FOR` seconds, so that a database that is down loses no
report. An expired token is refused from that moment on, whatever the database says.
"""

import hashlib
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from issuetracker.access import audit
from issuetracker.access.models import ServiceToken
from issuetracker.access.permissions import USUAL, Permission, in_order
from issuetracker.bounded import NoAnswer, bounded

logger = logging.getLogger(__name__)

MARK = "aft_"
CHECK_AFTER = 20.0
CHECKED_FOR = 30.0
TRUSTED_FOR = 3600.0
LOOKUP_SECONDS = 0.5
#: Seconds without another try after the database did not answer, for tokens known to be good.
PAUSE_SECONDS = 5.0
TOKENS_REMEMBERED = 10_000
#: Seconds within which a token's use is noted once.
USE_NOTED_EVERY = 300.0
USUAL_LIFE = timedelta(days=365)
UNKNOWN = "unknown"


class InvalidToken(Exception):
    """The token is unknown, expired or revoked, or its user is switched off; the message says."""


class TokensUnavailable(Exception):
    """The database does not say whether the token is good."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token stands for, and what it may do."""

    name: str
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class _Known:
    pk: int
    label: str
    identity: Identity
    refusal: str
    expires_at: datetime | None
    checked: float


@sensitive_variables("secret")
def create_token(
    user: User,
    purpose: str = "",
    *,
    life: timedelta | None = USUAL_LIFE,
    permissions: Iterable[str] = USUAL,
    created_by: str = "",
    address: str | None = None,
    form_id: uuid.UUID | None = None,
) -> tuple[ServiceToken, str]:
    """Make a token for ``user``.

    Args:
        user: whom it stands for.
        purpose: what it is for.
        life: how long it is good; None for ever.
        permissions: names of what it may do.
        created_by: name of who makes it; empty from the command line.
        address: from where it is made, for the audit log.
        form_id: of the form it is made with.

    Returns:
        The record, and the token itself, which cannot be had again.

    Raises:
        IntegrityError: a token was made with that form.
    """
    secret = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ServiceToken.objects.create(
            user=user,
            purpose=purpose,
            permissions=in_order(permissions),
            digest=_digest(secret),
            prefix=secret[:12],
            created_by=created_by,
            expires_at=timezone.now() + life if life is not None else None,
            form_id=form_id,
        )
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
        audit.record(
            audit.Action.TOKEN_CREATED,
            actor=created_by or audit.COMMAND_LINE,
            subject=str(token),
            detail=f"{token.may}; {until}",
            address=address,
        )
    return token, secret


def revoke_token(token: ServiceToken, by: str = "", address: str | None = None) -> bool:
    """Have ``token`` refused from now on; False when it was revoked before.

    Args:
        token: the record.
        by: name of who revokes it; empty from the command line.
        address: from where, for the audit log.
    """
    now = timezone.now()
    if not ServiceToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        return False
    token.revoked_at = now
    tokens.forget(token.digest)
    actor = by or audit.COMMAND_LINE
    audit.record(audit.Action.TOKEN_REVOKED, actor=actor, subject=str(token), address=address)
    return True


class Tokens:
    """Tells whose a token is, mostly without asking the database.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._noted: dict[int, float] = {}
        self._paused_until = 0.0
        # What waits until an answer is out.
        self._due: dict[str, None] = {}
        self._uses: dict[int, datetime] = {}
        self._refused: dict[int, tuple[_Known, str | None]] = {}

    @sensitive_variables("secret")
    def identify(self, secret: str, address: Callable[[], str | None] = lambda: None) -> Identity:
        """Whom ``secret`` stands for, and what it may do.

        Args:
            secret: the token.
            address: tells from where it is used; asked for the audit log when it is refused.

        Raises:
            InvalidToken: it is not good.
            TokensUnavailable: the database has to be asked and does not answer.
        """
        digest = _digest(secret)
        known = self._known.get(digest)
        if known is None or self._is_stale(known):
            known = self._look_up(digest, known)
        elif self._clock() - known.checked > CHECK_AFTER:
            self._due[digest] = None
        if refusal := known.refusal or ("expired" if _is_past(known.expires_at) else ""):
            self._refused[known.pk] = (known, address())
            raise InvalidToken(refusal)
        self._note_use(known.pk)
        return known.identity

    def forget(self, digest: str | None = None) -> None:
        """Ask the database at the next use of one token, or of every one."""
        if digest is None:
            self._known.clear()
            self._noted.clear()
        else:
            self._known.pop(digest, None)

    def settle(self) -> None:
        """Do what no answer has to wait for: check tokens again, note uses and refusals.

        Called after each request; mostly there is nothing to do.
        """
        if not (self._due or self._uses or self._refused) or self._clock() < self._paused_until:
            return
        try:
            bounded(self._settle, seconds=LOOKUP_SECONDS)
        except (DatabaseError, NoAnswer) as error:
            self._pause(error)

    def _settle(self) -> None:
        while self._due:
            digest = self._due.popitem()[0]
            self._learn(digest, _find(digest))
        while self._uses:
            pk, moment = self._uses.popitem()
            ServiceToken.objects.filter(pk=pk).update(last_used_at=moment)
        while self._refused:
            _, (known, address) = self._refused.popitem()
            audit.record(
                audit.Action.TOKEN_REFUSED,
                actor=known.identity.name,
                subject=known.label,
                detail=known.refusal or "expired",
                address=address,
            )

    def _is_stale(self, known: _Known) -> bool:
        # The database may have a new end for a token whose end has come.
        ended = not known.refusal and _is_past(known.expires_at)
        return ended or self._clock() - known.checked > CHECKED_FOR

    def _look_up(self, digest: str, before: _Known | None) -> _Known:
        trusted = before is not None and self._clock() - before.checked <= TRUSTED_FOR
        if before is not None and trusted and self._clock() < self._paused_until:
            return before
        try:
            token = bounded(_find, digest, seconds=LOOKUP_SECONDS)
        except (DatabaseError, NoAnswer) as error:
            if before is None or not trusted:
                raise TokensUnavailable(str(error)) from error
            self._pause(error)
            return before
        known = self._learn(digest, token)
        if known is None:
            raise InvalidToken(UNKNOWN)
        return known

    def _learn(self, digest: str, token: ServiceToken | None) -> _Known | None:
        if token is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= TOKENS_REMEMBERED:
            self.forget()
        known = self._known[digest] = _known(token, self._clock())
        return known

    def _note_use(self, pk: int) -> None:
        now = self._clock()
        if now - self._noted.get(pk, -USE_NOTED_EVERY) >= USE_NOTED_EVERY:
            self._noted[pk] = now
            self._uses[pk] = timezone.now()

    def _pause(self, error: Exception) -> None:
        self._paused_until = self._clock() + PAUSE_SECONDS
        logger.warning("Could not ask about tokens, trusting those known for now: %s", error)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _is_past(moment: datetime | None) -> bool:
    return moment is not None and moment <= timezone.now()


def _find(digest: str) -> ServiceToken | None:
    return ServiceToken.objects.select_related("user").filter(digest=digest).first()


def _known(token: ServiceToken, checked: float) -> _Known:
    permissions = frozenset(Permission(name) for name in in_order(token.permissions))
    identity = Identity(token.user.get_username(), permissions)
    return _Known(token.pk, str(token), identity, token.refusal(), token.expires_at, checked)


tokens = Tokens()
