"""Reports per hour: the last day of an issue, and when it counts as rising."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from issuetracker.hours import last_hours, rise_of
from issuetracker.issues import Issue, Ledger

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR = int(NOW.timestamp()) // 3600


def issue(hours: dict[int, int], *, first_seen_hours_ago: int = 100) -> Issue:
    """An issue with so many reports, by hours before the present one."""
    ledger = Ledger(hours={HOUR - ago: count for ago, count in hours.items()})
    return Issue(
        id="x",
        first_seen=NOW - timedelta(hours=first_seen_hours_ago),
        last_seen=NOW,
        updated_at=NOW,
        ledger=msgspec.msgpack.encode(ledger),
    )


def test_the_last_day_ends_with_the_present_hour() -> None:
    counts = last_hours(issue({0: 5, 2: 1, 23: 7, 24: 9}), NOW)
    assert counts == [7, *[0] * 20, 1, 0, 5]


def test_without_bookkeeping_nothing_is_known_of_hours() -> None:
    unknown = Issue(id="x", first_seen=NOW, last_seen=NOW, updated_at=NOW)
    assert last_hours(unknown, NOW) is None
    assert rise_of(unknown, NOW) is None


@pytest.mark.parametrize(
    ("hours", "recent", "usual"),
    [
        ({0: 30, 50: 1}, 30, 3 / 98),
        ({1: 10, 2: 10, 3: 100}, 20, 300 / 98),
        ({0: 9, 40: 98}, 9, 3.0),
    ],
)
def test_many_more_reports_than_usual_are_a_rise(
    hours: dict[int, int], recent: int, usual: float
) -> None:
    rise = rise_of(issue(hours), NOW)
    assert rise is not None
    assert rise.recent == recent
    assert rise.usual == pytest.approx(usual)


@pytest.mark.parametrize(
    "hours",
    [
        {0: 4, 50: 1},  # few
        {0: 30},  # never before
        dict.fromkeys(range(40), 10),  # as always
        {3: 500},  # over
    ],
)
def test_chance_news_and_the_usual_are_none(hours: dict[int, int]) -> None:
    assert rise_of(issue(hours), NOW) is None


def test_only_the_hours_that_are_kept_say_what_is_usual() -> None:
    # 48 active hours are kept: with all of them in the last two days, older ones are forgotten.
    busy = {0: 60, **dict.fromkeys(range(3, 50), 20)}
    assert rise_of(issue(busy, first_seen_hours_ago=9000), NOW) is None
