"""The filters of the issue list: read from the address, shown with the addresses that change them.

All of a list's state is in its address, so that it can be bookmarked and sent to somebody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from issuetracker.issues import IssueQuery, Order
from issuetracker.messages import IssueType, Priority, Status
from issuetracker.words import LONGEST_PAIR

#: Filters of which any number may be chosen, and what can be chosen.
CHOICES: dict[str, tuple[str, ...]] = {
    "status": get_args(Status),
    "priority": tuple(reversed(get_args(Priority))),
    "type": get_args(IssueType),
}
#: Kinds of issues that are asked for by a word, and what the word means; all chosen ones hold.
KINDS = {
    "new": "first seen in the past 24 hours",
    "regressed": "resolved, and seen since",
    "unassigned": "nobody works on it",
    "muted": "kept out of the other lists for now",
}
#: Times back from now, by which the list can be cut.
WITHIN = {
    "1h": ("past hour", timedelta(hours=1)),
    "24h": ("past 24 hours", timedelta(hours=24)),
    "7d": ("past 7 days", timedelta(days=7)),
    "30d": ("past 30 days", timedelta(days=30)),
}
NAMES = ("component", "reporter", "assignee")
TIMES = ("since", "until")
LONGEST_SEARCH = 200
_DEFAULT_ORDER = "-updated_at"

Parameters = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list's address asks for.

    Attributes:
        params: the parameters that are right, as they stay in the address; without the cursor.
        query: the same for the store.
        cursor: where the page starts, None for the first.
        wrong: a sentence for each parameter that was wrong and is left out.
    """

    params: Parameters
    query: IssueQuery
    cursor: str | None
    wrong: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether anything narrows the list."""
        return any(name != "order" for name in self.params)

    @property
    def follows_news(self) -> bool:
        """Whether this is the page on which what is new would appear."""
        return self.cursor is None and self.query.order == _DEFAULT_ORDER


@dataclass(frozen=True, slots=True)
class Choice:
    """A link of a filter: what it says, where it goes, whether it is on."""

    label: str
    address: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """One filter with all its links."""

    name: str
    choices: list[Choice]


def read_filters(given: QueryDict, now: datetime) -> Filters:
    """Read a list's address.

    Args:
        given: its parameters; what is not a filter is left out.
        now: from which ``within`` counts back.
    """
    fields: dict[str, Any] = {}
    params: Parameters = {}
    wrong: list[str] = []
    for name, values in _candidates(given):
        try:
            fields |= _convert(name, values, now)
        except (ValueError, OverflowError):
            wrong.append(f"“{', '.join(values)}” is no {_title(name)}; that filter is left out.")
        else:
            params[name] = values
    query = IssueQuery(**fields)
    return Filters(params, query, given.get("cursor") or None, tuple(wrong))


def address(params: Mapping[str, Iterable[str]]) -> str:
    """A list's address, relative to the list."""
    return "?" + urlencode(params, doseq=True)


def with_values(params: Parameters, name: str, values: list[str]) -> Parameters:
    """``params`` with other values under ``name``; without the name when there are none."""
    rest = {other: kept for other, kept in params.items() if other != name}
    return {**rest, name: values} if values else rest


def facets(filters: Filters) -> list[Facet]:
    """The filters that are chosen by a link."""
    return [
        *(_facet(filters.params, name, options) for name, options in CHOICES.items()),
        _within(filters.params),
    ]


def chips(filters: Filters) -> list[Choice]:
    """Every value that narrows the list, each with the list's address without it."""
    return [
        Choice(
            f"{'is' if name == 'is' else _title(name)}: {_label(name, value)}",
            address(with_values(filters.params, name, [kept for kept in values if kept != value])),
            selected=True,
        )
        for name, values in filters.params.items()
        if name != "order"
        for value in values
    ]


def views(filters: Filters, username: str) -> list[Choice]:
    """The lists that are asked for all day."""
    unfinished = ["open", "in_progress"]
    lists: dict[str, Parameters] = {
        "All": {},
        "Open": {"status": unfinished},
        "Mine": {"status": unfinished, "assignee": [username]},
        "Unassigned": {"status": unfinished, "is": ["unassigned"]},
        "New": {"is": ["new"]},
        "Regressed": {"is": ["regressed"]},
        "Muted": {"is": ["muted"]},
    }
    now = {name: sorted(values) for name, values in filters.params.items() if name != "order"}
    return [
        Choice(label, address(params), now == {name: sorted(params[name]) for name in params})
        for label, params in lists.items()
    ]


