"""The audit log in the admin site: to read, and nothing else."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from issuetracker.access.admin.showing import badge, moment
from issuetracker.access.models import AuditEntry

if TYPE_CHECKING:
    _AuditEntryAdmin = admin.ModelAdmin[AuditEntry]
else:
    _AuditEntryAdmin = admin.ModelAdmin

_REFUSALS = {
    AuditEntry.Action.LOGIN_FAILED,
    AuditEntry.Action.LOGIN_LOCKED,
    AuditEntry.Action.TOKEN_REFUSED,
}


class AuditEntryAdmin(_AuditEntryAdmin):
    """The list of entries; every column is on it, so there is no page of one."""

    actions = None
    list_display = ("when", "what", "who", "subject", "detail", "network", "times")
    list_display_links = None
    list_filter = ("action", "time")
    search_fields = ("actor", "subject", "network")
    search_help_text = "Part of a user's name, of what it was done to, or of a network."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_list_template = "access/audit_log.html"

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: entries write themselves."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: AuditEntry | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody: it is the record of what happened."""
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: AuditEntry | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody: entries go when they are old enough."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list of entries."""
        wide = {"title": "Audit log", "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, {**wide, **(extra_context or {})})

    @admin.display(description="when", ordering="time")
    def when(self, entry: AuditEntry) -> SafeString:
        """When; the latest time of what is counted."""
        return moment(entry.last_time)

    @admin.display(description="what", ordering="action")
    def what(self, entry: AuditEntry) -> SafeString:
        """What was done, refusals in their colour."""
        kind = "refused" if entry.action in _REFUSALS else "done"
        return badge(kind, entry.get_action_display())

    @admin.display(description="who", ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        """Who did it."""
        return entry.actor or "-"

    @admin.display(description="times")
    def times(self, entry: AuditEntry) -> int:
        """How often within an hour."""
        return entry.count
