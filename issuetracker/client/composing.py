"""A report's body, made of whatever the caller had."""

import logging
from typing import TypedDict, Unpack

import msgspec
from msgspec.structs import replace

from issuetracker.client import cleaning
from issuetracker.client.traces import ExceptionReport, report_of
from issuetracker.messages import MAX_BODY_BYTES, NewIssue, RaisedException

logger = logging.getLogger(__name__)

_MAX_DESCRIPTION = 20_000


class IssueArguments(TypedDict):
    """What ``log_issue`` was called with; the types are hopes."""

    title: object
    description: object
    type: object
    priority: object
    tags: object
    component: object
    exception: object
    fingerprint: object
    event_id: object
    context: object
    with_variables: bool


def compose_issue(**given: Unpack[IssueArguments]) -> NewIssue:
    """A report within the API's limits; it has an event id."""
    report = _exception_report(given["exception"], given["with_variables"])
    whole_title = given["title"] if not _is_empty(given["title"]) or not report else report.title
    title = cleaning.title(whole_title)
    fingerprint = given["fingerprint"]
    context = cleaning.context(given["context"])
    if report is not None:
        context = cleaning.context({**report.context, **context})
        fingerprint = report.fingerprint if fingerprint is None else fingerprint
    return NewIssue(
        title=title,
        description=_description(whole_title, title, given["description"]),
        type=cleaning.issue_type(given["type"]),
        priority=cleaning.priority(given["priority"]),
        component=cleaning.component(given["component"]),
        tags=cleaning.tags(given["tags"]),
        fingerprint=cleaning.fingerprint(fingerprint),
        event_id=cleaning.event_id(given["event_id"]),
        exception=report.exception if report else [],
        context=context,
    )


def issue_body(issue: NewIssue) -> bytes:
    """``issue`` as JSON that the API does not find too long: without the least needed parts."""
    body = msgspec.json.encode(issue)
    for lighter in (_without_variables, _without_surroundings, _without_frames):
        if len(body) <= MAX_BODY_BYTES:
            break
        issue = replace(issue, exception=[lighter(link) for link in issue.exception])
        body = msgspec.json.encode(issue)
    return body


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _description(whole_title: object, title: str, description: object) -> str:
    """The description; behind the whole title when that had to be cut."""
    text = cleaning.text(description, _MAX_DESCRIPTION)
    if whole_title is title:
        return text
    whole = cleaning.text(whole_title, _MAX_DESCRIPTION)
    if len(cleaning.one_line(whole, _MAX_DESCRIPTION)) <= len(title):
        return text
    return cleaning.text(f"{whole}\n\n{text}".rstrip(), _MAX_DESCRIPTION)


def _exception_report(exception: object, with_variables: bool) -> ExceptionReport | None:
    if not isinstance(exception, BaseException):
        return None
    try:
        return report_of(exception, with_variables=with_variables)
    except Exception:  # a foreign exception may do anything; its type is told at least
        logger.debug("An exception could not be described", exc_info=True)
        name = cleaning.one_line(type(exception).__name__, 200)
        return ExceptionReport(name, f"exception:{name}"[:200], [RaisedException(type=name)], {})


def _without_variables(link: RaisedException) -> RaisedException:
    return replace(link, frames=[replace(frame, variables={}) for frame in link.frames])


def _without_surroundings(link: RaisedException) -> RaisedException:
    return replace(link, frames=[replace(frame, before=[], after=[]) for frame in link.frames])


def _without_frames(link: RaisedException) -> RaisedException:
    return replace(link, frames=[])
