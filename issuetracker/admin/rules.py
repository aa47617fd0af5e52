"""The rules that say what new issues begin with; Django's own pages do."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from issuetracker.models import Rule

    _RuleAdmin = admin.ModelAdmin[Rule]
else:
    _RuleAdmin = admin.ModelAdmin


_PATTERN = "* stands for any characters, ? for one; empty: any."
_HELP = {
    "position": "Of the rules that match a report, the one with the lowest decides.",
    "component": _PATTERN,
    "exception_type": f"Of the exception that was raised, such as builtins.*; {_PATTERN}",
    "title_prefix": "How the title begins; empty: anyhow.",
    "tag": "One of the tags; empty: any.",
    "priority": "What a new issue's priority becomes; empty: what the service said.",
    "assignee": "The name of the user who works on it; empty: nobody.",
}


class RuleAdmin(_RuleAdmin):
    """Rules in the order in which they are asked."""

    list_display = (
        "name",
        "position",
        "enabled",
        "component",
        "exception_type",
        "title_prefix",
        "tag",
        "priority",
        "assignee",
    )
    list_editable = ("position", "enabled")
    list_filter = ("enabled", "priority")
    search_fields = ("name", "component", "exception_type", "title_prefix", "tag")

    def get_form(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as Django has it
        """The form of one rule, each field with what it means."""
        return super().get_form(*arguments, help_texts=_HELP, **options)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list of rules."""
        return super().changelist_view(request, {"title": "Rules", **(extra_context or {})})
