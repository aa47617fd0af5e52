"""Entity tags: what tells one state of an issue from another, and requests that depend on it.

A tag has two parts, ``"people.all"``. The first covers what people set, comments among it, the
second everything that is shown. ``If-Match`` goes by the first alone: a storm that counts an issue
up every second keeps nobody from resolving it. ``If-None-Match`` goes by both.
"""

import hashlib
import re
from http import HTTPStatus

import msgspec
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from issuetracker.api.answers import IssueDetail
from issuetracker.issues import Issue
from issuetracker.messages import bare_id
from issuetracker.reading import known_issues
from issuetracker.working import was_accepted

_TAG = re.compile(r'"([\x21\x23-\x7e\x80-\xff]*)"')
_encode = msgspec.json.Encoder(order="deterministic").encode


class PreconditionFailed(APIException):
    """The issue is not as ``If-Match`` says any more."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "Somebody changed the issue meanwhile: read it again, then decide."


def tag_of(issue: Issue, shown: IssueDetail) -> str:
    """The entity tag of ``issue`` as it is ``shown``."""
    return f'"{_people(issue)}.{_digest(shown)}"'


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether the sender of ``request`` has this very state already (``If-None-Match``)."""
    wanted = request.headers.get("If-None-Match", "")
    return wanted.strip() == "*" or tag.strip('"') in _TAG.findall(wanted)


def require_match(request: Request, issue_id: str, event_id: str, seconds: float) -> None:
    """Return if the issue is as ``If-Match`` says, or nothing is said.

    Args:
        request: with or without the header.
        issue_id: the issue, with or without ``temp-``.
        event_id: of the change; what a retry did itself is not in its way.
        seconds: that the store has for its answer.

    Raises:
        PreconditionFailed: it is not.
        UnknownIssue: there is none.
        StoreUnavailable: nobody knows.
    """
    wanted = request.headers.get("If-Match", "*")
    if wanted.strip() == "*":
        return
    read = known_issues([bare_id(issue_id)], seconds=seconds).require(bare_id(issue_id))
    known = {tag.partition(".")[0] for tag in _TAG.findall(wanted)}
    if _people(read.issue) not in known and not was_accepted(read, event_id):
        raise PreconditionFailed


def _people(issue: Issue) -> str:
    return _digest(
        (
            issue.status,
            issue.regressed,
            issue.priority,
            issue.assignee,
            issue.tags,
            issue.muted_until,
            issue.muted_events is not None,
            issue.merged_into,
            issue.merged,
            issue.comment_count,
        )
    )


def _digest(value: object) -> str:
    return hashlib.blake2b(_encode(value), digest_size=8).hexdigest()
