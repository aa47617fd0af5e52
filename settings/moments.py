"""Template library ``moments``: a time as people read it, with its zone and its age."""

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from issuetracker.moments import age

register = template.Library()


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """``2026-11-23 09:30 UTC (3 min ago)`` as a ``<time>`` element; ``-`` without a time."""
    if moment is None:
        return "-"
    utc = moment.astimezone(UTC)
    # pages.js finds the age by its class and keeps it true while the page is open.
    return format_html(
        '<time datetime="{}" title="{}"><span class="moment">{}</span> '
        '<span class="age">({})</span></time>',
        utc.isoformat(),
        utc.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
        utc.strftime("%Y-%m-%d %H:%M UTC"),
        age(utc, timezone.now()),
    )


@register.simple_tag
def lasted(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments, such as ``0.42 s`` or ``3 min 5 s``; ``-`` without both."""
    if start is None or end is None:
        return "-"
    seconds = (end - start).total_seconds()
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


@register.filter
def words(name: str) -> str:
    """A value such as ``in_progress`` as words."""
    return name.replace("_", " ")
