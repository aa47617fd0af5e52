"""Times and durations as the admin's pages write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from issuetracker.moments import age
from settings.moments import lasted, when, words

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_399, "23 h ago"),
        (10 * 86_400, "10 d ago"),
        (-5, "in a moment"),
        (-7_300, "in 2 h"),
    ],
)
def test_an_age_has_the_largest_unit_that_fits(seconds: int, expected: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.084, "0.08 s"), (59.99, "59.99 s"), (60, "1 min 0 s"), (3_725, "1 h 2 min")],
)
def test_a_duration_has_two_units_at_most(seconds: float, expected: str) -> None:
    assert lasted(NOW, NOW + timedelta(seconds=seconds)) == expected


def test_a_time_is_written_in_utc_whatever_zone_it_came_in() -> None:
    eastern = NOW.astimezone(timezone(timedelta(hours=-5)))
    written = when(eastern)
    assert '<time datetime="2026-11-23T09:30:00+00:00"' in written
    assert "2026-11-23 09:30 UTC" in written


def test_what_has_not_happened_is_a_dash() -> None:
    assert when(None) == lasted(NOW, None) == lasted(None, NOW) == "-"


def test_names_are_written_as_words() -> None:
    assert words("in_progress") == "in progress"
