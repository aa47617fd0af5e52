"""From the API's errors to sentences that say what to do."""

from email.message import Message
from http import HTTPStatus

import msgspec

from issuetracker.cli.documents import Problem, WrongField
from issuetracker.cli.failures import CommandFailed, Refused, Unreachable

#: What a person typed, by the name that the API has for it.
_TYPED = {
    "title": "TITLE",
    "body": "TEXT",
    "ids": "ID",
    "tags": "--tag",
    "q": "the words to search for",
    **{name: f"--{name}" for name in ("description", "component", "priority", "type")},
    "fingerprint": "--fingerprint",
}
#: What a pattern of the API means.
_ALLOWED = {
    "title": "one line without control characters is",
    "component": "letters, digits and . _ - are, with a letter or digit first",
    "tags": "letters, digits and . _ : / = @ - are, with a letter or digit first",
}
_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


def failure_of(url: str, status: int, headers: Message, content: bytes) -> CommandFailed:
    """What an answer that is an error means.

    Args:
        url: the tracker's address.
        status: of the answer.
        headers: of the answer.
        content: its body, a problem document if it is the tracker's.
    """
    if status < HTTPStatus.BAD_REQUEST:
        to = headers.get("Location", "another address")
        return Unreachable(f"{url} sends to {to}: set ISSUETRACKER_URL to where the tracker is.")
    problem = _problem(headers, content)
    if problem is None:
        return Unreachable(
            f"What answers at {url} (with status {status}) is no issue tracker.\n"
            "Set ISSUETRACKER_URL to the tracker's address, or give --url."
        )
    if status in _LATER:
        wait = headers.get("Retry-After", "")
        when = f" in {wait} s" if wait.isdecimal() else " later"
        return Unreachable(f"{_said(problem)}\nTry again{when}.")
    return Refused("\n".join([*_sentences(problem), *_way_out(status)]))


def _problem(headers: Message, content: bytes) -> Problem | None:
    if headers.get_content_type() != "application/problem+json":
        return None
    try:
        return msgspec.json.decode(content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _said(problem: Problem) -> str:
    return problem.detail or f"{problem.title}."


def _sentences(problem: Problem) -> list[str]:
    if not problem.errors:
        return [_said(problem)]
    return [_wrong(error) for error in problem.errors]


def _wrong(error: WrongField) -> str:
    name, _, place = error.pointer.removeprefix("/").partition("/")
    if not name:
        return f"{error.detail}."
    which = f" (number {int(place) + 1})" if place.isdecimal() else ""
    detail = error.detail
    if name in _ALLOWED and detail.startswith("Has characters that are not allowed"):
        detail = f"Has characters that are not allowed; {_ALLOWED[name]}"
    return f"{_TYPED.get(name, name)}{which}: {detail}."


def _way_out(status: int) -> list[str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return [
            "Set ISSUETRACKER_TOKEN to a good service token.",
            "An administrator makes them in the admin site, under Access.",
        ]
    if status == HTTPStatus.FORBIDDEN:
        return ["An administrator can make a token with that permission."]
    if status == HTTPStatus.NOT_FOUND:
        return ["`issuetracker list` shows which issues there are."]
    if status == HTTPStatus.BAD_REQUEST:
        return ["Nothing was changed. `issuetracker COMMAND --help` says what can be given."]
    return []
