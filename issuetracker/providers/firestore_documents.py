"""Issues and what lies under them as Firestore documents, and back."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from google.cloud.firestore_v1.types import document as documents

from issuetracker.issues import (
    DOCUMENT_TYPES,
    AnyDocument,
    Collection,
    Comment,
    HistoryEntry,
    Issue,
    Occurrence,
    is_hidden_by_merging,
)
from issuetracker.messages import RaisedException
from issuetracker.setting import microseconds_of
from issuetracker.words import context_pairs, searched_words

Value = documents.Value.pb()

#: Lengths of the beginnings of words that are indexed; a longer search is narrowed while reading.
PREFIXES = (3, 5, 8)
_TEXT = ("id", "title", "description", "type", "priority", "status", "component", "reporter")
_NUMBERS = ("count", "comment_count")
_TIMES = ("first_seen", "last_seen", "updated_at")
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.decode
_decode_exception = msgspec.json.Decoder(list[RaisedException]).decode


def terms_of(issue: Issue) -> list[str]:
    """What ``issue`` is found by: tags, context, and the beginnings of its words."""
    terms = {f"tag:{tag}" for tag in issue.tags}
    terms |= {f"context:{pair}" for pair in context_pairs(issue.context)}
    for word in searched_words(issue.title, issue.exception):
        terms.update(_beginnings(word))
    return sorted(terms)


# Words, unlike what is said with them, are few.
@lru_cache(4096)
def _beginnings(word: str) -> tuple[str, ...]:
    return tuple(f"word:{word[:length]}" for length in PREFIXES if len(word) >= length)


def term_for(word: str) -> str | None:
    """The indexed term that narrows a search for ``word`` most; None when it is too short."""
    lengths = [length for length in PREFIXES if len(word) >= length]
    return f"word:{word[: lengths[-1]]}" if lengths else None


def write_issue(document: Any, name: str, issue: Issue) -> None:  # noqa: ANN401 - protobuf
    """Have the empty ``document`` keep ``issue`` under the full ``name``."""
    document.name = name
    fields = document.fields
    for field in _TEXT:
        fields[field].string_value = getattr(issue, field)
    for field in _NUMBERS:
        fields[field].integer_value = getattr(issue, field)
    for field in _TIMES:
        _set_time(fields[field], getattr(issue, field))
    # Empty instead of null: an equality filter finds what nobody works on.
    fields["assignee"].string_value = issue.assignee or ""
    _set_optional(fields["fingerprint"], issue.fingerprint)
    fields["regressed"].boolean_value = issue.regressed
    fields["listed"].boolean_value = _is_listed(issue)
    fields["muted"].boolean_value = _is_muted_so_far(issue)
    fields["merged_into"].string_value = issue.merged_into or ""
    _set_texts(fields["merged"], issue.merged)
    if issue.muted_until is not None:
        _set_time(fields["muted_until"], issue.muted_until)
    if issue.muted_events is not None:
        fields["muted_events"].integer_value = issue.muted_events
    fields["exception"].string_value = _encode(issue.exception).decode()
    fields["context"].string_value = _encode(issue.context).decode()
    fields["ledger"].bytes_value = issue.ledger
    _set_texts(fields["tags"], issue.tags)
    _set_texts(fields["terms"], terms_of(issue))


def _is_listed(issue: Issue) -> bool:
    """Whether lists show it by default, as far as the clock has no say.

    A mute until a time ends without a write, so such an issue is passed over while reading.
    """
    hidden = issue.status == "deleted" or is_hidden_by_merging(issue)
    return not hidden and issue.muted_events is None


def _is_muted_so_far(issue: Issue) -> bool:
    """Whether it was muted when it changed last: all that are muted now, and maybe more."""
    return issue.muted_events is not None or issue.muted_until is not None


def issue_of(document: Any) -> Issue:  # noqa: ANN401 - a protobuf message
    """The issue that ``document`` keeps; one that is older than some fields has none of them."""
    fields = document.fields
    values: dict[str, Any] = {field: fields[field].string_value for field in _TEXT}
    values |= {field: fields[field].integer_value for field in _NUMBERS}
    values |= {field: time_of(fields[field].timestamp_value) for field in _TIMES}
    return Issue(
        **values,
        assignee=fields["assignee"].string_value or None,
        fingerprint=_optional(fields["fingerprint"]),
        regressed=fields["regressed"].boolean_value,
        exception=_decode_exception(fields["exception"].string_value or "[]"),
        context=_decode(fields["context"].string_value or "{}"),
        ledger=fields["ledger"].bytes_value,
        tags=_texts(fields["tags"]),
        merged_into=fields["merged_into"].string_value or None,
        merged=_texts(fields["merged"]),
        muted_until=time_of(fields["muted_until"].timestamp_value)
        if fields["muted_until"].HasField("timestamp_value")
        else None,
        muted_events=fields["muted_events"].integer_value or None,
    )


def write_under(document: Any, name: str, item: AnyDocument) -> None:  # noqa: ANN401 - protobuf
    """Have the empty ``document`` keep ``item``, something under an issue, under ``name``."""
    document.name = name
    fields = document.fields
    fields["id"].string_value = item.id
    fields["issue_id"].string_value = item.issue_id
    _set_time(fields["time"], item.time)
    match item:
        case Comment():
            fields["author"].string_value = item.author
            fields["body"].string_value = item.body
        case HistoryEntry():
            fields["actor"].string_value = item.actor
            fields["changes"].string_value = _encode(item.changes).decode()
        case Occurrence():
            fields["reporter"].string_value = item.reporter
            fields["description"].string_value = item.description
            fields["exception"].string_value = _encode(item.exception).decode()
            fields["context"].string_value = _encode(item.context).decode()
            _set_texts(fields["tags"], item.tags)


def under_of(collection: Collection, document: Any) -> AnyDocument:  # noqa: ANN401 - protobuf
    """What ``document`` of ``collection`` keeps."""
    fields = document.fields
    kind = DOCUMENT_TYPES[collection]
    values: dict[str, Any] = {}
    for field in kind.__struct_fields__:
        value = fields[field]
        if field == "time":
            values[field] = time_of(value.timestamp_value)
        elif field == "tags":
            values[field] = _texts(value)
        elif field == "exception":
            values[field] = _decode_exception(value.string_value or "[]")
        elif field in ("changes", "context"):
            values[field] = _decode(value.string_value or "{}")
        else:
            values[field] = value.string_value
    item: AnyDocument = kind(**values)
    return item


def time_of(timestamp: Any) -> datetime:  # noqa: ANN401 - a protobuf message
    """A protobuf timestamp as a time in UTC."""
    time: datetime = timestamp.ToDatetime(UTC)
    return time


def _set_time(value: Any, time: datetime) -> None:  # noqa: ANN401 - a protobuf message
    # What FromDatetime does, at half its cost.
    seconds, microseconds = divmod(microseconds_of(time), 1_000_000)
    value.timestamp_value.seconds = seconds
    value.timestamp_value.nanos = microseconds * 1_000


def _set_optional(value: Any, text: str | None) -> None:  # noqa: ANN401 - a protobuf message
    if text is None:
        value.null_value = 0
    else:
        value.string_value = text


def _optional(value: Any) -> str | None:  # noqa: ANN401 - a protobuf message
    return value.string_value if value.HasField("string_value") else None


def _set_texts(value: Any, texts: list[str]) -> None:  # noqa: ANN401 - a protobuf message
    array = value.array_value
    # Naming the kind keeps an empty array an array.
    array.SetInParent()
    if texts:
        add = array.values.add
        for text in texts:
            add().string_value = text


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - a protobuf message
    return [each.string_value for each in value.array_value.values]
