"""Reads a topic as a stream, up to where it ended when the reading began; and letters so.

Nothing is committed and no group is joined, so that any number of people may look at once.
"""

import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.letters.form import Letter, dead_letters_of, letter_in

_TIMEOUT = 2.0
#: Seconds without a record after which the broker counts as away.
_SILENCE = 5.0
_AT_ONCE = 500
_CHUNK_LETTERS = 500
_CHUNK_BYTES = 8 * 1024 * 1024
#: Of each error, how much a list keeps: tens of thousands of letters must fit into memory.
LISTED_ERROR = 200
_REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
}

Range = tuple[int, int]
Fetched = tuple[Letter, KafkaMessage]


@dataclass(frozen=True, slots=True)
class Found:
    """What a reading found.

    Attributes:
        letters: those that are not discarded, the oldest first.
        foreign: how many records of the topic are no letters.
    """

    letters: list[Letter] = field(default_factory=list)
    foreign: int = 0


class TopicReader:
    """Reads one topic.

    Args:
        config: where the brokers are.
        name: the topic's name.
    """

    def __init__(self, config: WorkerConfig, name: str) -> None:
        self.name = name
        self._config = config

    def ends(self) -> dict[int, Range]:
        """First offset and the one after the last, of each partition that holds anything.

        Raises:
            Unavailable: the broker does not answer.
        """
        with self._consumer() as consumer:
            return self._ends(consumer)

    def partitions(self) -> frozenset[int]:
        """Numbers of the topic's partitions; none when it is not there.

        Raises:
            Unavailable: the broker does not answer.
        """
        with self._consumer() as consumer:
            return self._numbers(consumer)

    def at(self, partition: int, offset: int) -> KafkaMessage | None:
        """The record at this place, or None.

        Raises:
            Unavailable: the broker does not answer.
        """
        with self._consumer() as consumer:
            ranges = _narrowed(self._ends(consumer), [(partition, offset)])
            for raw in self._records(consumer, ranges):
                if raw.offset() == offset:
                    return raw
        return None

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        options = {
            **self._config.client_options(),
            # The client wants a name even where no group is joined.
            "group.id": "dead-letters",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 16_384,
            "fetch.queue.backoff.ms": 50,
        }
        consumer = Consumer(options, logger=logging.getLogger("kafka_worker.librdkafka"))
        try:
            yield consumer
        except KafkaException as failure:
            raise self._translate(failure.args[0]) from failure
        finally:
            consumer.close()

    def _ends(self, consumer: Consumer) -> dict[int, Range]:
        ends: dict[int, Range] = {}
        for number in self._numbers(consumer):
            place = TopicPartition(self.name, number)
            marks = consumer.get_watermark_offsets(place, timeout=_TIMEOUT)
            if marks is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
            if marks[0] < marks[1]:
                ends[number] = marks
        return ends

    def _numbers(self, consumer: Consumer) -> frozenset[int]:
        # All topics: asking for one by name could make it.
        described = consumer.list_topics(timeout=_TIMEOUT).topics.get(self.name)
        return frozenset(described.partitions if described is not None else ())

    def _records(
        self, consumer: Consumer, ranges: Mapping[int, Range], deadline: float = math.inf
    ) -> Iterator[KafkaMessage]:
        """Every record in the ranges, of which each ends when its last offset is passed."""
        left = dict(ranges)
        consumer.assign([TopicPartition(self.name, each, left[each][0]) for each in left])
        silent = 0.0
        while left:
            began = time.monotonic()
            received = consumer.consume(_AT_ONCE, 0.2)
            silent = 0.0 if received else silent + time.monotonic() - began
            if silent > _SILENCE:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
            if began > deadline:
                raise Unavailable(f"the end of topic {self.name} (not reached in time)")
            for raw in received:
                if self._is_record(raw, left):
                    yield raw

    def _is_record(self, raw: KafkaMessage, left: dict[int, Range]) -> bool:
        """Whether it is a record of the ranges; takes a range away when it is read to its end."""
        error, number, offset = raw.error(), raw.partition() or 0, raw.offset() or 0
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            if error.fatal() or error.code() in _REFUSED:
                raise KafkaException(error)
            return False  # it heals, or the silence ends the reading
        wanted = left.get(number)
        if wanted is None:
            return False
        if error is not None or offset >= wanted[1] - 1:
            del left[number]
        return error is None and offset < wanted[1]

    def _translate(self, error: KafkaError) -> Exception:
        if error.code() in _REFUSED:
            return ConfigurationError(f"Kafka refuses to read topic {self.name}: {error.str()}")
        return Unavailable(f"Kafka at {self._config.bootstrap_servers} ({error.str()})")


