"""Where a page ended, as text: the position of an item, so that any item can make one.

A cursor holds the values that the list is ordered by, not a number of items to skip: what is
added or moved meanwhile neither repeats nor hides others, and the store need not count.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from issuetracker.exceptions import FieldError, InvalidInput
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class _Position(msgspec.Struct, array_like=True):
    of: str
    time: Annotated[datetime, Meta(tz=True)] | None
    number: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None
    id: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Position).decode


def is_uuid(value: str) -> bool:
    """Whether ``value`` is a canonical, lower-case UUID."""
    return _UUID.fullmatch(value) is not None


def cursor_after(query: IssueQuery, issue: Issue) -> str:
    """The cursor of the page that begins after ``issue``."""
    return cursor_at(query, getattr(issue, query.field), issue.id)


def cursor_at(query: IssueQuery, value: datetime | int, issue_id: str) -> str:
    """The cursor of the page that begins after this value of the query's field and this id."""
    if isinstance(value, datetime):
        return _write(_Position(query.order, value.astimezone(UTC), None, issue_id))
    return _write(_Position(query.order, None, value, issue_id))


def read_cursor(query: IssueQuery, cursor: str) -> tuple[datetime | int, str]:
    """The value of the query's field and the id of the last item of the page before.

    Raises:
        InvalidInput: it is no cursor, or one of a list in another order.
    """
    position = _read(cursor, query.order)
    value = position.number if query.field == "count" else position.time
    if value is None:
        raise _invalid()
    return value, position.id


def document_cursor(document: AnyDocument) -> str:
    """The cursor of the page that begins after ``document``."""
    return _write(_Position(document.collection, document.time.astimezone(UTC), None, document.id))


def read_document_cursor(collection: Collection, cursor: str) -> tuple[datetime, str]:
    """The time and the event id of the last document of the page before.

    Raises:
        InvalidInput: it is no cursor of this collection.
    """
    position = _read(cursor, collection)
    if position.time is None:
        raise _invalid()
    return position.time, position.id


def _write(position: _Position) -> str:
    return base64.urlsafe_b64encode(_encode(position)).rstrip(b"=").decode()


def _read(cursor: str, of: str) -> _Position:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = _decode(raw)
        if position.time is not None:
            position.time.astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError, msgspec.DecodeError) as error:
        raise _invalid() from error
    if position.of != of or not is_uuid(position.id):
        raise _invalid()
    return position


def _invalid() -> InvalidInput:
    return InvalidInput([FieldError("/cursor", "is not a cursor of this list")])
