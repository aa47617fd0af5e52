"""What an inspection found, as tables for people and as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from kafka_worker.inspection import Group, Member, Place
from kafka_worker.reports import age_of


def as_text(groups: Iterable[Group]) -> str:
    """Tables of each handler's members and positions."""
    return "\n\n".join(_one(group) for group in groups)


def as_json(groups: Iterable[Group], problem: str = "") -> str:
    """The same as one JSON document on one line; ``problem``: why nothing could be found."""
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "consumers": [{**asdict(group), "lag": group.lag} for group in groups],
        "problem": problem or None,
    }
    return json.dumps(document, default=_moment)


def _one(group: Group) -> str:
    state = group.state or "state unknown"
    lines = [
        f"{group.handler}: {group.topic} as {group.group}, {state}, lag {group.lag}",
        *(f"  note: {note}" for note in group.notes),
    ]
    if group.members is not None:
        lines += _table(
            ("member", "host", "partitions"),
            [_of_member(member) for member in group.members] or [("none", "", "")],
        )
    if group.places:
        nobody = "?" if group.members is None else "-"
        owners = {
            number: _name(member) for member in group.members or () for number in member.partitions
        }
        lines += _table(
            ("partition", "committed", "first", "end", "lag", "last write", "member"),
            [_of_place(place, owners.get(place.partition, nobody)) for place in group.places],
        )
    return "\n".join(lines)


def _of_member(member: Member) -> tuple[str, ...]:
    numbers = ", ".join(str(number) for number in member.partitions)
    return (_name(member), member.host, numbers or "none (a spare)")


def _name(member: Member) -> str:
    return member.instance_id or member.id


def _of_place(place: Place, owner: str) -> tuple[str, ...]:
    committed = "-" if place.committed is None else str(place.committed)
    return (
        str(place.partition),
        f"{committed} (of an earlier topic)" if place.foreign else committed,
        str(place.first),
        str(place.end),
        str(place.lag),
        f"{age_of(place.last_write):.0f} s ago" if place.last_write else "-",
        owner,
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")
