"""Running a row: load, fault, recovery, audit."""

import math
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, Message, TopicPartition

from issuetracker.exceptions import StoreUnavailable
from issuetracker.messages import TOPIC
from kafka_worker.letters.form import dead_letters_of
from tests.faults.audit import Audit, audit
from tests.faults.breaking import Row
from tests.faults.load import Load
from tests.faults.world import World

_LETTERS = dead_letters_of(TOPIC)
#: Seconds for everything to be as it was answered, once nothing is broken any more.
_WITHIN = 90.0


@dataclass(frozen=True)
class Result:
    """What a row came to.

    Attributes:
        row: which one.
        requests: how many changes were sent, those sent again included.
        rate: requests a second.
        answers: how often each status code was answered.
        audit: the answers held against the store.
        letters: messages in the dead letters that should not be there, or are missing there.
        recovered: seconds until everything sent before recovery was stored.
    """

    row: Row
    requests: int
    rate: float
    answers: Counter[int]
    audit: Audit
    letters: int
    recovered: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled, wrong, or answered as it should not be."""
        right = self.audit.clean and self.letters == 0 and math.isfinite(self.recovered)
        return right and set(self.answers) <= self.row.answers


def run(world: World, row: Row, *, rate: float, seconds: float) -> Result:
    """Run ``row`` in ``world``.

    Args:
        world: on the row's store, with nothing broken.
        row: what to do.
        rate: changes a second.
        seconds: how long the fault is to last, as far as it can be chosen; the load begins a
            quarter of it earlier and ends as much later.
    """
    component = f"faults-{uuid.uuid4().hex[:8]}"
    letters = _letters(world)
    world.load = load = Load(world.system.url, component, rate)
    began = time.monotonic()
    load.start()
    try:
        time.sleep(seconds / 4)
        broken = row.fault(world, seconds * row.times)
        recovered = broken.recovered or _recovered(world, broken.since)
        time.sleep(seconds / 4)
    finally:
        took = time.monotonic() - began
        load.stop()
    found = _audit_until_clean(world, load, in_order=not broken.clock_jumped)
    requests = sum(load.answers().values())
    return Result(
        row=row,
        requests=requests,
        rate=requests / took,
        answers=load.answers(),
        audit=found,
        letters=abs(len(_letters(world) - letters) - broken.poison),
        recovered=recovered,
    )


def _recovered(world: World, since: float) -> float:
    try:
        return world.seconds_to_catch_up(since, within=_WITHIN)
    except AssertionError as stuck:
        print(stuck)
        return math.inf


def _audit_until_clean(world: World, load: Load, *, in_order: bool) -> Audit:
    """The audit as soon as it finds nothing, or as it is once everything is read for sure."""
    _recovered(world, time.monotonic())
    deadline = time.monotonic() + 15
    with world.opened_store() as store:
        while True:
            try:
                found = audit(store, load.sent, in_order=in_order)
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise
            else:
                if found.clean or time.monotonic() > deadline:
                    return found
            time.sleep(0.5)


def _letters(world: World) -> set[tuple[str, ...]]:
    """Where each message in the dead letters came from."""
    options = {"bootstrap.servers": world.brokers, "group.id": "audit", "log_level": 2}
    consumer = Consumer({**options, "auto.offset.reset": "earliest"})
    try:
        return {_origin(message) for message in _read_all(consumer)}
    finally:
        consumer.close()


def _read_all(consumer: Consumer) -> Iterator[Message]:
    known = consumer.list_topics(_LETTERS, timeout=10).topics[_LETTERS].partitions
    places = [TopicPartition(_LETTERS, number, 0) for number in known]
    consumer.assign(places)
    ends = {one.partition: consumer.get_watermark_offsets(one, timeout=10)[1] for one in places}
    while any(ends.values()):
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        if (message.offset() or 0) + 1 >= ends[message.partition() or 0]:
            ends[message.partition() or 0] = 0
        yield message


def _origin(message: Message) -> tuple[str, ...]:
    headers = dict(message.headers() or [])
    names = ("topic-id", "partition", "offset")
    return tuple(str(headers[f"dead-letter-{name}"]) for name in names)
