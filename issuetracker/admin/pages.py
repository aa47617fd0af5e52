"""The addresses of issues in the admin site, who may see them, and what answers them."""

import uuid
from collections.abc import Callable
from functools import update_wrapper, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issuetracker import models
from issuetracker.access.audit import record_deletion
from issuetracker.admin.changing import add_comment, update_issue
from issuetracker.admin.detail import issue_context
from issuetracker.admin.listing import count_news, issue_title, list_context
from issuetracker.admin.update_form import WrongForm
from issuetracker.exceptions import InvalidInput, StoreUnavailable, UnknownIssue
from issuetracker.issues import Issue
from issuetracker.messages import bare_id
from issuetracker.reading import read_issue

if TYPE_CHECKING:
    _IssueAdmin = admin.ModelAdmin[models.Issue]
else:
    _IssueAdmin = admin.ModelAdmin

View = Callable[..., HttpResponse]

_NOT_READ = (
    "The store of issues does not answer.",
    "No report is lost meanwhile: what services report waits in the log until the store is back.",
)
_NOT_WRITTEN = (
    "Your change was not saved: neither the log nor the store takes it at the moment.",
    "Go back with your browser to find what you wrote, and send it again in a while.",
)


def _or_unavailable(view: View) -> View:
    """Answer with a page that tells the way out when the store is down, or the issue is gone."""

    @wraps(view)
    def wrapper(self: "IssueAdmin", request: HttpRequest, **captured: str) -> HttpResponse:
        try:
            return view(self, request, **captured)
        except UnknownIssue:
            return self.missing(request, captured["issue_id"])
        except StoreUnavailable:
            return self.unavailable(request)

    return wrapper


class IssueAdmin(_IssueAdmin):
    """Issues, whichever store they are in.

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

    def get_urls(self) -> list[URLPattern]:
        """The list, an issue, and what can be done to it; nothing of ``ModelAdmin``'s own."""
        return [
            self._path("", require_GET(self.list_view), "changelist"),
            self._path("news/", require_GET(self.news_view), "news"),
            self._path("<str:issue_id>/", require_GET(self.issue_view), "change"),
            self._path("<str:issue_id>/comment/", require_POST(self.comment_view), "comment"),
            self._path("<str:issue_id>/update/", require_POST(self.update_view), "update"),
            self._path(
                "<str:issue_id>/delete/",
                require_http_methods(["GET", "POST"])(self.confirm_delete_view),
                "delete",
            ),
        ]

    def _path(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        guarded = update_wrapper(self.admin_site.admin_view(view), view)
        return path(route, guarded, name=f"issuetracker_issue_{name}")

    @_or_unavailable
    def list_view(self, request: HttpRequest) -> HttpResponse:
        """The list of issues."""
        self._require_view(request)
        try:
            context = list_context(request.GET)
        except InvalidInput:
            messages.warning(request, "That page of the list is gone; these are the newest issues.")
            given = request.GET.copy()
            given.pop("cursor", None)
            return HttpResponseRedirect(f"?{given.urlencode()}")
        context["api"] = request.build_absolute_uri(reverse("issues"))
        return self._page(request, "issue_list", "Issues", **context)

    def news_view(self, request: HttpRequest) -> HttpResponse:
        """How many issues of a list are new or have changed: asked now and then by the list."""
        self._require_view(request)
        after = parse_datetime(request.GET.get("after", ""))
        if after is None or after.tzinfo is None:
            return JsonResponse({"error": "after: a time with its zone"}, status=400)
        try:
            count = count_news(request.GET, after)
        except StoreUnavailable:
            return JsonResponse({"error": "the store does not answer"}, status=503)
        return JsonResponse({"count": count})

    @_or_unavailable
    def issue_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """One issue."""
        self._require_view(request)
        return self._issue_page(request, issue_id)

    @_or_unavailable
    def comment_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """Write a comment."""
        issue = self._require_issue(request, issue_id)
        if issue is None:
            return self.missing(request, issue_id)
        try:
            add_comment(issue.id, request.POST.dict(), request.user.get_username())
        except WrongForm as error:
            given = {"comment_error": str(error), "comment_body": request.POST.get("body", "")}
            return self._issue_page(request, issue_id, status=HTTPStatus.BAD_REQUEST, **given)
        messages.success(request, "Your comment was added.")
        return HttpResponseRedirect(f"{_address(issue.id)}#comments")

    @_or_unavailable
    def update_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """Set the status, the priority, the assignee or a mute, merge it or take it out again."""
        deletes = request.POST.get("status") == "deleted"
        if deletes:
            self._require_delete(request)
        issue = self._require_issue(request, issue_id)
        if issue is None:
            return self.missing(request, issue_id)
        try:
            done = update_issue(issue.id, request.POST.dict(), request.user.get_username())
        except WrongForm as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
            if deletes:
                record_deletion(issue.id, request.user.get_username(), request)
        return HttpResponseRedirect(_address(issue.id))

    @_or_unavailable
    def confirm_delete_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """Ask before an issue is deleted, then delete it."""
        self._require_delete(request)
        issue = self._require_issue(request, issue_id)
        if issue is None:
            return self.missing(request, issue_id)
        if request.method == "POST":
            return self._delete(request, issue)
        return self._page(
            request,
            "confirm_delete",
            "Delete this issue?",
            issue_name=issue_title(issue),
            issue_address=_address(issue.id),
            event_id=str(uuid.uuid4()),
        )

    def _delete(self, request: HttpRequest, issue: Issue) -> HttpResponse:
        form = {"status": "deleted", "event_id": request.POST.get("event_id", "")}
        try:
            update_issue(issue.id, form, request.user.get_username())
        except WrongForm as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(_address(issue.id))
        record_deletion(issue.id, request.user.get_username(), request)
        messages.success(request, f"“{issue_title(issue)}” was deleted.")
        return HttpResponseRedirect(reverse("admin:issuetracker_issue_changelist"))

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

    def _issue_page(
        self, request: HttpRequest, issue_id: str, *, status: int = HTTPStatus.OK, **given: str
    ) -> HttpResponse:
        if self.get_object(request, issue_id) is None:
            return self.missing(request, issue_id)
        try:
            context = issue_context(bare_id(issue_id), request.GET)
        except InvalidInput:
            messages.warning(request, "That part of the page is gone; this is its beginning.")
            return HttpResponseRedirect(request.path)
        if context is None:
            return self.missing(request, issue_id)
        return self._page(request, "issue", status=status, **context, **given)

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


def _address(issue_id: str) -> str:
    return reverse("admin:issuetracker_issue_change", args=[issue_id])
