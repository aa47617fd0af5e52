"""What travels: request bodies, and the messages on the topic. Each is defined here once.

Validation, the OpenAPI schema and serialisation all come from these structs. This module imports
neither Django nor Kafka: the client uses it too.

A message is one *change* of one issue. Changes need no order: each carries the API's time and an
event id, and :mod:`issuetracker.merging` gives the same issue in any order and any number of
deliveries.
"""

import hashlib
import random
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from issuetracker.nul import PATTERN

TOPIC = "alphafusion.issues"
GROUP = "issuetracker-consumer"

#: Longest request body of one issue, in bytes; what a message can hold with room to spare.
MAX_BODY_BYTES = 512 * 1024
MAX_CONTEXT_BYTES = 32 * 1024
#: Issues in one request, and its longest body, in bytes.
MAX_BULK = 500
MAX_BULK_BYTES = 4 * 1024 * 1024
#: Further events until a mute ends, at most: an issue remembers when so many reports came.
MUTE_EVENTS_MOST = 250

PENDING_PREFIX = "temp-"

IssueType: TypeAlias = Literal[
    "bug", "exception", "incident", "performance", "security", "improvement", "task"
]
Priority: TypeAlias = Literal["low", "medium", "high", "critical"]
Status: TypeAlias = Literal["open", "in_progress", "resolved", "ignored", "deleted"]

# In Python "$" alone would let a last line feed through; in ECMAScript, OpenAPI's dialect, this
# says the same as "$".
_END = r"$(?!\n)"
# Said in the schema and checked by `find_nul`: a pattern for each text of a long report would take
# longer than all the rest of reading it.
_NO_NUL = {"pattern": PATTERN}

Title = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^ *[^\x00-\x20][^\x00-\x1f]*" + _END,
        description="One line that says what broke.",
        examples=["Test Issue"],
    ),
]
Description = Annotated[
    str,
    Meta(max_length=20_000, extra_json_schema=_NO_NUL, description="What happened, in plain text."),
]
Component = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*" + _END,
        description="The service or part that reports.",
        examples=["workflow-consumer"],
    ),
]
Tag = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/=@-]*" + _END,
        examples=["test"],
    ),
]
Tags = Annotated[list[Tag], Meta(max_length=20, description="Words to find the issue by.")]
_SomeTags = Annotated[list[Tag], Meta(min_length=1, max_length=20)]
Fingerprint = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        extra_json_schema=_NO_NUL,
        description="Reports of one component with the same fingerprint are one issue. "
        "Without one, nothing is ever merged.",
    ),
]
UserName = Annotated[str, Meta(min_length=1, max_length=150, pattern=r"^[\w.@+-]+" + _END)]
CommentBody = Annotated[
    str,
    # Each part can match in one way only, or a long text would take seconds to refuse.
    Meta(min_length=1, max_length=20_000, pattern=r"^\s*[^\x00\s][^\x00]*$"),
]
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" + _END
EventId = Annotated[
    str,
    Meta(
        pattern=_UUID,
        description="A UUID (canonical, lower case) that the caller makes once per report: "
        "a request sent again with it is not counted again.",
        examples=["0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"],
    ),
]
IssueId = Annotated[str, Meta(pattern=_UUID)]
AnyIssueId = Annotated[
    str,
    Meta(
        pattern=r"^(temp-)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" + _END,
        examples=["5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10"],
    ),
]
_ShortText = Annotated[str, Meta(max_length=500, extra_json_schema=_NO_NUL)]
_Value = Annotated[str, Meta(max_length=1000, extra_json_schema=_NO_NUL)]


# Messages, and what they are made of, bear unknown fields: in a rolling upgrade the API may be
# newer than a consumer. Request bodies forbid them, so that a misspelt field is named.


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call in a traceback, outermost call first."""

    file: _ShortText
    line: Annotated[int, Meta(ge=0, le=10_000_000)]
    function: _ShortText
    code: Annotated[_ShortText, Meta(description="The source line itself.")] = ""
    before: Annotated[list[_ShortText], Meta(max_length=5)] = []
    after: Annotated[list[_ShortText], Meta(max_length=5)] = []
    variables: Annotated[dict[_ShortText, _Value], Meta(max_length=50)] = {}
    own: Annotated[bool, Meta(description="The service's own code, not a library's.")] = True


class RaisedException(msgspec.Struct, frozen=True, omit_defaults=True):
    """One exception of a chain."""

    type: Annotated[_ShortText, Meta(min_length=1, examples=["builtins.ValueError"])]
    message: Annotated[str, Meta(max_length=5000, extra_json_schema=_NO_NUL)] = ""
    frames: Annotated[list[Frame], Meta(max_length=100)] = []
    relation: Annotated[
        Literal["", "cause", "context"],
        Meta(description="What it is to the exception before it: its cause, or its context."),
    ] = ""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a service says about something that broke."""

    title: Title
    description: Description = ""
    type: IssueType = "bug"
    priority: Priority = "medium"
    component: Component = "unknown"
    tags: Tags = []
    fingerprint: Fingerprint | None = None
    event_id: EventId | None = None
    exception: Annotated[
        list[RaisedException],
        Meta(max_length=10, description="The exception that was raised, then what caused it."),
    ] = []
    context: Annotated[
        dict[str, Any],
        Meta(max_length=100, description="Anything else, as JSON; at most 32 KiB."),
    ] = {}


