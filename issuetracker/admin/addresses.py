"""The addresses of issues in the admin site, as its pages link to them."""

from django.urls import reverse

from issuetracker.admin.filters import address


def issue_address(issue_id: str) -> str:
    """The address of an issue's page."""
    return reverse("admin:issuetracker_issue_change", args=[issue_id])


def list_address(**filters: str) -> str:
    """The address of the issue list with these filters."""
    changelist = reverse("admin:issuetracker_issue_changelist")
    return changelist + address({name: [value] for name, value in filters.items()})
