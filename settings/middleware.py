"""What every answer carries."""

import logging
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import resolve

from issuetracker.api.problems import RETRY_AFTER, bad_request

logger = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Style sheets of the API's pages carry their icons as data addresses.
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def known_host(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse names that are not served before anything else sees them.

    Django does it too, but in development its refusal is a page that shows every setting, and
    the name may be that of another site which points to this machine.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost as error:
            logger.warning("Refused: %s", error)
            return bad_request(request, error)
        return get_response(request)

    return middleware


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let a page run only the scripts and styles that this server has as files."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware


class DatabaseAway:
    """Answers with a page that tells the way out when the database is away.

    Without it nobody can be known who looks at a page, so that no page can be shown. What is
    below /api/ answers for itself, and needs the database less.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer to ``request``."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for what a view raised, or None where that is something else."""
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        if request.path.startswith("/api/"):
            return None
        logger.error("Answering 503 at %s: %s", request.path, error)
        again = request.get_full_path() if request.method == "GET" else ""
        # Not with the request: Django would ask the database whose it is.
        page = render_to_string("503.html", {"again": again})
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER)})


def straight_to_the_api(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Spare calls of the API that send no cookie what is listed after this.

    All of that is for pages and for people who are logged in: it would cost a report more than
    everything else that happens to it. A call with a cookie may have a session, and goes the
    whole way.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if "HTTP_COOKIE" in request.META or not request.path_info.startswith("/api/"):
            return get_response(request)
        found = request.resolver_match = resolve(request.path_info)
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        # As CommonMiddleware has it, or the server would send it in chunks.
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    return middleware
