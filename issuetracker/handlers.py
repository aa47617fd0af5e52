"""The issue tracker's Kafka handler."""

from collections.abc import Sequence

from django.conf import settings

from issuetracker.consumer import IssueTrackerConsumer
from issuetracker.messages import GROUP
from issuetracker.providers import get_store
from issuetracker.providers.redis import get_recents
from kafka_worker import BatchHandler, BatchPolicy, Message, Rejected, register


@register
class IssueHandler(BatchHandler):
    """Writes what the topic says into the store."""

    name = "issue-consumer"
    topic = settings.ISSUETRACKER_TOPIC
    group = GROUP

    def __init__(self) -> None:
        store = get_store()
        self.batch = BatchPolicy(interval=store.write_interval)
        self._consumer = IssueTrackerConsumer(store, get_recents())

    def handle(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        """Apply a batch."""
        return self._consumer.process(batch)
