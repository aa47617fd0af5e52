"""What is typed to choose issues, as the parameters of the API's list."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from issuetracker.cli.failures import Misused
from issuetracker.messages import IssueType, Priority, Status
from issuetracker.terms import ME, SEVERAL, read_terms

ORDERS = ("updated_at", "-updated_at", "-last_seen", "-first_seen", "first_seen", "-count")
_CHOICES = {
    "status": get_args(Status),
    "priority": get_args(Priority),
    "type": get_args(IssueType),
    "order": ORDERS,
    "is": ("new", "regressed", "unassigned", "muted"),
}
_SPAN = re.compile(r"([0-9]{1,5})(min|m|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parameters(words: Sequence[str], now: datetime) -> list[tuple[str, str]]:
    """The API's parameters for what was typed.

    Args:
        words: terms as in the admin site's search box, and free text.
        now: from which spans such as ``within:2h`` count back.

    Raises:
        Misused: a term that cannot be.
    """
    terms, text = read_terms(" ".join(words))
    found: dict[tuple[str, str], None] = {}
    for name, value in terms:
        chosen = _parameter(name, value, now)
        if chosen[0] not in SEVERAL:
            found = {pair: None for pair in found if pair[0] != chosen[0]}
        found[chosen] = None
    if text:
        found["q", text] = None
    return list(found)


def _parameter(name: str, value: str, now: datetime) -> tuple[str, str]:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise Misused(f"{name}:{value} is not known; it can be {', '.join(_CHOICES[name])}.")
    if name == "is":
        return _kind(value, now)
    if value == ME:
        raise Misused("A token is nobody's own: say whose, as assignee:NAME.")
    if name in ("within", "since", "until"):
        return "since" if name == "within" else name, moment(value, now).isoformat()
    return name, value


def _kind(value: str, now: datetime) -> tuple[str, str]:
    if value == "new":
        return "first_since", (now - timedelta(days=1)).isoformat()
    return {"regressed": ("regressed", "true"), "muted": ("muted", "true")}.get(
        value, ("assignee", "")
    )


def moment(typed: str, now: datetime) -> datetime:
    """The time that is meant by ``2h`` (ago), ``2026-11-23`` or ``2026-11-23T09:30+01:00``, UTC.

    Raises:
        Misused: none is.
    """
    span = _SPAN.fullmatch(typed)
    try:
        if span:
            return now - int(span[1]) * _UNITS[span[2]]
        # Without a zone: this machine's.
        return datetime.fromisoformat(typed).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Misused(
            f"{typed} is no time; one is like 2h, 7d, 2026-11-23 or 2026-11-23T09:30Z."
        ) from None
