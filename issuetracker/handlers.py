"""The issue tracker's Kafka handler."""

from collections.abc import Sequence

from django.conf import settings

from issuetracker.consumer import IssueTrackerConsumer
from issuetracker.messages import GROUP
from issuetracker.providers import get_store
from issuetracker.providers.redis import get_recents
from kafka_worker import (
    BatchHandler,
    BatchPolicy,
    Message,
    Part,
    Rejected,
    Unavailable,
    register,
)

#: Of a storm, more messages in a batch are fewer writes; what a batch costs once counts less, too.
MESSAGES_IN_A_BATCH = 5_000


@register
class IssueHandler(BatchHandler):
    """Writes what the topic says into the store."""

    name = "issue-consumer"
    topic = settings.ISSUETRACKER_TOPIC
    group = GROUP

    def __init__(self) -> None:
        store = get_store()
        self.batch = BatchPolicy(max_messages=MESSAGES_IN_A_BATCH, interval=store.write_interval)
        self._store = store
        self._recents = get_recents()
        self._consumer = IssueTrackerConsumer(store, self._recents)

    def handle(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        """Apply a batch."""
        return self._consumer.process(batch)

    def parts(self) -> Sequence[Part]:
        """The store; and Redis, without which nothing but freshness is lost."""
        store = Part(f"store ({self._store.name})", self._store.ping)
        if not self._recents.is_configured:
            return [store]
        return [store, Part("recents (Redis)", self._ask_recents, required=False)]

    def _ask_recents(self) -> None:
        if not self._recents.ping():
            raise Unavailable("Redis")
