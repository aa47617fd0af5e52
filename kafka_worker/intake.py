"""Everything between the topic and the handler: receiving, keeping, and knowing the position."""

import logging
import time
from collections.abc import Callable

import confluent_kafka
from confluent_kafka import KafkaException

from kafka_worker.buffer import Buffer, Received
from kafka_worker.config import WorkerConfig
from kafka_worker.handlers import Handler
from kafka_worker.identity import TopicIdentity
from kafka_worker.jobs import Entry
from kafka_worker.marks import Marks
from kafka_worker.messages import from_kafka, key_of, size_of, timestamp_of
from kafka_worker.metrics import Metrics
from kafka_worker.partitions import Partition, Partitions
from kafka_worker.policies import BatchPolicy
from kafka_worker.subscription import Subscription

logger = logging.getLogger(__name__)

_SLICE = 500
_RETRY_AFTER = 1.0
_COMMIT_EVERY = 0.2
_COUNT_EVERY = 0.5


class Intake:
    """Receives messages into a buffer and hands them out once their origin is certain.

    Attributes:
        buffer: what is received and not handed out.
        partitions: where this worker stands in each partition.
        held: whether receiving is paused.
        joined: whether the group has given this worker its share, which may be no partition.
    """

    def __init__(
        self,
        handler: Handler,
        config: WorkerConfig,
        *,
        identity: TopicIdentity,
        policy: BatchPolicy,
        metrics: Metrics,
        marks: Marks,
        before_revoke: Callable[[frozenset[int]], None],
    ) -> None:
        """Make one that has not joined the group yet.

        Args:
            handler: says topic and group.
            config: how to reach Kafka.
            identity: tells the topic's id.
            policy: the size up to which messages are fetched ahead.
            metrics: the handler's metrics.
            marks: tells where the partitions begin and end.
            before_revoke: called when partitions are about to go, while commits still count; may
                wait for the handler to be done with messages of theirs.
        """
        self.buffer: Buffer[confluent_kafka.Message] = Buffer(policy)
        self.partitions = Partitions()
        self.held = False
        self.joined = False
        self._identity = identity
        self._topic_id = identity.current
        self._metrics = metrics
        self._marks = marks
        self._before_revoke = before_revoke
        # Messages that were not handled when the topic was the same for certain.
        self._unread = 0
        self._next_count = 0.0
        self._next_look = 0.0
        self._next_commit = 0.0
        self._subscription = Subscription(config, handler.topic, handler.group, self)

    @property
    def ready(self) -> bool:
        """Whether it is certain which topic, and which position, the kept messages are of."""
        return self.identified and self.admitted

    @property
    def identified(self) -> bool:
        """Whether it is certain which topic this is."""
        return self._identity.settled

    @property
    def admitted(self) -> bool:
        """Whether it is certain from which position each partition is read."""
        return all(each.admitted for each in self.partitions)

    def open(self) -> None:
        """Join the group."""
        self._subscription.open()

    def close(self) -> None:
        """Leave the group."""
        self._subscription.close()

    def receive(self, timeout: float) -> None:
        """Receive into the buffer; waits at most ``timeout`` seconds for the first message."""
        limit = min(max(self.buffer.room, 1), _SLICE)
        received = self._subscription.receive(limit, timeout)
        self._metrics.consumed.inc(len(received))
        for raw in received:
            partition = self.partitions.get(raw.partition() or 0)
            if partition is not None:
                self._keep(raw, partition)

    def take(self, now: float) -> list[Entry]:
        """Hand out the next batch; ``now`` is monotonic."""
        return [
            Entry(from_kafka(item.raw, self._topic_id, item.timestamp), item.partition)
            for item in self.buffer.take(now)
            if item.partition.alive
        ]

    def hold(self) -> None:
        """Pause receiving, so that polling goes on without messages."""
        self._subscription.pause(self.partitions.numbers())
        if not self.held:
            self._metrics.pauses.inc()
        self.held = True

    def release(self) -> None:
        """Receive again."""
        self._subscription.resume(self.partitions.numbers())
        self.held = False

    def commit(self, now: float, *, at_once: bool = False) -> None:
        """Send what is done to the broker; several times a second at most."""
        offsets = self.partitions.uncommitted()
        if offsets and (at_once or now >= self._next_commit):
            self._next_commit = now + _COMMIT_EVERY
            self._subscription.commit(offsets, self._topic_id)

    def settle(self, timeout: float) -> bool:
        """Commit what is done and wait for the acknowledgement; returns whether it came.

        Receiving has to be held: what arrives here is never handled.
        """
        deadline = time.monotonic() + timeout
        self.commit(time.monotonic(), at_once=True)
        while self.partitions.uncommitted() and time.monotonic() < deadline:
            self._subscription.receive(1, 0.05)
        return not self.partitions.uncommitted()

    def tick(self, now: float) -> None:
        """Look after the topic's identity, new partitions and gaps, without waiting long."""
        self._identity.tick(now)
        self._marks.tick(now, self.partitions)
        for partition in self.partitions:
            partition.replace_position()
        if self._identity.settled and self._identity.current != self._topic_id:
            self._meet_topic()
        elif self._identity.settled and now >= self._next_count:
            # Once another topic is there, the ends of the partitions are that one's.
            self._next_count = now + _COUNT_EVERY
            self._unread = sum(self.lag().values())
        if now < self._next_look:
            return
        if self._identity.settled and not self.ready:
            self._next_look = now + _RETRY_AFTER
            self._ask(self._admit)
        if any(each.skipped for each in self.partitions):
            self._next_look = now + _RETRY_AFTER
            self._ask(self._count_removed)

    def lag(self) -> dict[int, int]:
        """By partition, the messages that are not handled yet, as far as known."""
        lag = {}
        for partition in self.partitions:
            messages = partition.lag(self._subscription.high_mark(partition.number))
            if messages is not None:
                lag[partition.number] = messages
        return lag

    def assigned(self, numbers: list[int]) -> None:
        """Partitions have become this worker's."""
        logger.info("Assigned partitions %s", numbers)
        self._metrics.rebalanced("assigned")
        self.joined = True
        self.partitions.add(numbers)
        self._identity.demand()
        self._next_look = 0.0

    def revoking(self, numbers: list[int]) -> None:
        """Partitions are about to go: commit what is done, drop what is not."""
        self.partitions.leave(numbers)
        self._before_revoke(frozenset(numbers))
        self.commit(time.monotonic(), at_once=True)
        self._drop(numbers, "revoked")

    def lost(self, numbers: list[int]) -> None:
        """Partitions are another worker's already: drop everything of them."""
        self.joined = False
        self._drop(numbers, "lost")

    def committed(self, number: int, offset: int) -> None:
        """The broker has acknowledged an offset."""
        self.partitions.acknowledge(number, offset)

    def troubled(self) -> None:
        """The client has reported an error; the topic may be another one afterwards."""
        self._identity.demand()

    def _keep(self, raw: confluent_kafka.Message, partition: Partition) -> None:
        offset = raw.offset() or 0
        if not partition.receive(offset):
            logger.warning("Offsets of partition %d run backwards, to %d", partition.number, offset)
            self.troubled()
        key = key_of(raw)
        self.buffer.add(Received(raw, partition, key, size_of(raw), timestamp_of(raw)))

    def _drop(self, numbers: list[int], change: str) -> None:
        self.partitions.remove(numbers)
        dropped = self.buffer.discard_dead()
        self._metrics.rebalanced(change)
        for number in numbers:
            self._metrics.lag(number, 0)
        logger.info("Partitions %s %s; %d kept messages dropped", numbers, change, dropped)

    def _meet_topic(self) -> None:
        before, self._topic_id = self._topic_id, self._identity.current
        if before:
            self._metrics.begun_anew.inc()
            logger.warning(
                "The topic was made anew (id %s, before %s): reading it from its beginning",
                self._topic_id,
                before,
            )
            self._count_deleted()
            self._rejoin()

    def _count_deleted(self) -> None:
        """Say what went with the earlier topic, as far as its end was seen."""
        unread, self._unread = self._unread, 0
        if unread:
            self._metrics.lost(unread, "deletion")
            logger.error("Up to %d messages of the earlier topic were deleted unread", unread)

    def _rejoin(self) -> None:
        """Begin as a new member; what is committed for the earlier topic will not count."""
        self.partitions.remove(self.partitions.numbers())
        self.buffer.discard_dead()
        self.joined = self.held = False
        self._subscription.reopen()

    def _restart(self, numbers: list[int]) -> None:
        if not numbers:
            return
        self._subscription.restart(numbers)
        self.partitions.add(numbers)
        self.buffer.discard_dead()
        for number in numbers:
            partition = self.partitions.get(number)
            if partition is not None:
                partition.admitted = partition.restarted = True
        self._apply_hold(numbers)

    def _admit(self) -> None:
        """Hold the committed offsets of new partitions against the topic's identity."""
        fresh = [each.number for each in self.partitions if not each.admitted]
        foreign = []
        for number, commit in self._subscription.positions(fresh).items():
            if commit.is_foreign(self._topic_id):
                foreign.append(number)
            else:
                self._admit_one(number, commit.offset)
        if foreign:
            self._metrics.begun_anew.inc()
            logger.warning("Offsets of partitions %s are of an earlier topic: ignored", foreign)
        self._restart(foreign)
        self._apply_hold(fresh)

    def _admit_one(self, number: int, offset: int | None) -> None:
        partition = self.partitions.get(number)
        if partition is not None:
            partition.admitted = True
            if offset is not None:
                partition.start_at(offset)

    def _apply_hold(self, numbers: list[int]) -> None:
        """Pause or resume: a pause outlives the assignment it was made in."""
        if self.held:
            self._subscription.pause(numbers)
        else:
            self._subscription.resume(numbers)

    def _count_removed(self) -> None:
        for partition in self.partitions:
            if not partition.skipped:
                continue
            removed = partition.removed_below(self._subscription.low_mark(partition.number))
            if removed:
                self._metrics.lost(removed, "retention")
                logger.error(
                    "Retention removed %d messages of partition %d before they were read",
                    removed,
                    partition.number,
                )

    @staticmethod
    def _ask(question: Callable[[], None]) -> None:
        try:
            question()
        except KafkaException as failure:
            logger.warning("Kafka did not answer; asking again: %s", failure)
