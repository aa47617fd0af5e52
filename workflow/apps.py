"""Django's configuration of the workflow app."""

from django.apps import AppConfig


class WorkflowAppConfig(AppConfig):
    """Runs workflows from Kafka and reports their exceptions to the issue tracker."""

    name = "workflow"
    verbose_name = "Workflows"
