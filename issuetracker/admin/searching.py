"""What is typed into the search box: tokens such as ``status:open``, and free text around them.

Tokens become the parameters that the filters' links set, so that each list has one address,
which says the same to whoever it is sent to.
"""

import re
from typing import get_args

from django.http import QueryDict

from issuetracker.admin.filters import CHOICES, NAMES, TIMES
from issuetracker.messages import Status

_TOKEN = re.compile(r'(?<!\S)([a-z]+):(?:"([^"]*)"|([^\s"]+))(?!\S)', re.IGNORECASE)
#: The parameter that a token sets, by the name it is typed with.
TOKENS = {
    "assigned": "assignee",
    "label": "tag",
    **{
        name: name for name in (*CHOICES, *NAMES, *TIMES, "is", "tag", "context", "within", "order")
    },
}
#: Parameters that can have several values at once.
SEVERAL = frozenset({"status", "priority", "type", "is", "tag", "context"})
_ME = frozenset({"me", "@me"})
_NOBODY = frozenset({"none", "nobody", "unassigned"})


def typed_address(given: QueryDict, username: str) -> str | None:
    """The parameters that say what the search box says; None when it holds free text alone.

    Args:
        given: the parameters of the list's address, with the search box as ``q``.
        username: who typed it, for ``is:mine``.
    """
    tokens: list[tuple[str, str]] = []

    def take(found: re.Match[str]) -> str:
        name = TOKENS.get(found[1].lower())
        if name is None:
            return found[0]  # such as the name of an exception with its message
        quoted, plain = found[2], found[3]
        # What a context holds may have commas of its own.
        whole = quoted is not None or name == "context"
        values = [quoted or plain] if whole else plain.split(",")
        tokens.extend(_meant(name, value, username) for value in values if value)
        return ""

    text = _TOKEN.sub(take, given.get("q", ""))
    if not tokens:
        return None
    params = given.copy()
    params.pop("cursor", None)
    params["q"] = " ".join(text.split())
    if not params["q"]:
        del params["q"]
    for name, value in tokens:
        _set(params, name, value)
    return params.urlencode()


def _meant(name: str, value: str, username: str) -> tuple[str, str]:
    lower = value.lower().replace("-", "_")
    if name == "assignee":
        if lower in _NOBODY:
            return "is", "unassigned"
        return name, username if lower in _ME else value
    if name == "is" and lower == "mine":
        return "assignee", username
    if name == "is" and lower in get_args(Status):
        return "status", lower
    return name, lower if name in ("status", "priority", "type", "is") else value


def _set(params: QueryDict, name: str, value: str) -> None:
    if name not in SEVERAL:
        params[name] = value
    elif value not in params.getlist(name):
        params.appendlist(name, value)
