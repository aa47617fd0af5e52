"""What came with a report besides its trace, as rows of the issue page."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.urls import NoReverseMatch, reverse

from issuetracker.admin.addresses import list_address
from issuetracker.words import context_pair, context_pairs

_SHORT = 120


@dataclass(frozen=True, slots=True)
class ContextRow:
    """One entry.

    Attributes:
        key: its name.
        text: its value; anything but text as indented JSON.
        folded: whether it is too long to stand open.
        address: the page of what it names, empty when it names nothing.
        list_address: the list of the issues that have this entry too, empty when it is not
            searched.
    """

    key: str
    text: str
    folded: bool
    address: str
    list_address: str


def context_rows(context: Mapping[str, Any]) -> list[ContextRow]:
    """The entries of a report's context, in the order in which they came."""
    searched = set(context_pairs(context))
    return [_row(key, value, searched) for key, value in context.items()]


def _row(key: str, value: object, searched: set[str]) -> ContextRow:
    text = value if isinstance(value, str) else _json(value)
    folded = len(text) > _SHORT or "\n" in text
    pair = context_pair(key, value)
    listed = list_address(context=pair) if pair is not None and pair in searched else ""
    return ContextRow(key, text, folded, _run_address(key, text), listed)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _run_address(key: str, text: str) -> str:
    """The admin page of a workflow run; by name, so that either app works without the other."""
    if key != "run_id":
        return ""
    try:
        return reverse("admin:workflow_run_change", args=[uuid.UUID(text)])
    except (ValueError, NoReverseMatch):
        return ""
