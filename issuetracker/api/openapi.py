"""The OpenAPI document: made from the structs that requests and answers are made of."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from issuetracker.api.headers import IDEMPOTENCY_KEY, IF_NONE_MATCH, of_every_answer
from issuetracker.api.problems import Problem

Method = TypeVar("Method", bound=Callable[..., Any])

_REFERENCE = "#/components/schemas/{name}"
_PROBLEM = "application/problem+json"
_MEANINGS = {
    400: "Something is wrong with the request; `errors` names every wrong field.",
    401: "No token or session, or one that is not good.",
    403: "The token or the session's user may not do this: `detail` names the permission that is "
    "missing. Or the session's CSRF token is missing.",
    404: "There is no such issue.",
    409: "The issue is not such that this can be done: `detail` says what can. Or the request with "
    "this `Idempotency-Key` is still under way.",
    411: "The body came without a `Content-Length`.",
    412: "Somebody changed the issue since `If-Match` was read.",
    413: "The body is too large.",
    415: "The body is not sent as `application/json`.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "The caller makes too many requests: the next one after `Retry-After` seconds.",
    500: "A mistake in the server; it is in its log.",
    503: "Nothing durable answers; send it again after `Retry-After` seconds.",
}
_READING = (400, 401, 403, 429, 500, 503)
_WRITING = (*_READING, 409, 411, 413, 415, 422)
_WRONG_FIELD = {"pointer": "/tags/0", "detail": "Expected `str`, got `int`"}


class StructSerializer(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Lets drf-spectacular take a struct where it takes a serializer."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:  # noqa: ARG002 - a hook
        """The struct's own name."""
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> Any:  # noqa: ANN401, ARG002
        """The struct's schema; the structs in it become components beside it."""
        _, components = msgspec.json.schema_components([self.target], ref_template=_REFERENCE)
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema, object=name
            )
            auto_schema.registry.register_on_missing(component)
        return own


class Authentication(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The two ways to say who calls."""

    target_class = "issuetracker.access.authentication.ApiAuthentication"
    name = ["serviceToken", "session"]  # noqa: RUF012 - as the base class has it

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:  # noqa: ARG002
        """One of the two is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:  # noqa: ARG002
        """A service's token, or the session of a member of staff."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "aft_…",
                "description": "A service's token, from an administrator. It has some of the "
                "permissions `report` (POST issues, issues/bulk), `read` (every GET), `write` "
                "(PATCH issues, POST comments) and `delete` (set the status to deleted).",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "sessionid",
                "description": "The admin site's session; changes also need `X-CSRFToken`.",
            },
        ]


def operation(
    name: str,
    summary: str,
    answers: Mapping[int, tuple[type[msgspec.Struct], Any]],
    *,
    files: Mapping[str, str] | None = None,
    body: tuple[type[msgspec.Struct], Any] | None = None,
    query: type[msgspec.Struct] | None = None,
    of_issue: bool = False,
    problems: Sequence[int] = (),
    headers: Sequence[OpenApiParameter] = (),
    description: str | None = None,
) -> Callable[[Method], Method]:
    """A decorator that describes an endpoint's method.

    Args:
        name: the operation's id, for generated clients.
        summary: what it does, in a few words.
        answers: the struct of each successful status, with an example.
        files: media types in which it answers 200 with a file, each with an example.
        body: the struct of the request's body, with an example.
        query: the struct of the query string.
        of_issue: whether the address names an issue.
        problems: statuses of errors beside those that every such endpoint has.
        headers: of the request and of the answers.
        description: more about it, as Markdown.
    """
    statuses = (*problems, *(_WRITING if body else _READING), *((404,) if of_issue else ()))
    unchanged = {304: OpenApiResponse(description="It is as `If-None-Match` says.")}
    decorator: Callable[[Method], Method] = extend_schema(
        operation_id=name,
        summary=summary,
        description=description,
        request={"application/json": body[0]} if body else None,
        parameters=[
            *(_parameters(query) if query else []),
            *([_ISSUE_ID] if of_issue else []),
            *headers,
            *([IDEMPOTENCY_KEY] if body else []),
            *of_every_answer(statuses),
        ],
        responses={
            **{(status, "application/json"): struct for status, (struct, _) in answers.items()},
            **{(200, media_type): str for media_type in files or {}},
            **(unchanged if IF_NONE_MATCH in headers else {}),
            **{(status, _PROBLEM): _described(status) for status in sorted(statuses)},
        },
        examples=[
            *([OpenApiExample("Request", value=body[1], request_only=True)] if body else []),
            *(_example(status, example) for status, (_, example) in answers.items()),
            *(_example(200, example, kind) for kind, example in (files or {}).items()),
        ],
    )
    return decorator


@cache
def document() -> bytes:
    """The whole document as JSON; the same for everybody, so made once."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for address in made["paths"].values():
        for described in address.values():
            # drf-spectacular takes a body without required fields for one that may be left out.
            if "requestBody" in described:
                described["requestBody"]["required"] = True
    return msgspec.json.encode(made)


_ISSUE_ID = OpenApiParameter(
    "issue_id",
    {"type": "string", "pattern": "^(temp-)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    OpenApiParameter.PATH,
    description="The issue's id, with or without `temp-`.",
)


def _example(status: int, value: object, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(
        f"{status}" if media_type == "application/json" else media_type.rpartition("/")[2],
        value=value,
        response_only=True,
        status_codes=[str(status)],
        media_type=media_type,
    )


def _described(status: int) -> Any:  # noqa: ANN401 - drf-spectacular's own is untyped
    shown: dict[str, Any] = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _MEANINGS[status],
    }
    if status == HTTPStatus.BAD_REQUEST:
        shown |= {"detail": "One thing is wrong with the request.", "errors": [_WRONG_FIELD]}
    example = OpenApiExample(f"{status}", value=shown)
    return OpenApiResponse(Problem, description=_MEANINGS[status], examples=[example])


def _parameters(query: type[msgspec.Struct]) -> list[OpenApiParameter]:
    schema = msgspec.json.schema_components([query])[1][query.__name__]
    return [
        OpenApiParameter(
            name,
            _without_null(described),
            OpenApiParameter.QUERY,
            description=described.get("description", ""),
        )
        for name, described in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has no null: what may be null may be left out."""
    shown = {
        name: value for name, value in schema.items() if name not in ("default", "description")
    }
    if "anyOf" in shown:
        (kind,) = (option for option in shown.pop("anyOf") if option != {"type": "null"})
        shown |= kind
    default = schema.get("default")
    return shown if default in (None, "", []) else {**shown, "default": default}
