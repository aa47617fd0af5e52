"""What the endpoints have in common: who may call, how a body is read, when to be done."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from issuetracker.accepting import STORE_SECONDS
from issuetracker.access.addresses import client_address
from issuetracker.access.authentication import ApiAuthentication
from issuetracker.access.authorization import require
from issuetracker.access.permissions import Permission
from issuetracker.access.principals import Caller, Person, Service
from issuetracker.access.rates import rates
from issuetracker.api.problems import BodyTooLarge, LengthRequired
from issuetracker.api.validating import decode_body
from issuetracker.messages import MAX_BODY_BYTES, new_event_id

Struct = TypeVar("Struct", bound=msgspec.Struct)

#: Seconds in which every answer is given, so that a client which waits 2.0 s still gets it.
ANSWER_SECONDS = 1.7
_JSON = ("application/json", "application/json;charset=utf-8")


class AlwaysJson(BaseContentNegotiation):
    """Answers JSON whatever is asked for, as RFC 9110 allows."""

    def select_parser(self, _request: Request, _parsers: Iterable[BaseParser]) -> None:
        """None: bodies are decoded by the views."""

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only one."""
        return next(iter(renderers)), "application/json"


class MayCall(BasePermission):
    """Whoever is known, and has the permission that the endpoint's method needs."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is known.

        Raises:
            MissingPermission: the caller is, and may not do this.
        """
        if not request.user.is_authenticated:
            return False
        needed: Permission = view.permission_for(request.method)  # type: ignore[attr-defined]  # an ApiView
        require(caller_of(request), needed)
        return True


class CallerThrottle(BaseThrottle):
    """So many requests a second from each caller (``settings.ISSUETRACKER_RATE_LIMIT``)."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the caller has a request left."""
        rate: int = settings.ISSUETRACKER_RATE_LIMIT
        if not rate:
            return True
        quota = rates.take(_name_of(request), rate)
        # Of every answer of this view, also where the request is refused.
        view.headers.update(quota.headers)
        self._wait = quota.wait
        return quota.wait is None

    def wait(self) -> float | None:
        """Seconds until it has one."""
        return self._wait


class ApiView(APIView):
    """What every endpoint has in common."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (ApiAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (MayCall,)
    content_negotiation_class = AlwaysJson
    renderer_classes = (JSONRenderer,)
    parser_classes = ()
    metadata_class = None
    throttle_classes = (CallerThrottle,)
    http_method_names = ("get", "head", "post", "patch")
    #: Longest body that is read, in bytes.
    body_limit = MAX_BODY_BYTES
    #: The event id that the request's Idempotency-Key stands for, if it has one.
    key_event_id: str | None = None
    #: Set when some of what was asked may be asked again with the same key: nothing is remembered.
    is_repeatable = False
    _body: bytes | None = None

    def permission_for(self, method: str) -> Permission:
        """What a caller needs to use ``method`` here."""
        return Permission.READ if method in ("GET", "HEAD") else Permission.WRITE

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        """Note when the request began, then authenticate it and check what it may.

        What else REST framework does here has one outcome only: JSON, no versions.
        """
        self.deadline = time.monotonic() + ANSWER_SECONDS
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)

    def read_body(self, request: Request, struct: type[Struct]) -> Struct:
        """The request's body as ``struct``.

        Raises:
            UnsupportedMediaType: it is not sent as JSON.
            LengthRequired: it comes in chunks.
            BodyTooLarge: it is longer than any valid one.
            InvalidInput: it is not valid; every wrong field is named.
        """
        return decode_body(self.raw_body(request), struct)

    def raw_body(self, request: Request) -> bytes:
        """The request's body as it was sent; raises what :meth:`read_body` does of that."""
        if self._body is None:
            _require_readable(request, self.body_limit)
            # Not `body`, which has one limit for every address.
            self._body = request._request.read(self.body_limit + 1)  # noqa: SLF001 - REST framework's own way
            if len(self._body) > self.body_limit:
                raise BodyTooLarge(self.body_limit)
        return self._body

    def event_id(self, given: str | None = None) -> str:
        """By which a change counts once: ``given`` in the body, else of the key, else a new one."""
        return given or self.key_event_id or new_event_id()

    @property
    def seconds_left(self) -> float:
        """Until the answer is due."""
        return self.deadline - time.monotonic()

    @property
    def store_seconds(self) -> float:
        """That the store has for a question on which a change depends."""
        return min(self.seconds_left, STORE_SECONDS)


def _require_readable(request: Request, limit: int) -> None:
    """Return if the body is JSON and not too long, before the first byte of it is read."""
    if request.META.get("CONTENT_TYPE", "").replace(" ", "").lower() not in _JSON:
        # Also keeps other sites' pages from sending anything from a browser on this machine.
        raise UnsupportedMediaType("", "Send the body as application/json (UTF-8).")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthRequired
    if length.isdecimal() and int(length) > limit:
        raise BodyTooLarge(limit)


def _name_of(request: Request) -> str:
    """Whom requests are counted for: the caller, or the address of one without a name."""
    caller = request.user
    if isinstance(caller, Person) or (isinstance(caller, Service) and caller.name):
        return caller.get_username()
    return client_address(request._request) or ""  # noqa: SLF001 - REST framework's own way


def caller_of(request: Request) -> Caller:
    """Who sent ``request``; it is authenticated."""
    caller: Caller = request.user  # type: ignore[assignment]
    return caller
