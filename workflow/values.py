"""What the database can keep: JSON values and text."""

import json
import re
from typing import Any

from workflow.exceptions import UnusableValue

MAX_TEXT = 20_000

# PostgreSQL's jsonb holds everything JSON can say but this character.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def json_value(value: object) -> Any:  # noqa: ANN401 - whatever JSON can say
    """``value`` as it comes back from the database.

    A step's result goes through here before the next step sees it, so that a run gives the same
    whether or not it was interrupted in between.

    Raises:
        UnusableValue: it is not JSON, or holds what the database cannot keep (NaN, NUL, half of
            a surrogate pair).
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnusableValue(f"not JSON: {error}") from error
    if _NUL.search(text):
        raise UnusableValue("a text in it holds the character NUL, which PostgreSQL cannot keep")
    return json.loads(text)


def storable_text(text: str) -> str:
    """``text`` without what a database cannot keep, and with its middle left out if it is long."""
    clean = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    if len(clean) <= MAX_TEXT:
        return clean
    half = MAX_TEXT // 2 - 10
    return f"{clean[:half]}\n[…]\n{clean[-half:]}"
