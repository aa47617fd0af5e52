"""The Django app: finds every app's handlers at start."""

from django.apps import AppConfig

from kafka_worker.registry import autodiscover


class KafkaWorkerConfig(AppConfig):
    """Finds the handlers of all installed apps."""

    name = "kafka_worker"
    verbose_name = "Kafka worker"

    def ready(self) -> None:
        """Import the module ``handlers`` of every installed app."""
        autodiscover()