def orders(filters: Filters) -> dict[str, Choice]:
    """For each column that can order the list: the address that does so, or turns it round."""
    return {
        field: _order(filters, field)
        for field in ("updated_at", "last_seen", "first_seen", "count")
    }


def _candidates(given: QueryDict) -> list[tuple[str, list[str]]]:
    found = []
    for name in (*CHOICES, "is", *NAMES, "tag", "context", "within", *TIMES, "q", "order"):
        values = [value.strip() for value in given.getlist(name) if value.strip()]
        if name == "tag":
            values = [tag for value in values for tag in value.split()]
        if values:
            found.append((name, list(dict.fromkeys(values))))
    return found


def _convert(name: str, values: list[str], now: datetime) -> dict[str, Any]:
    if name in CHOICES:
        return {name: _known(values, CHOICES[name])}
    if name == "tag":
        return {"tags": tuple(values)}
    if name == "context":
        return {"context": _pairs(values)}
    if name == "is":
        return _kinds(_known(values, KINDS), now)
    (value,) = values
    return _convert_one(name, value, now)


def _convert_one(name: str, value: str, now: datetime) -> dict[str, Any]:
    if name == "within":
        return {"since": now - WITHIN[_known([value], WITHIN)[0]][1]}
    if name in TIMES:
        return {name: _moment(value)}
    if name == "q":
        return {"text": _short(value)}
    if name == "order":
        return {"order": _known([value], get_args(Order))[0]}
    if "\0" in value:
        raise ValueError(value)
    return {name: value}


def _kinds(names: tuple[str, ...], now: datetime) -> dict[str, Any]:
    meant: dict[str, dict[str, Any]] = {
        "new": {"first_since": now - timedelta(days=1)},
        "regressed": {"regressed": True},
        "unassigned": {"assignee": ""},
        "muted": {"muted": True},
    }
    fields: dict[str, Any] = {}
    for name in names:
        fields |= meant[name]
    return fields


def _known(values: list[str], known: Iterable[str]) -> tuple[str, ...]:
    if not set(values) <= set(known):
        raise ValueError(values)
    return tuple(values)


def _pairs(values: list[str]) -> tuple[str, ...]:
    if not all("=" in value and len(value) <= LONGEST_PAIR for value in values):
        raise ValueError(values)
    return tuple(values)


def _short(text: str) -> str:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(text)
    return text


def _moment(value: str) -> datetime:
    moment = parse_datetime(value)
    if moment is None:
        raise ValueError(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _facet(params: Parameters, name: str, options: tuple[str, ...]) -> Facet:
    chosen = params.get(name, [])
    everything = Choice("any", address(with_values(params, name, [])), selected=not chosen)
    return Facet(name, [everything, *(_toggle(params, name, option) for option in options)])


def _toggle(params: Parameters, name: str, option: str) -> Choice:
    chosen = params.get(name, [])
    selected = option in chosen
    values = [value for value in chosen if value != option] if selected else [*chosen, option]
    return Choice(_label(name, option), address(with_values(params, name, values)), selected)


def _within(params: Parameters) -> Facet:
    rest = with_values(with_values(params, "since", []), "until", [])
    chosen = params.get("within", [])
    anytime = not chosen and rest.keys() == params.keys()
    options = [
        Choice(label, address(with_values(rest, "within", [option])), [option] == chosen)
        for option, (label, _) in WITHIN.items()
    ]
    everything = Choice("any", address(with_values(rest, "within", [])), selected=anytime)
    return Facet("last activity", [everything, *options])


def _order(filters: Filters, field: str) -> Choice:
    now = filters.query.order
    turned = field if now == f"-{field}" else f"-{field}"
    wanted = turned if turned in get_args(Order) else f"-{field}"
    values = [] if wanted == _DEFAULT_ORDER else [wanted]
    return Choice(
        "descending" if now.startswith("-") else "ascending",
        address(with_values(filters.params, "order", values)),
        selected=filters.query.field == field,
    )


def _title(name: str) -> str:
    return {"q": "text", "within": "last activity", "is": "kind of issue"}.get(name, name)


def _label(name: str, value: str) -> str:
    if name == "within":
        return WITHIN[value][0]
    return value.replace("_", " ")
