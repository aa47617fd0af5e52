"""How an issue's reports are spread over the last hours, and whether they are more than usual."""

from dataclasses import dataclass
from datetime import datetime

from issuetracker.issues import HOURS_KEPT, Issue
from issuetracker.merging import ledger_of

DAY = 24
#: The present hour and those before it that are held against what is usual.
RECENT_HOURS = 3
#: Fewer reports than this in them are chance.
LEAST_REPORTS = 5
#: So many times its usual is a rise.
LEAST_FACTOR = 3.0


@dataclass(frozen=True, slots=True)
class Rise:
    """An issue with more reports than usual.

    Attributes:
        recent: reports in the last :data:`RECENT_HOURS` hours, the present one among them.
        usual: reports in as many hours before that, on average.
    """

    recent: int
    usual: float

    @property
    def factor(self) -> float:
        """How many times its usual; what was never reported before counts as once in that time."""
        return self.recent / max(self.usual, 1.0)


def last_hours(issue: Issue, now: datetime, hours: int = DAY) -> list[int] | None:
    """Reports per hour of the clock, oldest first, the present hour last.

    None when it is not known: the recent view keeps no reports per hour.
    """
    if not issue.ledger:
        return None
    counted = ledger_of(issue).hours
    present = hour_of(now)
    return [counted.get(hour, 0) for hour in range(present - hours + 1, present + 1)]


def rise_of(issue: Issue, now: datetime) -> Rise | None:
    """The issue's rise, or None when it is seen no more than usual, or is too new to tell."""
    counted = ledger_of(issue).hours
    begin = hour_of(now) - RECENT_HOURS + 1
    recent = sum(count for hour, count in counted.items() if hour >= begin)
    earlier = {hour: count for hour, count in counted.items() if hour < begin}
    if recent < LEAST_REPORTS or not earlier:
        return None
    # Only the newest active hours are kept: what came before them says nothing.
    first = hour_of(issue.first_seen) if len(counted) < HOURS_KEPT else min(earlier)
    usual = sum(earlier.values()) * RECENT_HOURS / max(begin - first, RECENT_HOURS)
    rise = Rise(recent, usual)
    return rise if rise.factor >= LEAST_FACTOR else None


def hour_of(moment: datetime) -> int:
    """The hour of the clock, counted since 1970."""
    return int(moment.timestamp()) // 3600
