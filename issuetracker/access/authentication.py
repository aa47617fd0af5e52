"""How the API knows who calls.

In this order: a token in ``Authorization: Bearer aft_…``; the session of a member of staff, with
CSRF protection; and, where ``settings.ISSUETRACKER_ACCESS`` allows it, nothing at all:

* ``token``: always a token or a session;
* ``local``: neither, for calls from this machine that came through no proxy;
* ``open``: neither, from anywhere.

A token that is given must be good, whatever the setting.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from issuetracker.access.addresses import client_address
from issuetracker.access.principals import Caller, Person, Service
from issuetracker.access.tokens import InvalidToken, tokens

CHALLENGE = 'Bearer realm="issuetracker"'
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


class ApiAuthentication(BaseAuthentication):
    """Finds the caller of an API request."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """The caller, or None when nothing says who it is and nobody may call unnamed.

        Raises:
            AuthenticationFailed: the token is not good.
            PermissionDenied: the session's request has no CSRF token.
            TokensUnavailable: the database does not say whether the token is good.
        """
        caller = _by_token(request) or _by_session(request) or _unnamed(request)
        return (caller, None) if caller is not None else None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        if request.META.get("HTTP_AUTHORIZATION"):
            return f'{CHALLENGE}, error="invalid_token"'
        return CHALLENGE


def _by_token(request: Request) -> Service | None:
    header = request.META.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise AuthenticationFailed("Send a service token: Authorization: Bearer aft_…")
    try:
        identity = tokens.identify(secret.strip(), lambda: client_address(request._request))  # noqa: SLF001
    except InvalidToken as error:
        raise AuthenticationFailed(f"The service token is {error}.") from error
    return Service(identity.name, identity.permissions)


def _by_session(request: Request) -> Person | None:
    # Services send no cookie, and must not wait for a database that only sessions need.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    user = request._request.user  # noqa: SLF001 - REST framework's own way to Django's request
    if not user.is_active or not getattr(user, "is_staff", False):
        return None
    _require_csrf_token(request._request)  # noqa: SLF001
    return Person(user)


def _unnamed(request: Request) -> Service | None:
    access = settings.ISSUETRACKER_ACCESS
    if access == "open" or (access == "local" and _is_from_this_machine(request.META)):
        return Service()
    return None


def _is_from_this_machine(meta: dict[str, Any]) -> bool:
    if any(header in meta for header in _PROXY_HEADERS):
        return False
    return meta.get("REMOTE_ADDR") in _THIS_MACHINE


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:  # noqa: ANN401, ARG002 - Django's hook
        return reason


def _require_csrf_token(request: HttpRequest) -> None:
    check = _CsrfCheck(lambda _request: HttpResponse())
    check.process_request(request)
    reason = check.process_view(request, lambda _request: HttpResponse(), (), {})
    if reason:
        raise PermissionDenied(f"CSRF: {reason}")
