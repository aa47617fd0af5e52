"""Workflow runs in the admin site: to read, and to start again, not to edit."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from kafka_worker.exceptions import ConfigurationError
from workflow.exceptions import WorkflowError
from workflow.models import Run, Status
from workflow.starting import retry_run

if TYPE_CHECKING:
    _RunAdmin = admin.ModelAdmin[Run]
else:
    _RunAdmin = admin.ModelAdmin


@admin.register(Run)
class RunAdmin(_RunAdmin):
    """The list of runs, and the page of one with its steps."""

    actions = None
    list_display = ("name", "state", "step_count", "created", "finished")
    list_filter = ("status", "workflow", "created_at")
    search_fields = ("=id", "workflow", "error_type", "error_message")
    search_help_text = "The name of a workflow, words of its error, or the whole id of a run."
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
        retry = self.admin_site.admin_view(require_POST(self.retry_view))
        return [path("<uuid:run_id>/retry/", retry, name="workflow_run_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """Start a failed run again from the step that failed, as ``manage.py retry_workflow``."""
        if not _may_retry(request):
            raise PermissionDenied
        try:
            run = retry_run(run_id)
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
        return super().changelist_view(request, {"title": "Runs", **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Runs with how many steps each has finished."""
        finished = Count("steps", filter=Q(steps__status=Status.SUCCEEDED))
        return super().get_queryset(request).annotate(finished_steps=finished)

    @admin.display(description="run", ordering="workflow")
    def name(self, run: Run) -> SafeString:
        """Workflow and the beginning of the id; the list's link to the run."""
        return format_html('{} <code class="quiet run-id">{}</code>', run.workflow, str(run.pk)[:8])

    @admin.display(description="state", ordering="status")
    def state(self, run: Run) -> SafeString:
        """The status, in its colour."""
        return format_html('<span class="badge status-{0}">{0}</span>', run.status)

    @admin.display(description="finished steps")
    def step_count(self, run: Run) -> int:
        """How many steps have succeeded."""
        return int(getattr(run, "finished_steps", 0))

    @admin.display(description="created", ordering="created_at")
    def created(self, run: Run) -> SafeString:
        """When it was first heard of."""
        return _when(run.created_at)

    @admin.display(description="finished", ordering="finished_at")
    def finished(self, run: Run) -> SafeString:
        """When it ended."""
        return _when(run.finished_at)

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
        page = {
            **context,
            "opts": self.opts,
            "is_nav_sidebar_enabled": False,
            "title": obj.workflow,
            "subtitle": None,
            "run": obj,
            "payload": _json(obj.payload),
            "steps": [(step, _json(step.result)) for step in obj.steps.all()],
            "issue_address": _issue_address(obj),
            # A pending one may have lost its message: asking again sends it again.
            "can_retry": _may_retry(request) and obj.status in {Status.FAILED, Status.PENDING},
        }
        return TemplateResponse(request, "workflow/run.html", page)


def _may_retry(request: HttpRequest) -> bool:
    # Not has_change_permission, by which Django would offer to edit it.
    return request.user.has_perm("workflow.change_run")


def _when(moment: datetime | None) -> SafeString:
    # By template: the library is the settings' own, which no app imports.
    return render_to_string("workflow/when.html", {"moment": moment})


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _issue_address(run: Run) -> str:
    """The tracker's page of the issue that was reported; by name, as the tracker is not needed."""
    if run.issue_id is None:
        return ""
    try:
        return reverse("admin:issuetracker_issue_change", args=[run.issue_id])
    except NoReverseMatch:
        return ""
