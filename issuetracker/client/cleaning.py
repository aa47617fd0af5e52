"""Makes what a caller hands over fit the API's limits, so that a report arrives in any case.

Nothing here raises, whatever it is given: a title may be an object whose ``__str__`` raises, a
context may hold itself.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Literal, TypeVar, get_args

from issuetracker.messages import MAX_CONTEXT_BYTES, IssueType, Priority, Status, new_event_id

MASK = "[masked]"
_NO_TITLE = "(no title)"
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authori[sz]ation|cookie|session_?id"
    r"|(api|access|private|encryption|signing)_?-?key|dsn\b",
    re.IGNORECASE,
)
_NOT_IN_A_COMPONENT = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9._:/=@-]+")
_NOT_AT_THE_START = re.compile(r"^[^A-Za-z0-9]+")
_TYPES: tuple[IssueType, ...] = get_args(IssueType)
_PRIORITIES: tuple[Priority, ...] = get_args(Priority)
_STATUSES: tuple[Status | Literal[""], ...] = (*get_args(Status), "")
_MAX_DEPTH = 6
_MAX_ITEMS = 50
_MAX_NODES = 1000
_MAX_CONTEXT_TEXT = 2000
_MAX_INTEGER = 2**63
_EVENTS = uuid.uuid5(uuid.NAMESPACE_DNS, "events.alphafusion")

_Word = TypeVar("_Word", bound=str)
_Item = TypeVar("_Item")


def text(value: object, limit: int) -> str:
    """``value`` as text of at most ``limit`` characters, without NUL and lone surrogates."""
    # What a service says is mostly plain, and its call must cost nothing. No subclass: it may
    # redefine anything.
    if type(value) is str and len(value) <= limit and value.isascii() and "\x00" not in value:
        return value
    if value is None:
        return ""
    found = _as_text(value)
    if len(found) > limit:
        found = found[: limit - 1] + "…"
    return found.encode("utf-8", "replace").decode().replace("\x00", "�")


def _as_text(value: object) -> str:
    try:
        # join makes a plain str of a subclass that may redefine anything.
        return "".join((str(value), ""))
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<{type(value).__name__} without text>"


def one_line(value: object, limit: int) -> str:
    """``value`` as one line of at most ``limit`` characters."""
    if type(value) is str and len(value) <= limit and _is_plain_line(value):
        return value
    # Cut first, generously: a text of megabytes is not searched for white space.
    return text(_CONTROL.sub(" ", text(value, limit * 20)).strip(), limit)


def _is_plain_line(value: str) -> bool:
    return value.isascii() and value.isprintable() and value.strip() == value and "  " not in value


def title(value: object) -> str:
    """A title that the API takes."""
    return one_line(value, 200) or _NO_TITLE


def _choice(value: object, words: tuple[_Word, ...], default: _Word) -> _Word:
    if type(value) is str and value in words:
        return value
    wanted = text(getattr(value, "value", value), 50).strip().lower()
    return next((word for word in words if word == wanted), default)


def issue_type(value: object) -> IssueType:
    """The type that ``value`` (text, any case, or an enum's member) names, else ``bug``."""
    return _choice(value, _TYPES, "bug")


def priority(value: object) -> Priority:
    """The priority that ``value`` names, else ``medium``."""
    return _choice(value, _PRIORITIES, "medium")


def status(value: object) -> Status | None:
    """The status that ``value`` names, else None: nobody's guess may close an issue."""
    return _choice(value, _STATUSES, "") or None


def component(value: object) -> str:
    """A component's name, other characters replaced by ``-``; ``unknown`` when none is left."""
    return _name(value, _NOT_IN_A_COMPONENT, 100) or "unknown"


def tags(value: object) -> list[str]:
    """At most 20 different tags, other characters replaced by ``-``."""
    if value is None:
        return []
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    given = _items(value, 100) if several else [value]  # type: ignore[arg-type]
    names = (_name(tag, _NOT_IN_A_TAG, 50) for tag in given)
    return list(islice(dict.fromkeys(name for name in names if name), 20))


def _name(value: object, refused: re.Pattern[str], limit: int) -> str:
    replaced = refused.sub("-", text(value, limit * 4)).strip("-")
    return _NOT_AT_THE_START.sub("", replaced)[:limit]


def _items(value: Iterable[_Item], limit: int) -> list[_Item]:
    found: list[_Item] = []
    try:
        found.extend(islice(value, limit))
    except Exception:  # noqa: BLE001 - a foreign iterator may raise anything; what came is kept
        return found
    return found


def fingerprint(value: object) -> str | None:
    """A fingerprint that the API takes; a long one is hashed, as cutting it would merge issues."""
    found = text(value, 1_000_000)
    if len(found) > 200:  # noqa: PLR2004 - the API's limit
        return hashlib.sha256(found.encode()).hexdigest()
    return found or None


def event_id(value: object) -> str:
    """The report's id: ``value`` if it is a UUID, one made from any other text, else a new one."""
    found = text(value, 10_000)
    if not found:
        return new_event_id()
    try:
        return str(uuid.UUID(found))
    except ValueError:
        return str(uuid.uuid5(_EVENTS, found))


def is_secret(name: str) -> bool:
    """Whether a value of this name is none of the tracker's business."""
    return _SECRET.search(name) is not None


def context(value: object) -> dict[str, Any]:
    """``value`` as a JSON object of at most 32 KiB; secrets masked, the largest values left out."""
    if value is None:
        return {}
    plain = _Plain().of(value if isinstance(value, Mapping) else {"value": value}, 0)
    found = plain if isinstance(plain, dict) else {"value": plain}
    sizes = {key: len(json.dumps(entry)) + len(json.dumps(key)) + 4 for key, entry in found.items()}
    total = sum(sizes.values())
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if total <= MAX_CONTEXT_BYTES - 1000:
            break
        total -= sizes[key]
        found[key] = f"({sizes[key]} bytes left out)"
    return found


class _Plain:
    """Turns objects into plain JSON values, of a bounded number."""

    def __init__(self) -> None:
        self._left = _MAX_NODES

    def of(self, value: object, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        self._left -= 1
        kind = type(value)  # exact types: a subclass may redefine what it is written as
        if value is None or kind is bool:
            return value
        if kind is int and -_MAX_INTEGER <= value < _MAX_INTEGER:  # type: ignore[operator]
            return value
        if kind is float and value - value == 0:  # type: ignore[operator]  # not NaN or infinite
            return value
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._collection(value, depth)
        return text(value, _MAX_CONTEXT_TEXT)

    def _collection(self, value: Iterable[object], depth: int) -> Any:  # noqa: ANN401
        if depth >= _MAX_DEPTH or self._left <= 0:
            return f"({type(value).__name__} left out)"
        if isinstance(value, Mapping):
            return self._object(value, depth)
        return [self.of(item, depth + 1) for item in _items(value, _MAX_ITEMS)]

    def _object(self, value: Mapping[object, object], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, entry in _items(_pairs(value), _MAX_ITEMS):
            key = text(name, 200) or "(empty)"
            found[key] = MASK if is_secret(key) else self.of(entry, depth + 1)
        return found


def _pairs(value: Mapping[object, object]) -> Iterable[tuple[object, object]]:
    for key in value:
        yield key, value[key]
