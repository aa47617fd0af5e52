"""The workflow app's consumer on a topic and in a group that the environment names."""

import os
from datetime import timedelta

from kafka_worker.registry import register
from workflow.handlers import WorkflowHandler
from workflow.processor import WorkflowProcessor


@register
class SampleHandler(WorkflowHandler):
    """As the product's own, with a short lease."""

    name = "sample-workflows"
    topic = os.environ.get("SAMPLE_TOPIC", "sample-workflows")
    group = os.environ.get("SAMPLE_GROUP", "sample-workflows")

    def setup(self) -> None:
        """Put the parts together."""
        super().setup()
        self._processor = WorkflowProcessor(
            self._container.issue_tracker_client, lease=timedelta(seconds=2)
        )
