"""The rules that say what new issues begin with; Django's own pages do."""

from typing import TYPE_CHECKING

from django.contrib import admin

if TYPE_CHECKING:
    from issuetracker.models import Rule

    _RuleAdmin = admin.ModelAdmin[Rule]
else:
    _RuleAdmin = admin.ModelAdmin


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
