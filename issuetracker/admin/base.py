"""What every page of issues in the admin site has in common: who may see it, and its frame."""

import uuid
from collections.abc import Callable
from functools import update_wrapper, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from issuetracker import models
from issuetracker.exceptions import StoreUnavailable, UnknownIssue
from issuetracker.issues import Issue
from issuetracker.messages import bare_id
from issuetracker.reading import read_issue

if TYPE_CHECKING:
    _IssueAdmin = admin.ModelAdmin[models.Issue]
else:
    _IssueAdmin = admin.ModelAdmin

_NOT_READ = (
    "The store of issues does not answer.",
    "No report is lost meanwhile: what services report waits in the log until the store is back.",
)
_NOT_WRITTEN = (
    "Your change was not saved: neither the log nor the store takes it at the moment.",
    "Go back with your browser to find what you wrote, and send it again in a while.",
)


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def or_unavailable(view: View) -> View:
    """Answer with a page that tells the way out when the store is down, or the issue is gone."""

    @wraps(view)
    def wrapper(self: "IssuePages", request: HttpRequest, **captured: str) -> HttpResponseBase:
        try:
            return view(self, request, **captured)
        except UnknownIssue:
            return self.missing(request, captured["issue_id"])
        except StoreUnavailable:
            return self.unavailable(request)

    return wrapper  # type: ignore[return-value]


class IssuePages(_IssueAdmin):
    """The frame of the pages of issues, whichever store they are in.

    Of ``ModelAdmin`` it uses the name, the permissions and the place in the site; issues are in
    no table, so every page is a view of its own.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: issues are reported."""
        return False

    def get_object(
        self,
        request: HttpRequest,  # noqa: ARG002
        object_id: str,
        from_field: str | None = None,  # noqa: ARG002
    ) -> models.Issue | None:
        """The issue's stand-in for Django's own admin code; it asks no database."""
        try:
            known = uuid.UUID(bare_id(object_id))
        except ValueError:
            return None
        # UUID reads other spellings too, under which no issue is kept.
        return models.Issue(id=known) if str(known) == bare_id(object_id) else None

    def _path(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        guarded = update_wrapper(self.admin_site.admin_view(view), view)
        return path(route, guarded, name=f"issuetracker_issue_{name}")

    def unavailable(self, request: HttpRequest) -> HttpResponse:
        """The page for when nothing answers: what that means, and what to do."""
        reading = request.method == "GET"
        sentence, consequence = _NOT_READ if reading else _NOT_WRITTEN
        return self._page(
            request,
            "unavailable",
            "Not available at the moment",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            sentence=sentence,
            consequence=consequence,
            again=request.get_full_path() if reading else request.path.rsplit("/", 2)[0] + "/",
        )

    def missing(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """The page for an id that no issue has: how that may be, and the way back."""
        status = HTTPStatus.NOT_FOUND
        return self._page(request, "missing", "Unknown issue", status=status, issue_id=issue_id)

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str = "",
        *,
        status: int = HTTPStatus.OK,
        **context: Any,  # noqa: ANN401 - whatever the template needs
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            # Titles and traces need the width; the way to the other pages is in the breadcrumbs.
            "is_nav_sidebar_enabled": False,
            "has_change_permission": self.has_change_permission(request),
            "has_delete_permission": self.has_delete_permission(request),
            **({"title": title} if title else {}),
            **context,
        }
        return TemplateResponse(request, f"issuetracker/{template}.html", whole, status=status)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def _require_delete(self, request: HttpRequest) -> None:
        if not self.has_delete_permission(request):
            raise PermissionDenied

    def _require_issue(self, request: HttpRequest, issue_id: str) -> Issue | None:
        """The issue that is to change, for somebody who may change it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        known = self.get_object(request, issue_id)
        read = read_issue(bare_id(issue_id)) if known else None
        return read.issue if read else None
