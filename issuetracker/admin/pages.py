"""The page of one issue in the admin site, and what its buttons do."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issuetracker.access.audit import record_deletions
from issuetracker.admin.addresses import issue_address
from issuetracker.admin.base import or_unavailable
from issuetracker.admin.changing import add_comment, update_issue
from issuetracker.admin.detail import issue_context
from issuetracker.admin.list_pages import ListPages
from issuetracker.admin.listing import issue_title
from issuetracker.admin.update_form import WrongForm, read_update
from issuetracker.exceptions import InvalidInput
from issuetracker.issues import Issue
from issuetracker.messages import bare_id


class IssueAdmin(ListPages):
    """Issues: their lists, and the page of each."""

    def get_urls(self) -> list[URLPattern]:
        """The list, an issue, and what can be done to it; nothing of ``ModelAdmin``'s own."""
        return [
            *self.list_urls(),
            self._path("<str:issue_id>/", require_GET(self.issue_view), "change"),
            self._path("<str:issue_id>/comment/", require_POST(self.comment_view), "comment"),
            self._path("<str:issue_id>/update/", require_POST(self.update_view), "update"),
            self._path(
                "<str:issue_id>/delete/",
                require_http_methods(["GET", "POST"])(self.confirm_delete_view),
                "delete",
            ),
        ]

    @or_unavailable
    def issue_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """One issue."""
        self._require_view(request)
        return self._issue_page(request, issue_id)

    @or_unavailable
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
        return HttpResponseRedirect(f"{issue_address(issue.id)}#comments")

    @or_unavailable
    def update_view(self, request: HttpRequest, issue_id: str) -> HttpResponse:
        """Set the status, the priority, the assignee or a mute, merge it or take it out again."""
        issue = self._require_issue(request, issue_id)
        if issue is None:
            return self.missing(request, issue_id)
        try:
            messages.success(request, self._update(request, issue, request.POST.dict()))
        except WrongForm as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(issue_address(issue.id))

    def _update(self, request: HttpRequest, issue: Issue, form: dict[str, str]) -> str:
        """Do what a form asks for, by what was read of it: deletion has a permission of its own."""
        actor = request.user.get_username()
        update = read_update(form, timezone.now())
        if update.status == "deleted":
            self._require_delete(request)
        done = update_issue(issue.id, update, form, actor)
        if update.status == "deleted":
            record_deletions([issue.id], actor, request, event_id=form["event_id"])
        return done

    @or_unavailable
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
            issue_address=issue_address(issue.id),
            event_id=str(uuid.uuid4()),
        )

    def _delete(self, request: HttpRequest, issue: Issue) -> HttpResponse:
        form = {"status": "deleted", "event_id": request.POST.get("event_id", "")}
        try:
            self._update(request, issue, form)
        except WrongForm as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(issue_address(issue.id))
        messages.success(request, f"“{issue_title(issue)}” was deleted.")
        return HttpResponseRedirect(reverse("admin:issuetracker_issue_changelist"))

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
