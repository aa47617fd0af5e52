"""The NUL character: no text may hold one, for PostgreSQL cannot, and no person can read it.

Reports are long and mostly text, so it is looked for once in their JSON, not field by field.
"""

from collections.abc import Iterator

import msgspec

#: What a text without it matches, for the schema.
PATTERN = r"^[^\x00]*$"
#: JSON has no other way to write it.
_ESCAPED = b"\\u0000"
#: Kept as JSON, in which it stays escaped; and reports of which each is looked at by itself.
_FREE_FORM = {("context",), ("issue", "context"), ("issues",)}

#: The names and positions that lead to a value.
Path = tuple[str, ...]


def find_nul(raw: bytes) -> list[Path]:
    """Where a report or message has text with a NUL that must have none.

    Args:
        raw: it as JSON; valid.
    """
    if _ESCAPED not in raw:
        return []
    return list(_find(msgspec.json.decode(raw)))


def _find(value: object) -> Iterator[Path]:
    # With a stack of its own: JSON can be nested deeper than Python calls.
    waiting: list[tuple[object, Path]] = [(value, ())]
    while waiting:
        value, path = waiting.pop()
        if path in _FREE_FORM:
            continue
        if isinstance(value, str):
            if "\0" in value:
                yield path
        elif isinstance(value, list):
            waiting += [(item, (*path, str(place))) for place, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            inside = [(each, (*path, key)) for key, item in value.items() for each in (key, item)]
            waiting += inside[::-1]
