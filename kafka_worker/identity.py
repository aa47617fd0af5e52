"""Which topic this is: the same name may come back as another topic, with offsets from 0.

A consumer that trusts its offsets then skips messages without an error. So the topic's id is read
on assignment, on errors, when offsets run backwards, and every minute.
"""

import logging
import uuid
from typing import TYPE_CHECKING, Protocol

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

if TYPE_CHECKING:
    from concurrent.futures import Future

    from confluent_kafka.admin._topic import TopicDescription as _TopicDescription

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 5.0
_RETRY_AFTER = 1.0
NO_ID = "A" * 22
"""What a broker without topic ids gives: sixteen zero bytes in base64."""


class TopicIdentity(Protocol):
    """Tells the topic's id.

    Attributes:
        current: the id last read; empty before the first time.
    """

    current: str

    @property
    def settled(self) -> bool:
        """Whether ``current`` is known, and no look that was demanded is outstanding."""

    def demand(self) -> None:
        """Have the id read anew, and do not count as settled before that."""

    def tick(self, now: float) -> None:
        """Go on with reading, without waiting; ``now`` is monotonic."""


class BrokerIdentity:
    """Asks the broker for the topic's id, in the background.

    Attributes:
        current: the id last read; empty before the first time.
    """

    def __init__(self, admin: AdminClient, topic: str, interval: float, fallback: str) -> None:
        """Make one that has not asked yet.

        Args:
            admin: must live as long as this does; its answers are lost with it.
            topic: the topic's name.
            interval: seconds between two looks.
            fallback: the id to use with brokers too old to have topic ids (before 2.8).
        """
        self.current = ""
        self._admin = admin
        self._topic = topic
        self._interval = interval
        self._fallback = fallback
        self._demanded = True
        self._due = 0.0
        self._answer: Future[_TopicDescription] | None = None
        # A demand came while an answer was on its way that may have been given before it.
        self._again = False
        self._failing = False

    @property
    def settled(self) -> bool:
        """Whether ``current`` is known, and no look that was demanded is outstanding."""
        return bool(self.current) and not self._demanded

    def demand(self) -> None:
        """Have the id read anew, and do not count as settled before that."""
        self._demanded = True
        self._again = self._answer is not None
        if not self._failing:
            self._due = 0.0

    def tick(self, now: float) -> None:
        """Ask when it is time, take the answer when it is there."""
        if self._answer is None:
            if now >= self._due:
                self._ask(now)
        elif self._answer.done():
            self._take(self._answer, now)

    def _ask(self, now: float) -> None:
        self._due = now + _RETRY_AFTER
        topics = TopicCollection([self._topic])
        answers = self._admin.describe_topics(topics, request_timeout=_REQUEST_TIMEOUT)
        self._answer = answers[self._topic]

    def _take(self, answer: "Future[_TopicDescription]", now: float) -> None:
        self._answer = None
        try:
            topic_id = str(answer.result().topic_id)
        except KafkaException as error:
            self._fail(error, now)
            return
        self._failing = False
        if self._again:
            self._again = False
            self._due = now
            return
        self.current = self._fallback if topic_id == NO_ID else topic_id
        self._demanded = False
        self._due = now + self._interval

    def _fail(self, error: KafkaException, now: float) -> None:
        if not self._failing:
            logger.warning("The id of topic %s can not be read: %s", self._topic, error)
        self._failing = True
        self._due = now + _RETRY_AFTER


class DerivedIdentity:
    """The identity of a topic in librdkafka's in-process broker, which has no topic ids.

    Attributes:
        current: the id, made of the name and of what differs with every start of that broker.
    """

    def __init__(self, current: str) -> None:
        self.current = current

    @property
    def settled(self) -> bool:
        """Always: it is known from the start and can not change."""
        return True

    def demand(self) -> None:
        """There is nothing to ask for."""

    def tick(self, now: float) -> None:
        """There is nothing to wait for."""


def derive_topic_id(cluster_id: str, addresses: list[str], topic: str) -> str:
    """An id for a topic of a broker that knows none.

    The in-process broker's log begins anew with every start, and so must the id: its cluster id
    and its port are drawn anew with every start.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join([cluster_id, *sorted(addresses), topic])))
