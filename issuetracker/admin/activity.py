"""When an issue occurred: its reports per hour, as the bars of a small chart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from issuetracker.hours import hour_of
from issuetracker.issues import HOURS_KEPT, Issue
from issuetracker.merging import ledger_of

#: Of the chart, in the units of its drawing; each hour is so wide.
HEIGHT = 48
HOUR = 8
_BAR = 6
_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour with reports: where its bar stands, how high it is, and what it says."""

    x: int
    y: int
    width: int
    height: int
    label: str


@dataclass(frozen=True, slots=True)
class Activity:
    """The chart.

    Attributes:
        bars: one for each hour in which anything was reported.
        width: of the drawing.
        height: of the drawing.
        count: reports in all of these hours.
        most: reports in the busiest of them.
        start: where the first hour begins, UTC.
        end: where the last one ends, UTC.
    """

    bars: list[Bar]
    width: int
    height: int
    count: int
    most: int
    start: datetime
    end: datetime


def activity_of(issues: Sequence[Issue], now: datetime) -> Activity | None:
    """The 48 hours up to now, or up to the latest report if that is longer ago.

    Args:
        issues: counted together.
        now: the present.

    Returns:
        None when nothing was reported yet.
    """
    reports: Counter[int] = Counter()
    for issue in issues:
        reports.update(ledger_of(issue).hours)
    if not reports:
        return None
    this_hour, latest = hour_of(now), max(reports)
    last = this_hour if latest > this_hour - HOURS_KEPT else latest
    first = last - HOURS_KEPT + 1
    shown = {hour: count for hour, count in sorted(reports.items()) if first <= hour <= last}
    most = max(shown.values(), default=0)
    return Activity(
        bars=[_bar(hour, count, first, most) for hour, count in shown.items()],
        width=HOURS_KEPT * HOUR,
        height=HEIGHT,
        count=sum(shown.values()),
        most=most,
        start=_moment(first),
        end=_moment(last + 1),
    )


def _bar(hour: int, count: int, first: int, most: int) -> Bar:
    # What was reported at all is seen, beside the busiest hour too.
    height = max(2, round(HEIGHT * count / most))
    label = f"{_moment(hour):%Y-%m-%d %H:%M} UTC: {count}"
    return Bar((hour - first) * HOUR, HEIGHT - height, _BAR, height, label)


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * _SECONDS, UTC)
