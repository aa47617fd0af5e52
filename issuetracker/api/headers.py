"""The headers of requests and answers, as the OpenAPI document shows them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from drf_spectacular.utils import OpenApiParameter

from issuetracker.api.idempotency import KEY_PATTERN, LONGEST_KEY

Schema: TypeAlias = type[str] | dict[str, Any]

_KEY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_KEY,
    "pattern": f"^({KEY_PATTERN})$",
}
_SECONDS: Schema = {"type": "integer", "minimum": 1}
#: Answers that name when to come again.
_COME_AGAIN = (429, 503)


def _header(
    name: str, description: str, schema: Schema = str, response: Sequence[int] | bool = False
) -> OpenApiParameter:
    """A header of the request or, with ``response``, of the answers with these statuses."""
    answers = response if isinstance(response, bool) else list(response)
    return OpenApiParameter(
        name, schema, OpenApiParameter.HEADER, description=description, response=answers
    )


IF_MATCH = _header(
    "If-Match",
    "An `ETag` of the issue: refuse, with 412, if somebody changed it since. Further reports are "
    "no such change.",
)
IF_NONE_MATCH = _header(
    "If-None-Match", "The `ETag` of what you have: 304 without a body if nothing is new."
)
IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "Any text of printable ASCII characters that is new for each request, in double quotes; a "
    "single word may go without them. The same request sent again with it by the same caller "
    "counts once and, within 24 hours, has the same answer.",
    _KEY,
)
ETAG = _header("ETag", "Changes with whatever is shown.", response=(200, 304))
LOCATION = _header("Location", "Where to find it.", response=(201, 202))
CONTENT_DISPOSITION = _header(
    "Content-Disposition", "`attachment`, with the file's name.", response=(200,)
)
_CHALLENGE = _header("WWW-Authenticate", "That a token is asked for.", response=(401,))
_RETRY_AFTER = _header("Retry-After", "Seconds.", _SECONDS, response=_COME_AGAIN)
_STILL_UNDER_WAY = _header(
    "Retry-After",
    "Seconds; where the request with this key is still under way.",
    _SECONDS,
    response=(409,),
)
_POLICY = _header(
    "RateLimit-Policy",
    "Where requests are limited: how many (`q`) a caller may make in so many seconds (`w`).",
    response=True,
)
_QUOTA = _header(
    "RateLimit",
    "Where requests are limited: how many (`r`) the caller has left, and in how many seconds (`t`) "
    "it has all of them again.",
    response=True,
)


def of_every_answer(statuses: Sequence[int]) -> list[OpenApiParameter]:
    """The headers of answers that come with these statuses of errors."""
    under_way = [_STILL_UNDER_WAY] if 409 in statuses else []  # noqa: PLR2004 - an HTTP status
    return [_CHALLENGE, _RETRY_AFTER, *under_way, _POLICY, _QUOTA]
