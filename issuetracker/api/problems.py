"""Errors as documents: ``application/problem+json`` (RFC 9457), for everything below /api/."""

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from msgspec import Meta
from rest_framework import exceptions

from issuetracker.access.tokens import TokensUnavailable
from issuetracker.bounded import NoAnswer
from issuetracker.exceptions import (
    Conflict,
    FieldError,
    InvalidInput,
    StoreUnavailable,
    TooManyAtOnce,
    UnknownIssue,
)
from issuetracker.messages import MAX_BODY_BYTES

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
#: Seconds after which a request that found nothing durable may come again.
RETRY_AFTER = 5
#: Wrong fields named in one answer.
ERRORS_NAMED = 100

_COME_LATER = (StoreUnavailable, TooManyAtOnce, TokensUnavailable, NoAnswer, DatabaseError)
#: What is told to whoever met a part that does not answer.
COME_AGAIN = "What this needs does not answer at the moment; please send it again later."
_UNEXPECTED = "Something unexpected went wrong here; it is in the server's log."

_encode = msgspec.json.Encoder().encode


class WrongField(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request."""

    pointer: Annotated[
        str,
        Meta(
            description="JSON pointer into the body, or `/` and the name of a query parameter; "
            "empty for the request as a whole.",
            examples=["/tags/0"],
        ),
    ]
    detail: Annotated[str, Meta(examples=["Expected `str`, got `int`"])]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    title: Annotated[str, Meta(description="The status in words.", examples=["Bad Request"])]
    status: Annotated[int, Meta(ge=400, le=599, examples=[400])]
    detail: Annotated[str, Meta(description="What is wrong with this request.")] = ""
    errors: Annotated[list[WrongField], Meta(description="Every wrong field.")] = []


def problem(
    status: int,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """An answer that says what went wrong.

    Args:
        status: the HTTP status.
        detail: a sentence for the person who sent the request.
        errors: every wrong field.
        headers: further headers.
    """
    document = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[WrongField(*error) for error in errors[:ERRORS_NAMED]],
    )
    return HttpResponse(
        _encode(document), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {})
    )


class LengthRequired(exceptions.APIException):
    """The body came without its length."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_detail = "Send the body with a Content-Length."


class BodyTooLarge(exceptions.APIException):
    """The body is longer than any valid one."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit: int = MAX_BODY_BYTES) -> None:
        super().__init__(f"A body here has at most {limit} bytes.")


def answer_exception(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """The answer to what a view raised; REST framework's ``EXCEPTION_HANDLER``."""
    if isinstance(error, InvalidInput):
        count = f"{len(error.errors)} things are" if len(error.errors) != 1 else "One thing is"
        return problem(400, f"{count} wrong with the request.", error.errors)
    if isinstance(error, exceptions.APIException):
        return _answer_framework(error)
    if isinstance(error, UnknownIssue):
        return problem(404, str(error))
    if isinstance(error, Conflict):
        return problem(409, str(error))
    if isinstance(error, _COME_LATER):
        return _answer_unavailable(error)
    return _answer_django(error, context.get("request"))


def _answer_unavailable(error: Exception) -> HttpResponse:
    logger.error("Answering 503: %s", error)
    said = str(error) if isinstance(error, TooManyAtOnce) else COME_AGAIN
    return problem(503, said, headers={"Retry-After": str(RETRY_AFTER)})


def _answer_django(error: Exception, request: HttpRequest | None) -> HttpResponse:
    if isinstance(error, Http404):
        return problem(404, str(error) or "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return problem(403, "You may not do this.")
    if isinstance(error, RequestDataTooBig):
        return problem(413, str(BodyTooLarge().detail))
    if isinstance(error, SuspiciousOperation):
        return problem(400, "The request is malformed.")
    logger.error("Unexpected error at %s", getattr(request, "path", ""), exc_info=error)
    return problem(500, _UNEXPECTED)


def _answer_framework(error: exceptions.APIException) -> HttpResponse:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return problem(error.status_code, str(error.detail), headers=headers)


@csrf_exempt
def nothing_here(_request: HttpRequest) -> HttpResponse:
    """The view of every address below /api/ that is nobody else's."""
    return problem(404, "There is nothing at this address.")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``."""
    if _is_api(request):
        return problem(400, "The request is malformed.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler403``."""
    if _is_api(request):
        return problem(403, "You may not do this.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``."""
    if _is_api(request):
        return problem(404, "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``."""
    if _is_api(request):
        return problem(500, _UNEXPECTED)
    return defaults.server_error(request)
