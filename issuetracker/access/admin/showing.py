"""Values as the lists of the admin site show them."""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString


def moment(time: datetime | None) -> SafeString:
    """A time with its zone and age; ``-`` without one."""
    # By template: the library is the settings' own, which no app imports.
    return render_to_string("access/when.html", {"moment": time})


def badge(kind: str, text: str) -> SafeString:
    """A word in the colour of its kind, a class of ``pages.css`` or ``access.css``."""
    return format_html('<span class="badge {}">{}</span>', kind, text)
