"""What the endpoints have in common: who may call, how a body is read, when to be done."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from issuetracker.accepting import STORE_SECONDS
from issuetracker.access.authentication import ApiAuthentication
from issuetracker.access.authorization import require
from issuetracker.access.permissions import Permission
from issuetracker.access.principals import Caller
from issuetracker.api.problems import BodyTooLarge, LengthRequired
from issuetracker.api.validating import decode_body
from issuetracker.messages import MAX_BODY_BYTES

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


class ApiView(APIView):
    """What every endpoint has in common."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (ApiAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (MayCall,)
    content_negotiation_class = AlwaysJson
    renderer_classes = (JSONRenderer,)
    parser_classes = ()
    metadata_class = None
    http_method_names = ("get", "head", "post", "patch")

    def permission_for(self, method: str) -> Permission:
        """What a caller needs to use ``method`` here."""
        return Permission.READ if method in ("GET", "HEAD") else Permission.WRITE

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        """Note when the request began, then authenticate it and check what it may.

        What else REST framework does here has one outcome only: JSON, no versions, no throttles.
        """
        self.deadline = time.monotonic() + ANSWER_SECONDS
        self.perform_authentication(request)
        self.check_permissions(request)

    @property
    def seconds_left(self) -> float:
        """Until the answer is due."""
        return self.deadline - time.monotonic()

    @property
    def store_seconds(self) -> float:
        """That the store has for a question on which a change depends."""
        return min(self.seconds_left, STORE_SECONDS)


def read_body(request: Request, struct: type[Struct]) -> Struct:
    """The request's body as ``struct``.

    Raises:
        UnsupportedMediaType: it is not sent as JSON.
        LengthRequired: it comes in chunks.
        BodyTooLarge: it is longer than any valid one.
        InvalidInput: it is not valid; every wrong field is named.
    """
    if request.META.get("CONTENT_TYPE", "").replace(" ", "").lower() not in _JSON:
        # Also keeps other sites' pages from sending anything from a browser on this machine.
        raise UnsupportedMediaType("", "Send the body as application/json (UTF-8).")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthRequired
    # Before the first byte of it is read.
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return decode_body(request._request.body, struct)  # noqa: SLF001 - REST framework's own way


def caller_of(request: Request) -> Caller:
    """Who sent ``request``; it is authenticated."""
    caller: Caller = request.user  # type: ignore[assignment]
    return caller
