"""Django's configuration of the access app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Service users and their tokens."""

    name = "issuetracker.access"
    label = "access"
    verbose_name = "Access"
