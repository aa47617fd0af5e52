"""Where partitions begin and end, asked for in the background.

What the consumer knows of a partition's end comes with the messages it receives: it knows nothing
before the first one, and nothing new while receiving is paused.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from kafka_worker.partitions import Partition

if TYPE_CHECKING:
    from concurrent.futures import Future

    from confluent_kafka.admin import ListOffsetsResultInfo  # type: ignore[attr-defined]

logger = logging.getLogger(__name__)

_INTERVAL = 5.0
_INTERVAL_WHEN_NEW = 1.0
_REQUEST_TIMEOUT = 5.0

_Answers = dict[TopicPartition, "Future[ListOffsetsResultInfo]"]
_FIRST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LAST = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Marks:
    """Tells partitions their first and last offsets."""

    def __init__(self, admin: AdminClient, topic: str) -> None:
        """Make one that has not asked yet.

        Args:
            admin: must live as long as this does; its answers are lost with it.
            topic: the topic's name.
        """
        self._admin = admin
        self._topic = topic
        self._asked_at = float("-inf")
        self._asked: list[Partition] = []
        self._first: _Answers = {}
        self._last: _Answers = {}

    def tick(self, now: float, partitions: Iterable[Partition]) -> None:
        """Ask when it is time, take the answers when all are there; ``now`` is monotonic."""
        if self._asked:
            if all(each.done() for each in (*self._first.values(), *self._last.values())):
                self._take()
            return
        known = list(partitions)
        new = any(each.high is None for each in known)
        if known and now - self._asked_at >= (_INTERVAL_WHEN_NEW if new else _INTERVAL):
            self._asked_at = now
            self._ask(known)

    def _ask(self, partitions: list[Partition]) -> None:
        places = [TopicPartition(self._topic, each.number) for each in partitions]
        self._asked = partitions
        self._first = self._list(places, _FIRST)
        self._last = self._list(places, _LAST)

    def _list(self, places: list[TopicPartition], spec: OffsetSpec) -> _Answers:
        questions = dict.fromkeys(places, spec)
        answers: _Answers = self._admin.list_offsets(questions, request_timeout=_REQUEST_TIMEOUT)
        return answers

    def _take(self) -> None:
        low, high = _offsets(self._first), _offsets(self._last)
        for partition in self._asked:
            partition.low = low.get(partition.number, partition.low)
            partition.high = high.get(partition.number, partition.high)
        self._asked = []


def _offsets(answers: _Answers) -> dict[int, int]:
    offsets = {}
    for place, answer in answers.items():
        try:
            offsets[place.partition] = int(answer.result().offset)
        except KafkaException as error:
            # An outage is told by the consumer itself; the lag stays as it was.
            logger.debug("The end of %s can not be read: %s", place, error)
    return offsets
