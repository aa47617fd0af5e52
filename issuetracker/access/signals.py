"""What is noted when somebody logs in or fails to, and after every answer."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest

from issuetracker.access import audit
from issuetracker.access.addresses import client_address
from issuetracker.access.tokens import tokens

_UNKNOWN_NAME = "a name that no user has"


@receiver(user_logged_in)
def note_login(request: HttpRequest, user: User, **_: Any) -> None:  # noqa: ANN401 - Django's
    """Somebody has logged in."""
    audit.record(audit.Action.LOGIN, actor=user.get_username(), address=client_address(request))


@receiver(user_login_failed)
def note_failure(
    credentials: dict[str, str],
    request: HttpRequest | None = None,
    **_: Any,  # noqa: ANN401 - Django's signature
) -> None:
    """Somebody has given a wrong name or password."""
    # django-axes has heard it first, and then says so itself.
    if request is not None and not getattr(request, "axes_locked_out", False):
        _note(audit.Action.LOGIN_FAILED, credentials.get("username", ""), request)


@receiver(user_locked_out)
def note_lock(request: HttpRequest, username: str | None, **_: Any) -> None:  # noqa: ANN401
    """Somebody has failed too often, or comes again before the time is up."""
    _note(audit.Action.LOGIN_LOCKED, username or "", request)


@receiver(request_finished)
def settle_tokens(**_: Any) -> None:  # noqa: ANN401 - Django's signature
    """An answer is out; look after the tokens."""
    tokens.settle()


def _note(action: audit.Action, name: str, request: HttpRequest) -> None:
    known = User.objects.filter(username=name).exists()
    audit.record(
        action,
        actor=name if known else "",
        detail="" if known else _UNKNOWN_NAME,
        address=client_address(request),
    )
