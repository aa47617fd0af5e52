"""What was set of an issue, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from issuetracker.admin.addresses import issue_address
from issuetracker.issues import HistoryEntry

Value = str | int | list[str] | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that was done; ``after`` follows the link to the other issue, if there is one."""

    text: str
    other: str = ""
    after: str = ""

    @property
    def address(self) -> str:
        """The page of the other issue."""
        return issue_address(self.other)


@dataclass(frozen=True, slots=True)
class ShownChange:
    """Who did what at once, and when."""

    entry: HistoryEntry
    phrases: list[Phrase]


def shown_change(entry: HistoryEntry) -> ShownChange:
    """``entry`` in words."""
    return ShownChange(entry, [_phrase(name, value) for name, value in entry.changes.items()])


def _phrase(name: str, value: Value) -> Phrase:
    if name in _IN_WORDS:
        return _IN_WORDS[name](value)
    return Phrase(f"set {name} to {str(value).replace('_', ' ')}")


def _assignee(value: Value) -> Phrase:
    return Phrase(f"assigned it to {value}" if value else "unassigned it")


def _merged_into(value: Value) -> Phrase:
    return Phrase("merged it into", str(value)) if value else Phrase("made it stand by itself")


def _muted_until(value: Value) -> Phrase:
    end = datetime.fromisoformat(str(value)).astimezone(UTC)
    return Phrase(f"muted it until {end:%Y-%m-%d %H:%M} UTC")


def _tags(value: Value) -> str:
    tags = value if isinstance(value, list) else [str(value)]
    return f"tag{'s' * (len(tags) != 1)} {', '.join(tags)}"


_IN_WORDS: dict[str, Callable[[Value], Phrase]] = {
    "assignee": _assignee,
    "add_tags": lambda value: Phrase(f"added the {_tags(value)}"),
    "remove_tags": lambda value: Phrase(f"removed the {_tags(value)}"),
    "mute": lambda _: Phrase("unmuted it"),
    "muted_until": _muted_until,
    "muted_events": lambda value: Phrase(f"muted it for {value} more event{'s' * (value != 1)}"),
    "merged_into": _merged_into,
    "merged": lambda value: Phrase("merged", str(value), "into it"),
    "unmerged": lambda value: Phrase("took", str(value), "out of it"),
}
