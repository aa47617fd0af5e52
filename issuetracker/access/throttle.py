"""What somebody sees who has failed to log in too often; django-axes counts."""

from datetime import datetime
from http import HTTPStatus

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from issuetracker.access.audit import LONGEST_NAME


def counted_name(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """The name that failures are counted for; django-axes' ``AXES_USERNAME_CALLABLE``.

    Cut to what a user's name can have: its table has no room for whatever somebody sends.
    """
    name = (credentials or request.POST).get(User.USERNAME_FIELD) or ""
    return name[:LONGEST_NAME]


def answer_locked_out(
    request: HttpRequest, _refused: HttpResponse | None, credentials: dict[str, str] | None
) -> HttpResponse:
    """The page that says how long to wait; django-axes' ``AXES_LOCKOUT_CALLABLE``.

    Args:
        request: the login.
        _refused: the answer that this one replaces.
        credentials: what was given as the user's name, as django-axes has it.
    """
    seconds = max(1, round((_end(request, credentials) - timezone.now()).total_seconds()))
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins",
        "minutes": -(-seconds // 60),
        "limit": settings.AXES_FAILURE_LIMIT,
    }
    status = HTTPStatus.TOO_MANY_REQUESTS
    answer = render(request, "access/locked_out.html", context, status=status)
    answer.headers["Retry-After"] = str(seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _end(request: HttpRequest, credentials: dict[str, str] | None) -> datetime:
    """When the latest of the failures is forgiven."""
    now = timezone.now()
    counted = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    times = [attempt.attempt_time for attempts in counted for attempt in attempts]
    return max(times, default=now) + (get_cool_off(request) or now - now)
