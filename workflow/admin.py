"""Workflow runs in the admin site: to read, and to start again, not to edit."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from kafka_worker.exceptions import ConfigurationError
from workflow.exceptions import WorkflowError
from workflow.models import Run, Status, Step
from workflow.showing import as_json, ended, progress, timeline
from workflow.starting import retry_run

if TYPE_CHECKING:
    _RunAdmin = admin.ModelAdmin[Run]
else:
    _RunAdmin = admin.ModelAdmin


@admin.register(Run)
class RunAdmin(_RunAdmin):
    """The list of runs, and the page of one with its steps."""

    actions = None
    list_display = ("state", "name", "step", "created", "took", "tries", "issue")
    list_display_links = ("name",)
    list_filter = ("status", "workflow", "created_at")
    search_fields = ("=id", "workflow", "error_type", "error_message", "=issue_id")
    search_help_text = "A workflow's name, words of its error, or the id of a run or its issue."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_list_template = "workflow/run_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: a run is started by its message."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Run | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody: a run is the record of what happened."""
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Run | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody, for the same reason."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Django's own, and starting a run again."""
        answer = require_http_methods(["GET", "POST"])(self.retry_view)
        retry = self.admin_site.admin_view(answer)
        return [path("<uuid:run_id>/retry/", retry, name="workflow_run_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """Ask whether to start a failed run again, and do so, as ``manage.py retry_workflow``."""
        if not _may_retry(request):
            raise PermissionDenied
        run = Run.objects.filter(pk=run_id).first()
        if run is None:
            raise Http404
        if request.method != "POST":
            if _can_retry(run):
                return self._confirm_retry(request, run)
            messages.error(request, f"It was not started again: its status is {run.status}.")
            return HttpResponseRedirect(reverse("admin:workflow_run_change", args=[run_id]))
        try:
            retry_run(run_id)
        except (WorkflowError, ConfigurationError) as error:
            messages.error(request, f"It was not started again: {error}.")
        else:
            self.log_change(request, run, "Started again.")
            messages.success(request, "It is queued again, and goes on at the step that failed.")
        return HttpResponseRedirect(reverse("admin:workflow_run_change", args=[run_id]))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list of runs."""
        wide = {"title": "Runs", "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, {**wide, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Runs with as much of their steps as the list tells."""
        steps = Step.objects.defer("result", "error_message", "error_trace")
        return super().get_queryset(request).prefetch_related(Prefetch("steps", steps))

    @admin.display(description="state", ordering="status")
    def state(self, run: Run) -> SafeString:
        """The status, in its colour."""
        return format_html('<span class="badge status-{0}">{0}</span>', run.status)

    @admin.display(description="run", ordering="workflow")
    def name(self, run: Run) -> SafeString:
        """Workflow and the beginning of the id; the list's link to the run."""
        return format_html('{} <code class="quiet run-id">{}</code>', run.workflow, str(run.pk)[:8])

    @admin.display(description="steps")
    def step(self, run: Run) -> SafeString:
        """How many steps have succeeded, and where it stands or failed."""
        return _rendered("progress", run=run, **_progress(list(run.steps.all())))

    @admin.display(description="created", ordering="created_at")
    def created(self, run: Run) -> SafeString:
        """When it was first heard of."""
        return _rendered("when", moment=run.created_at)

    @admin.display(description="took", empty_value="")
    def took(self, run: Run) -> SafeString:
        """From its first step to its end, or until now."""
        return _rendered("took", one=run, until=ended(run, timezone.now()))

    @admin.display(description="attempts", ordering="attempts")
    def tries(self, run: Run) -> int:
        """How often it was taken up."""
        return run.attempts

    @admin.display(description="issue", empty_value="")
    def issue(self, run: Run) -> SafeString | None:
        """The issue that its latest exception was reported as."""
        address = _issue_address(run)
        if not address:
            return None
        return format_html('<a href="{}">{}</a>', address, str(run.issue_id)[:8])

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: ARG002 - Django's signature
        change: bool = False,  # noqa: ARG002
        form_url: str = "",  # noqa: ARG002
        obj: Run | None = None,
    ) -> HttpResponse:
        """The page of a run instead of a form: there is nothing to edit."""
        if obj is None:
            raise Http404
        steps, now = list(Step.objects.filter(run=obj)), timezone.now()
        page = {
            **context,
            **self._page(obj),
            **_progress(steps),
            "payload": as_json(obj.payload),
            "steps": timeline(obj, steps, now),
            "until": ended(obj, now),
            "issue_address": _issue_address(obj),
            "can_retry": _may_retry(request) and _can_retry(obj),
        }
        return TemplateResponse(request, "workflow/run.html", page)

    def _confirm_retry(self, request: HttpRequest, run: Run) -> HttpResponse:
        page = {
            **self.admin_site.each_context(request),
            **self._page(run),
            **_progress(list(run.steps.all())),
        }
        return TemplateResponse(request, "workflow/retry.html", page)

    def _page(self, run: Run) -> dict[str, Any]:
        return {
            "opts": self.opts,
            "is_nav_sidebar_enabled": False,
            "title": run.workflow,
            "subtitle": None,
            "run": run,
        }


def _may_retry(request: HttpRequest) -> bool:
    # Not has_change_permission, by which Django would offer to edit it.
    return request.user.has_perm("workflow.change_run")


def _can_retry(run: Run) -> bool:
    # A pending one may have lost its message: asking again sends it again.
    return run.status in {Status.FAILED, Status.PENDING}


def _progress(steps: list[Step]) -> dict[str, Any]:
    finished, count, at = progress(steps)
    return {"finished": finished, "step_count": count, "at": at}


def _rendered(name: str, **context: object) -> SafeString:
    # By template: the library of times is the settings' own, which no app imports.
    return render_to_string(f"workflow/{name}.html", context)


def _issue_address(run: Run) -> str:
    """The tracker's page of the issue that was reported; by name, as the tracker is not needed."""
    if run.issue_id is None:
        return ""
    try:
        return reverse("admin:issuetracker_issue_change", args=[run.issue_id])
    except NoReverseMatch:
        return ""