class LetterReader(TopicReader):
    """Reads the dead-letter topic of one topic.

    Args:
        config: where the brokers are.
        topic: the topic whose dead letters are read.
        seconds: how long finding the letters may take; fetching has as long as its caller takes.
    """

    def __init__(self, config: WorkerConfig, topic: str, seconds: float) -> None:
        super().__init__(config, dead_letters_of(topic))
        self._seconds = seconds

    def find(self) -> Found:
        """Every letter on the topic; none when there is no such topic yet.

        Raises:
            Unavailable: the broker does not answer, or not to the end in time.
            ConfigurationError: the broker refuses.
        """
        latest: dict[tuple[str, int], Letter] = {}
        foreign = 0
        with self._consumer() as consumer:
            deadline = time.monotonic() + self._seconds
            for raw in self._records(consumer, self._ends(consumer), deadline):
                letter = letter_in(raw, LISTED_ERROR)
                if letter is not None:
                    latest[letter.id, raw.partition() or 0] = letter
                elif raw.value() is None and raw.key() is not None:
                    latest.pop((_key(raw), raw.partition() or 0), None)
                else:
                    foreign += 1
        return Found(_joined(latest.values()), foreign)

    def fetch(self, letters: Iterable[Letter]) -> Iterator[Fetched]:
        """The whole records of letters that ``find`` has found, in the order of the topic.

        One that has been written again or compacted away meanwhile is left out.

        Raises:
            Unavailable: the broker does not answer.
            ConfigurationError: the broker refuses.
        """
        wanted = {letter.places[-1]: letter for letter in letters}
        with self._consumer() as consumer:
            ends = self._ends(consumer)
            for raw in self._records(consumer, _narrowed(ends, wanted)):
                letter = wanted.get((raw.partition() or 0, raw.offset() or 0))
                found = letter and letter_in(raw)
                if letter is not None and found and found.id == letter.id:
                    yield letter, raw


def in_chunks(fetched: Iterable[Fetched]) -> Iterator[list[Fetched]]:
    """As many letters at a time as fit into memory, however many and however large they are."""
    chunk: list[Fetched] = []
    size = 0
    for letter, raw in fetched:
        if chunk and (len(chunk) == _CHUNK_LETTERS or size + letter.size > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((letter, raw))
        size += letter.size
    if chunk:
        yield chunk


def _key(raw: KafkaMessage) -> str:
    key = raw.key() or b""
    return key if isinstance(key, str) else key.decode(errors="replace")


def _joined(letters: Iterable[Letter]) -> list[Letter]:
    """One letter for each id: the last one written, with the places of all."""
    found: dict[str, Letter] = {}
    for letter in sorted(letters, key=lambda each: each.time):
        before = found.get(letter.id)
        places = (*before.places, *letter.places) if before else letter.places
        found[letter.id] = replace(letter, places=places)
    return sorted(found.values(), key=lambda each: (each.time, each.id))


def _narrowed(ends: Mapping[int, Range], wanted: Iterable[tuple[int, int]]) -> dict[int, Range]:
    """The parts of the ranges in which something is wanted."""
    offsets: dict[int, list[int]] = {}
    for number, offset in wanted:
        offsets.setdefault(number, []).append(offset)
    return {
        number: (max(low, min(offsets[number])), min(high, max(offsets[number]) + 1))
        for number, (low, high) in ends.items()
        if number in offsets and max(offsets[number]) >= low
    }
