"""Django's configuration of the issue tracker app."""

from django.apps import AppConfig


class IssueTrackerConfig(AppConfig):
    """Issues: the API that accepts them, the consumer that keeps them, the admin site."""

    name = "issuetracker"
    verbose_name = "Issue tracker"
