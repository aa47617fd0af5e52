"""Which letters are meant: filters, and how people write them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kafka_worker.letters.form import Letter

_AGE = re.compile(r"(\d{1,5})\s*(min|m|h|d|s)")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a letter must have to be meant; without any of it, all are.

    Attributes:
        reason: text in its reason, in any case of letters.
        since: written at this time or later.
        until: written before this time.
        partition: its message's partition.
    """

    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()

    def take(self, letters: Iterable[Letter]) -> list[Letter]:
        """Those that are meant, in their order."""
        return [letter for letter in letters if self._means(letter)]

    def _means(self, letter: Letter) -> bool:
        return (
            self.reason.casefold() in letter.reason.casefold()
            and (self.since is None or letter.time >= self.since)
            and (self.until is None or letter.time < self.until)
            and self.partition in {None, letter.partition}
        )


def by_id(letters: Iterable[Letter], ids: Iterable[str]) -> tuple[list[Letter], list[str]]:
    """The letters with these ids, in their own order; the ids that none has."""
    wanted = dict.fromkeys(ids)
    found = [letter for letter in letters if letter.id in wanted]
    known = {letter.id for letter in found}
    return found, [each for each in wanted if each not in known]


def page_of(letters: Sequence[Letter], size: int, before: str = "") -> tuple[list[Letter], str]:
    """A page of letters, the newest first.

    Args:
        letters: all of them, the oldest first.
        size: letters on a page.
        before: the cursor that the page before gave; the newest letters without one.

    Returns:
        The page, and the cursor of the next one; empty when this is the last.
    """
    older = [each for each in letters if not before or _cursor(each) < before]
    page = older[: -size - 1 : -1]
    return page, _cursor(page[-1]) if len(older) > size else ""


def moment(text: str, now: datetime) -> datetime:
    """A time as people write it: ``24h``, ``30min``, ``7d`` ago, or ISO 8601, in UTC without zone.

    Raises:
        ValueError: it is neither.
    """
    age = _AGE.fullmatch(text.strip())
    if age is not None:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        written = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write an age such as 30min, 24h or 7d, or 2026-11-23T09:30"
        ) from None
    return written if written.tzinfo else written.replace(tzinfo=UTC)


def _cursor(letter: Letter) -> str:
    return f"{letter.time.astimezone(UTC).isoformat(timespec='milliseconds')}~{letter.id}"
