"""Django's configuration of the access app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Who may do what: service users and their tokens, roles, logins, the audit log."""

    name = "issuetracker.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        """Listen to logins and to the end of requests."""
        from issuetracker.access import signals  # noqa: F401, PLC0415 - needs the app registry
