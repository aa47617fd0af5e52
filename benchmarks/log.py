"""The topic, seen from outside the product: how much is in it, filling it, passing it over."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from issuetracker.messages import GROUP, TOPIC, Reported

_SECONDS = 15


class Log:
    """The issues' topic.

    Args:
        brokers: ``host:port`` of the broker.
    """

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers

    def length(self) -> int:
        """How many messages were ever put into it."""
        with self._looking() as consumer:
            return sum(place.offset for place in _ends(consumer))

    def pass_over(self) -> None:
        """Have the group go on behind all that is in it now; no member may run."""
        with self._looking() as consumer:
            consumer.commit(offsets=_ends(consumer), asynchronous=False)

    def fill(self, changes: Iterable[Reported]) -> None:
        """Put ``changes`` into it, as the API does, and wait until the broker has them all.

        Raises:
            RuntimeError: the broker did not take one of them.
        """
        failed: list[str] = []

        def note(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(str(error))

        options = {"linger.ms": 5, "queue.buffering.max.messages": 1_000_000, "log_level": 2}
        producer = Producer({"bootstrap.servers": self._brokers, "acks": "all", **options})
        for change in changes:
            value, key = msgspec.json.encode(change), change.issue_id
            producer.produce(TOPIC, value, key, on_delivery=note)
            producer.poll(0)
        left = producer.flush(60)
        if left or failed:
            raise RuntimeError(f"{left + len(failed)} messages are not in the log {failed[:1]}")

    @contextmanager
    def _looking(self) -> Iterator[Consumer]:
        options = {"bootstrap.servers": self._brokers, "group.id": GROUP, "log_level": 2}
        consumer = Consumer(options)
        try:
            yield consumer
        finally:
            consumer.close()


def _ends(consumer: Consumer) -> list[TopicPartition]:
    known = consumer.list_topics(TOPIC, timeout=_SECONDS).topics[TOPIC].partitions
    places = [TopicPartition(TOPIC, number) for number in known]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=_SECONDS)[1]
    return places
