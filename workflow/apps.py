"""Django's configuration of the workflow app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WorkflowAppConfig(AppConfig):
    """Runs workflows from Kafka and reports their exceptions to the issue tracker."""

    name = "workflow"
    verbose_name = "Workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the workflows: the module ``workflows`` of every installed app."""
        autodiscover_modules("workflows")
