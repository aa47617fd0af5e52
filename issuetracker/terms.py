"""What is typed to search for issues: terms such as ``status:open``, and free text around them.

The admin site's search box and the terminal's command read them alike. Imports no Django.
"""

import re
from typing import get_args

from issuetracker.messages import Status

#: Stands for whoever searches, as the value of ``assignee``.
ME = "@me"
#: The parameter that a term sets, by the name it is typed with.
NAMES = {
    "assigned": "assignee",
    "label": "tag",
    **{
        name: name
        for name in (
            *("status", "priority", "type", "is", "component", "tag", "context"),
            *("reporter", "assignee", "within", "since", "until", "order"),
        )
    },
}
#: Parameters that can have several values at once.
SEVERAL = frozenset({"status", "priority", "type", "is", "tag", "context"})

_TERM = re.compile(r'(?<!\S)([a-z]+):(?:"([^"]*)"|([^\s"]+))(?!\S)', re.IGNORECASE)
_ME = frozenset({"me", ME})
_NOBODY = frozenset({"none", "nobody", "unassigned"})


def read_terms(typed: str) -> tuple[list[tuple[str, str]], str]:
    """The terms in what was ``typed``, as parameter and value, and the free text around them."""
    terms: list[tuple[str, str]] = []

    def take(found: re.Match[str]) -> str:
        name = NAMES.get(found[1].lower())
        if name is None:
            return found[0]  # such as the name of an exception with its message
        quoted, plain = found[2], found[3]
        # What a context holds may have commas of its own.
        whole = quoted is not None or name == "context"
        values = [quoted or plain] if whole else plain.split(",")
        terms.extend(_meant(name, value) for value in values if value)
        return ""

    text = _TERM.sub(take, typed)
    return terms, " ".join(text.split())


def _meant(name: str, value: str) -> tuple[str, str]:
    lower = value.lower().replace("-", "_")
    if name == "assignee":
        if lower in _NOBODY:
            return "is", "unassigned"
        return name, ME if lower in _ME else value
    if name == "is" and lower == "mine":
        return "assignee", ME
    if name == "is" and lower in get_args(Status):
        return "status", lower
    return name, lower if name in ("status", "priority", "type", "is") else value
