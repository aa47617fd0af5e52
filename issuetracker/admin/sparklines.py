"""A day's reports as a few bars, drawn by the server: no script, and nothing to wait for."""

from dataclasses import dataclass
from datetime import datetime

from issuetracker.hours import DAY, last_hours
from issuetracker.issues import Issue

_BAR, _STEP = 3, 4
WIDTH, HEIGHT = DAY * _STEP, 24
#: An hour with a single report still shows beside one with thousands.
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars of one issue.

    Attributes:
        path: they, as an SVG path in a box of :data:`WIDTH` by :data:`HEIGHT`.
        label: the same in words, for those who do not see it.
    """

    path: str
    label: str


def sparkline(issue: Issue, now: datetime) -> Sparkline | None:
    """The reports of the last day, or None when they are not known per hour."""
    counts = last_hours(issue, now)
    if counts is None:
        return None
    peak = max(counts)
    bars = [_bar(place, count, peak) for place, count in enumerate(counts) if count]
    return Sparkline("".join(bars), _label(sum(counts), peak))


def _bar(place: int, count: int, peak: int) -> str:
    height = max(_LEAST, round(HEIGHT * count / peak))
    return f"M{place * _STEP} {HEIGHT}v-{height}h{_BAR}v{height}z"


def _label(total: int, peak: int) -> str:
    if not total:
        return "No report in the last 24 hours"
    reports = "1 report" if total == 1 else f"{total} reports"
    return f"{reports} in the last 24 hours, at most {peak} in one"
