"""``Idempotency-Key``: the standard's name for what a body may also give as its ``event_id``.

The event id of a request with a key is made from the caller, the key and the request itself, so
that the same one sent again is a retry that the merge recognises, whatever else is away. Django's
cache remembers for a day what the key was used for, and the answer: the same request gets it
again, another one is refused. That is a service beside the counting, which does not rely on it:
without that memory another request with the key counts, rather than being taken for a retry and
lost.

Follows draft-ietf-httpapi-idempotency-key-header-06.
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from django.core.cache import cache
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from issuetracker.api.base import ApiView, caller_of
from issuetracker.exceptions import FieldError, InvalidInput
from issuetracker.messages import PENDING_PREFIX
from issuetracker.providers.redis import get_recents

HEADER = "Idempotency-Key"
# Django would read all headers to find this one by its name.
_META = "HTTP_IDEMPOTENCY_KEY"
#: Longest key with its quotes, in characters.
LONGEST_KEY = 255
#: Seconds for which an answer is remembered.
REMEMBERED_SECONDS = 86_400
#: Longest answer that is remembered, in bytes; those to hundreds of reports take ten times as much.
LONGEST_ANSWER = 16_384
#: Seconds after which a request that was never answered counts no more as under way.
UNDER_WAY_SECONDS = 5

#: A structured field's string, or a word without quotes, as most clients send it.
KEY_PATTERN = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+"|[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+'
_KEY = re.compile(KEY_PATTERN)
_KEYS = uuid.uuid5(uuid.NAMESPACE_DNS, "keys.alphafusion")
_WRONG = f"{HEADER}: 1 to {LONGEST_KEY} printable ASCII characters, in double quotes"

View = TypeVar("View", bound=ApiView)
Captured = ParamSpec("Captured")
Method = Callable[Concatenate[View, Request, Captured], HttpResponse]


class KeyReused(APIException):
    """The key belongs to another request."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = (
        f"This {HEADER} was used for another request in the past 24 hours; each has its own."
    )


class StillUnderWay(APIException):
    """The first request with the key has no answer yet."""

    status_code = HTTPStatus.CONFLICT
    default_detail = f"The request with this {HEADER} is still under way; ask again in a second."
    wait = 0


class _Remembered(msgspec.Struct, frozen=True, array_like=True):
    """What a key was used for: the request's fingerprint and, once there is one, its answer."""

    fingerprint: bytes
    status: int | None = None
    content: bytes = b""
    location: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Remembered).decode


def idempotent(method: Method[View, Captured]) -> Method[View, Captured]:
    """Have an endpoint's method heed the request's key, if it has one.

    The method takes its event id from ``view.event_id()``. What it raises is not remembered, nor
    what it answers after it set ``view.is_repeatable``.
    """

    @wraps(method)
    def wrapper(
        view: View, request: Request, /, *args: Captured.args, **kwargs: Captured.kwargs
    ) -> HttpResponse:
        key = _key_of(request)
        if key is None:
            return method(view, request, *args, **kwargs)
        name = uuid.uuid5(_KEYS, f"{caller_of(request).get_username()}\n{key}")
        address = f"{request.method} {request.path.lower().replace(f'/{PENDING_PREFIX}', '/')}"
        fingerprint = hashlib.sha256(f"{address}\n".encode() + view.raw_body(request)).digest()
        view.key_event_id = str(uuid.uuid5(name, fingerprint.hex()))
        memory = _Memory(f"idempotency:{name}", fingerprint)
        return memory.known_answer() or memory.keep(
            lambda: method(view, request, *args, **kwargs), lambda: not view.is_repeatable
        )

    return wrapper


class _Memory:
    """What the cache knows of one key."""

    def __init__(self, name: str, fingerprint: bytes) -> None:
        self._name, self._fingerprint = name, fingerprint
        self._is_ours = False

    def known_answer(self) -> HttpResponse | None:
        """The answer to the same request, or None: then it is this one that is under way.

        Raises:
            KeyReused: the key belongs to another request.
            StillUnderWay: the same request has no answer yet.
        """
        if get_recents().is_away:
            return None  # asking would take from the time that the store may need
        begun = _encode(_Remembered(self._fingerprint))
        # False: there is one; None: the cache does not answer.
        added = cache.add(self._name, begun, UNDER_WAY_SECONDS)
        self._is_ours = bool(added)
        found: Any = cache.get(self._name) if added is False else None
        if found is None:
            return None
        known = _decode(found)
        if known.fingerprint != self._fingerprint:
            raise KeyReused
        if known.status is None:
            raise StillUnderWay
        return _answer(known)

    def keep(self, work: Callable[[], HttpResponse], may_keep: Callable[[], bool]) -> HttpResponse:
        """What ``work`` answers; kept for the next time if ``may_keep`` says so after it."""
        try:
            response = work()
        except BaseException:
            self._forget()
            raise
        if not may_keep() or len(response.content) > LONGEST_ANSWER:
            self._forget()
        elif self._is_ours:
            known = _Remembered(
                self._fingerprint,
                response.status_code,
                response.content,
                response.headers.get("Location"),
            )
            cache.set(self._name, _encode(known), REMEMBERED_SECONDS)
        return response

    def _forget(self) -> None:
        if self._is_ours:
            cache.delete(self._name)


def _key_of(request: Request) -> str | None:
    given = request.META.get(_META)
    if given is None:
        return None
    given = given.strip(" \t")
    if not _KEY.fullmatch(given) or len(given) > LONGEST_KEY:
        raise InvalidInput([FieldError("", _WRONG)])
    return re.sub(r"\\(.)", r"\1", given[1:-1]) if given.startswith('"') else given


def _answer(known: _Remembered) -> HttpResponse:
    headers = {"Location": known.location} if known.location else {}
    return HttpResponse(
        known.content, status=known.status, content_type="application/json", headers=headers
    )
