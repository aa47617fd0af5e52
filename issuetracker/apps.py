"""Django's configuration of the issue tracker app."""

from django.apps import AppConfig


class IssueTrackerConfig(AppConfig):
    """Issues: the API that accepts them, the consumer that keeps them, the admin site."""

    name = "issuetracker"
    verbose_name = "Issue tracker"

    def ready(self) -> None:
        """Register the system checks."""
        from issuetracker import checks  # noqa: F401, PLC0415 - needs the app registry