class NewIssue(Report, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A report as the body of ``POST /api/v1/issues``."""


class NewIssues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/v1/issues/bulk``; a wrong report in it stops no other."""

    issues: Annotated[
        list[Any],
        Meta(
            min_length=1,
            max_length=MAX_BULK,
            description="The reports. One that is wrong is refused in its result, the others not.",
            extra_json_schema={"items": {"anyOf": [{"$ref": "#/components/schemas/NewIssue"}, {}]}},
        ),
    ]


class NewComment(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The body of ``POST /api/v1/issues/{id}/comments``."""

    body: CommentBody
    event_id: EventId | None = None


class Mute(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long an issue stays out of the lists: until a time, or for some further events."""

    until: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="Until then (RFC 3339), at most a year from now."),
    ] = None
    events: Annotated[
        Annotated[int, Meta(ge=1, le=MUTE_EVENTS_MOST)] | None,
        Meta(description="Until it was reported so many more times."),
    ] = None


class NewMute(Mute, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A mute as part of a request: exactly one of the two."""


class IssueUpdate(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The body of ``PATCH /api/v1/issues/{id}``: what is named changes, the rest stays."""

    status: Status | msgspec.UnsetType = msgspec.UNSET
    priority: Priority | msgspec.UnsetType = msgspec.UNSET
    assignee: UserName | msgspec.UnsetType | None = msgspec.UNSET
    add_tags: _SomeTags | msgspec.UnsetType = msgspec.UNSET
    remove_tags: Annotated[
        _SomeTags | msgspec.UnsetType,
        Meta(description="Also those that the service gave it; what it has not is no error."),
    ] = msgspec.UNSET
    mute: Annotated[
        NewMute | msgspec.UnsetType | None,
        Meta(description="Keep it out of the lists for a while; null ends that."),
    ] = msgspec.UNSET
    merged_into: Annotated[
        AnyIssueId | msgspec.UnsetType | None,
        Meta(description="The issue that this one is the same as; null takes it out again."),
    ] = msgspec.UNSET
    event_id: EventId | None = None


class BulkUpdate(
    IssueUpdate, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The body of ``PATCH /api/v1/issues``: the same, for many issues at once."""

    ids: Annotated[
        list[AnyIssueId],
        Meta(min_length=1, max_length=MAX_BULK, description="The issues, with or without `temp-`."),
    ]


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every message carries.

    Attributes:
        issue_id: the issue it changes; the message's key.
        event_id: given before it is produced; applied once per issue.
        time: the API's time when it was accepted, UTC.
        actor: name of the (service) user who asked for it.
    """

    issue_id: IssueId
    event_id: EventId
    time: Annotated[datetime, Meta(tz=True)]
    actor: UserName


class Reported(Change, frozen=True, kw_only=True, tag="reported"):
    """Something broke: once more, or for the first time.

    Attributes:
        issue: what the service said.
        priority: what a rule said of this report when it was accepted; it outranks the service's.
        assignee: the same.
    """

    issue: Report
    priority: Priority | msgspec.UnsetType = msgspec.UNSET
    assignee: UserName | msgspec.UnsetType = msgspec.UNSET


class Commented(Change, frozen=True, kw_only=True, tag="commented"):
    """Somebody wrote a comment."""

    body: CommentBody


class Updated(Change, frozen=True, kw_only=True, omit_defaults=True, tag="updated"):
    """Somebody set something; what was set last holds, field by field, and tag by tag.

    Merging two issues is two changes: one says of an issue what it is ``merged_into``, the other
    says of that one that this was ``merged`` into it. The former decides, the latter is how a
    reader of the one finds the others.

    Attributes:
        mute: null ends a mute.
        merged_into: null takes the issue out again.
        merged: an issue that now points here.
        unmerged: an issue that points here no more.
    """

    status: Status | msgspec.UnsetType = msgspec.UNSET
    priority: Priority | msgspec.UnsetType = msgspec.UNSET
    assignee: UserName | msgspec.UnsetType | None = msgspec.UNSET
    add_tags: list[Tag] | msgspec.UnsetType = msgspec.UNSET
    remove_tags: list[Tag] | msgspec.UnsetType = msgspec.UNSET
    mute: Mute | msgspec.UnsetType | None = msgspec.UNSET
    merged_into: IssueId | msgspec.UnsetType | None = msgspec.UNSET
    merged: IssueId | msgspec.UnsetType = msgspec.UNSET
    unmerged: IssueId | msgspec.UnsetType = msgspec.UNSET


AnyChange: TypeAlias = Reported | Commented | Updated

_ISSUES = uuid.uuid5(uuid.NAMESPACE_DNS, "issues.alphafusion")
_VARIANT = 0b10 << 62
_FREE_BITS = ~(0xF << 76 | 0b11 << 62)


def new_event_id() -> str:
    """An event id for what its caller gave none: unique, but no secret.

    Not ``uuid4``: asking the system for random bytes lets another thread have the interpreter,
    and a report would wait for its turn once more.
    """
    return _uuid_text(random.getrandbits(128), version=4)


def new_issue_id(issue: Report, event_id: str) -> str:
    """The issue's final id: by component and fingerprint, else by the report's event id.

    A retried request carries the same event id and so reaches the same issue.
    """
    if issue.fingerprint is None:
        name = hashlib.sha1(_ISSUES.bytes + event_id.encode(), usedforsecurity=False).digest()
        return _uuid_text(int.from_bytes(name[:16]), version=5)
    return str(uuid.uuid5(uuid.uuid5(_ISSUES, issue.component), issue.fingerprint))


def _uuid_text(bits: int, version: int) -> str:
    """``bits`` as the UUID of this version (RFC 9562), as text.

    Written out: `uuid.UUID` and `uuid.uuid5` are a quarter of what a report costs its caller.
    """
    text = f"{bits & _FREE_BITS | version << 76 | _VARIANT:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def bare_id(issue_id: str) -> str:
    """``issue_id`` without ``temp-``, lower case: the id under which everything is kept."""
    return issue_id.lower().removeprefix(PENDING_PREFIX)
