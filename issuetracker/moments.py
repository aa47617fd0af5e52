"""How long ago something was, as people say it."""

from datetime import datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(moment: datetime, now: datetime) -> str:
    """How long ago ``moment`` was, in the largest unit that fits: ``3 min ago``, ``in 2 h``."""
    seconds = int((now - moment).total_seconds())
    distance = abs(seconds)
    for length, unit in _UNITS:
        if distance >= length:
            amount = f"{distance // length} {unit}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "just now" if seconds >= 0 else "in a moment"
