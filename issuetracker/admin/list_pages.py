"""The list of issues and what is done to several of them: addresses and views."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST
from msgspec.structs import replace

from issuetracker.admin.base import IssuePages, or_unavailable
from issuetracker.admin.bulk import (
    Outcome,
    change_issues,
    count_of,
    read_wanted,
    undo,
    undoable,
)
from issuetracker.admin.filters import address, read_filters
from issuetracker.admin.listing import count_news, list_context
from issuetracker.admin.overview import overview_context
from issuetracker.admin.people import assignable
from issuetracker.admin.searching import typed_address
from issuetracker.admin.update_form import MUTES, WrongForm
from issuetracker.api.exporting import FORMATS, STABLE_ORDER, export
from issuetracker.exceptions import InvalidInput, StoreUnavailable, TooManyAtOnce

#: What the session remembers of the last change of several issues, and the parameter that tells
#: its page.
_DONE = "issuetracker_bulk"
_DONE_PARAMETER = "done"


class ListPages(IssuePages):
    """The overview, the list, what is new in it, and changes of many issues."""

    def list_urls(self) -> list[URLPattern]:
        """The addresses of these pages."""
        return [
            self._path("", require_GET(self.list_view), "changelist"),
            self._path("overview/", require_GET(self.overview_view), "overview"),
            self._path("export/", require_GET(self.export_view), "export"),
            self._path("news/", require_GET(self.news_view), "news"),
            self._path("bulk/", require_POST(self.bulk_view), "bulk"),
            self._path("undo/", require_POST(self.undo_view), "undo"),
        ]

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        """What broke lately, and whether reports flow; it is there whatever is down."""
        self._require_view(request)
        with_runs = request.user.has_perm("workflow.view_run")
        context = overview_context(request.user.get_username(), with_runs=with_runs)
        return self._page(request, "overview", "Overview", **context)

    @or_unavailable
    def list_view(self, request: HttpRequest) -> HttpResponse:
        """The list of issues."""
        self._require_view(request)
        username = request.user.get_username()
        typed = typed_address(request.GET, username)
        if typed is not None:
            return HttpResponseRedirect(f"?{typed}")
        try:
            context = list_context(request.GET, username)
        except InvalidInput:
            messages.warning(request, "That page of the list is gone; these are the newest issues.")
            given = request.GET.copy()
            given.pop("cursor", None)
            return HttpResponseRedirect(f"?{given.urlencode()}")
        context["api"] = request.build_absolute_uri(reverse("issues"))
        if self.has_change_permission(request):
            context |= _bulk_context(request)
        return self._page(request, "issue_list", "Issues", **context)

    @or_unavailable
    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The whole list as a file."""
        self._require_view(request)
        form = next((name for name in FORMATS if name == request.GET.get("format")), None)
        if form is None:
            raise Http404
        filters = read_filters(request.GET, timezone.now())
        if filters.wrong:
            # The list says which: a file without them would hold more than was asked for.
            return HttpResponseRedirect(_list_address(request.GET))
        query = filters.query
        if "order" not in filters.params:
            query = replace(query, order=STABLE_ORDER)
        try:
            return export(query, form)
        except TooManyAtOnce as error:
            messages.warning(request, str(error))
            return HttpResponseRedirect(_list_address(request.GET))

    def news_view(self, request: HttpRequest) -> HttpResponse:
        """How many issues of a list are new or have changed: asked now and then by the list."""
        self._require_view(request)
        after = parse_datetime(request.GET.get("after", ""))
        if after is None or after.tzinfo is None:
            return JsonResponse({"error": "after: a time with its zone"}, status=400)
        try:
            news = count_news(request.GET, after)
        except StoreUnavailable:
            return JsonResponse({"error": "the store does not answer"}, status=503)
        return JsonResponse(news._asdict())

    @or_unavailable
    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Change every issue that is chosen in the list."""
        self._require_change(request)
        params = _given(request)
        try:
            outcome = change_issues(
                request.POST.getlist("issue"),
                read_wanted(request.POST.dict(), timezone.now()),
                event_id=request.POST.get("event_id", ""),
                actor=request.user.get_username(),
            )
        except WrongForm as error:
            messages.warning(request, str(error))
        else:
            _tell(request, outcome)
            params[_DONE_PARAMETER] = _remember(request, outcome)
        return HttpResponseRedirect(_list_address(params))

    @or_unavailable
    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Take the last change of several issues back."""
        self._require_change(request)
        params = _given(request)
        done = request.session.get(_DONE)
        if done is None or done["id"] != request.POST.get("done"):
            messages.warning(request, "That cannot be taken back any more.")
        else:
            del request.session[_DONE]
            _undo(request, done)
        return HttpResponseRedirect(_list_address(params))

    def _require_change(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied


def _bulk_context(request: HttpRequest) -> dict[str, Any]:
    done = request.session.get(_DONE)
    shown = done is not None and done["id"] == request.GET.get(_DONE_PARAMETER)
    return {
        "mutes": [(value, label) for value, (label, _) in MUTES.items()],
        "people": assignable(request.user.get_username()),
        "done": done if shown else None,
        "event_id": str(uuid.uuid4()),
    }


def _remember(request: HttpRequest, outcome: Outcome) -> str:
    """Keep what takes ``outcome`` back; the id under which it is kept."""
    form = request.POST["event_id"]
    held = request.session.get(_DONE)
    # The same form sent again did nothing more, and must not take away what takes the first back.
    if held is None or held["form"] != form:
        held = request.session[_DONE] = {**undoable(outcome), "form": form}
    done_id: str = held["id"]
    return done_id


def _undo(request: HttpRequest, done: dict[str, Any]) -> None:
    outcome = undo(done, actor=request.user.get_username())
    _tell(request, outcome)
    restored = count_of(len(outcome.before))
    messages.success(request, f"Undone: {restored} set back to what was before.")


def _given(request: HttpRequest) -> QueryDict:
    """The parameters of the list that the form was on."""
    params = QueryDict(request.POST.get("here", "").removeprefix("?"), mutable=True)
    params.pop(_DONE_PARAMETER, None)
    return params


def _tell(request: HttpRequest, outcome: Outcome) -> None:
    for complaint in outcome.complaints:
        messages.warning(request, complaint)


def _list_address(params: QueryDict) -> str:
    changelist = reverse("admin:issuetracker_issue_changelist")
    return changelist + address(dict(params.lists())) if params else changelist
