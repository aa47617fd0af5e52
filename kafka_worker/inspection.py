"""What the brokers know about the consumers of a handler: members, positions, lag."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from kafka_worker.commits import Commit, commit_of
from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.handlers import Handler
from kafka_worker.identity import NO_ID, derive_topic_id
from kafka_worker.topics import Cluster

if TYPE_CHECKING:
    from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]

_FIRST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_FIRST_TIMEOUT = 3.0
_REQUEST_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Member:
    """One consumer of a group.

    Attributes:
        id: what the broker calls it.
        client_id: what it calls itself.
        host: where it connects from.
        instance_id: its stable name, or None.
        partitions: numbers of the topic's partitions that are assigned to it.
    """

    id: str
    client_id: str
    host: str
    instance_id: str | None
    partitions: list[int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands in one partition.

    Attributes:
        partition: number of the partition.
        committed: offset of the first message that is not handled; None: nothing was committed.
        first: offset of the first message there is.
        end: offset after the last message there is.
        lag: messages not handled.
        last_write: when the position was committed; None: never, or not by a worker.
        foreign: whether the position is of an earlier topic of that name, and does not count.
    """

    partition: int
    committed: int | None
    first: int
    end: int
    lag: int
    last_write: datetime | None
    foreign: bool


@dataclass(slots=True)
class Group:
    """The consumers of one handler.

    Attributes:
        handler: name of the handler.
        topic: the topic.
        group: the consumer group.
        state: the group's state in the broker's words; None when it cannot be known.
        members: its members; None when they cannot be known.
        places: where it stands in each partition; empty when there is no such topic.
        notes: what cannot be known, or is not yet there, and why.
        problems: what is wrong, and what to do.
    """

    handler: str
    topic: str
    group: str
    state: str | None = None
    members: list[Member] | None = None
    places: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def lag(self) -> int:
        """Messages not handled, of all partitions."""
        return sum(place.lag for place in self.places)

    @property
    def last_write(self) -> datetime | None:
        """When a worker last committed a position; None: never."""
        times = [place.last_write for place in self.places if place.last_write is not None]
        return max(times, default=None)


class Inspector:
    """Asks the brokers. Each question has a few seconds."""

    def __init__(self, config: WorkerConfig) -> None:
        self._servers = config.bootstrap_servers
        self._admin = AdminClient(dict(config.client_options()))

    def inspect(self, handlers: list[type[Handler]]) -> list[Group]:
        """Look at the consumers of each handler.

        Raises:
            Unavailable: no broker answers, or it refuses to.
        """
        with self._translated():
            metadata = self._admin.list_topics(timeout=_FIRST_TIMEOUT)
            return [self._inspect(handler, metadata) for handler in handlers]

    def held(self, topics: Iterable[str]) -> dict[str, int]:
        """How many messages each of the topics holds; none for one that is not there.

        Raises:
            Unavailable: no broker answers, or it refuses to.
        """
        with self._translated():
            known = self._admin.list_topics(timeout=_FIRST_TIMEOUT).topics
            return {
                topic: self._held(topic, sorted(known[topic].partitions)) if topic in known else 0
                for topic in topics
            }

    def _held(self, topic: str, numbers: list[int]) -> int:
        firsts = self._offsets(topic, numbers, _FIRST)
        ends = self._offsets(topic, numbers, _END)
        return sum(ends[number] - firsts[number] for number in numbers)

    def _inspect(self, handler: type[Handler], metadata: "ClusterMetadata") -> Group:
        cluster = Cluster.of(metadata)
        found = Group(handler.name, handler.topic, handler.group)
        if cluster.in_process:
            found.notes.append("the in-process broker does not tell the group's state and members")
        else:
            self._add_members(found)
        if handler.topic in cluster.topics:
            numbers = sorted(metadata.topics[handler.topic].partitions)
            found.places = self._places(found, numbers, self._topic_id(cluster, handler.topic))
        else:
            found.notes.append("there is no such topic yet; a worker makes it when it starts")
        found.problems = list(_problems(found))
        return found

    def _add_members(self, found: Group) -> None:
        answers = self._admin.describe_consumer_groups(
            [found.group], request_timeout=_REQUEST_TIMEOUT
        )
        try:
            description = answers[found.group].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise
            found.state, found.members = "dead", []
            return
        found.state = description.state.name.lower().replace("_", " ")
        found.members = [
            Member(
                each.member_id,
                each.client_id,
                each.host.lstrip("/"),
                each.group_instance_id,
                sorted(
                    place.partition
                    for place in each.assignment.topic_partitions
                    if place.topic == found.topic
                ),
            )
            for each in description.members
        ]

    def _topic_id(self, cluster: Cluster, topic: str) -> str:
        derived = derive_topic_id(cluster.cluster_id, cluster.addresses, topic)
        if cluster.in_process:
            return derived
        topics = TopicCollection([topic])
        answers = self._admin.describe_topics(topics, request_timeout=_REQUEST_TIMEOUT)
        found = str(answers[topic].result().topic_id)
        return derived if found == NO_ID else found

    def _places(self, found: Group, numbers: list[int], topic_id: str) -> list[Place]:
        commits = self._commits(found, numbers)
        firsts = self._offsets(found.topic, numbers, _FIRST)
        ends = self._offsets(found.topic, numbers, _END)
        places = []
        for number in numbers:
            commit = commits.get(number, Commit(None))
            foreign = commit.is_foreign(topic_id)
            first, end = firsts[number], ends[number]
            begin = first if commit.offset is None or foreign else max(commit.offset, first)
            lag = max(0, end - begin)
            places.append(Place(number, commit.offset, first, end, lag, commit.time, foreign))
        return places

    def _commits(self, found: Group, numbers: list[int]) -> dict[int, Commit]:
        places = [TopicPartition(found.topic, number) for number in numbers]
        request = ConsumerGroupTopicPartitions(found.group, places)
        answers = self._admin.list_consumer_group_offsets(
            [request], request_timeout=_REQUEST_TIMEOUT
        )
        committed = answers[found.group].result().topic_partitions
        return {each.partition: commit_of(each.offset, each.metadata) for each in committed}

    def _offsets(self, topic: str, numbers: list[int], spec: OffsetSpec) -> dict[int, int]:
        questions = {TopicPartition(topic, number): spec for number in numbers}
        answers = self._admin.list_offsets(questions, request_timeout=_REQUEST_TIMEOUT)
        return {place.partition: int(answer.result().offset) for place, answer in answers.items()}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise Unavailable(f"Kafka at {self._servers} ({error.args[0].str()})") from error


def _problems(found: Group) -> Iterator[str]:
    if found.members == [] and found.lag:
        yield (
            f"{found.lag} messages wait and nobody consumes them: "
            f"start a worker (manage.py run_worker {found.handler})"
        )
    foreign = [place.partition for place in found.places if place.foreign]
    if foreign:
        yield (
            f"the positions of partitions {_listed(foreign)} are of an earlier topic of that name: "
            "a worker ignores them and reads from the beginning, and its next commit replaces "
            "them; if messages are missing, find out who deleted the topic"
        )
    removed = [place for place in found.places if _removed(place)]
    if removed:
        count = sum(_removed(place) for place in removed)
        yield (
            f"retention removed {count} messages of partitions "
            f"{_listed([place.partition for place in removed])} before they were read: have the "
            "topic keep more (retention.ms, retention.bytes), or consume faster"
        )


def _removed(place: Place) -> int:
    if place.committed is None or place.foreign:
        return 0
    return max(0, place.first - place.committed)


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)
