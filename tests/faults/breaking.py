"""What is done to the product while the load goes on. Each row of the table is one of these."""

import os
import random
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import redis
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.cimpl import NewPartitions

from issuetracker.messages import GROUP, TOPIC, NewIssue, Reported
from tests.faults.levers.breaking import CLOCK, DIE_BEFORE_COMMIT
from tests.faults.world import World, children_of

CONSUMER = "issue-consumer"
#: Longer than a consumer's session (6 s): its partitions have gone to another one meanwhile.
BEYOND_THE_SESSION = 9.0
_POISON_KINDS = 5


@dataclass
class Broken:
    """What a fault leaves for the audit to know.

    Attributes:
        since: the moment (monotonic) from which recovery counts.
        recovered: seconds after which everything sent before it was stored, if that was measured.
        poison: messages put on the topic that can never succeed.
        clock_jumped: whether the API's clock did not run evenly.
    """

    since: float
    recovered: float | None = None
    poison: int = 0
    clock_jumped: bool = False


Fault = Callable[[World, float], Broken]


def _now() -> Broken:
    return Broken(since=time.monotonic())


def nothing(_world: World, seconds: float) -> Broken:
    """Nothing breaks."""
    time.sleep(seconds)
    return _now()


def consumer_killed_once(world: World, seconds: float) -> Broken:
    """The only consumer is killed with -9, and started again after a second."""
    broken = _now()
    world.system.send_signal(CONSUMER, signal.SIGKILL)
    broken.recovered = world.seconds_to_catch_up(broken.since, within=60)
    time.sleep(seconds / 2)
    return broken


def consumer_killed_at_random(world: World, seconds: float) -> Broken:
    """The only consumer is killed with -9 again and again, at random moments of its work."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        starts = world.system.starts(CONSUMER)
        world.system.send_signal(CONSUMER, signal.SIGKILL)
        world.wait_for_starts(CONSUMER, starts)
        time.sleep(random.uniform(0, 1.5))
    return _now()


def consumer_killed_before_commit(world: World, seconds: float) -> Broken:
    """The consumer is killed between the store's write and its commit, each time it comes up."""
    world.lever(DIE_BEFORE_COMMIT, "")
    time.sleep(seconds)
    world.lever(DIE_BEFORE_COMMIT, None)
    return _now()


def consumer_ended(world: World, seconds: float) -> Broken:
    """The consumer ends as it does in a deployment, and is started again later."""
    status = world.system.stop(CONSUMER)
    assert status == 0, f"the consumer ended with {status}"
    time.sleep(seconds)
    world.system.start(CONSUMER)
    return _now()


def consumers_rolling(world: World, seconds: float) -> Broken:
    """Two more consumers join, each of the three is restarted in turn, two leave again."""
    with _more_consumers(world, 2) as more:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for role in (CONSUMER, *more):
                status = world.system.stop(role)
                assert status == 0, f"{role} ended with {status}"
                world.system.start(role)
    return _now()


def one_of_three_killed(world: World, seconds: float) -> Broken:
    """One of three consumers is killed with -9, and started again after a second."""
    with _more_consumers(world, 2) as more:
        broken = _now()
        world.system.send_signal(more[0], signal.SIGKILL)
        broken.recovered = world.seconds_to_catch_up(broken.since, within=60)
        time.sleep(seconds / 2)
    return broken


def consumer_frozen(world: World, seconds: float) -> Broken:
    """One of two consumers stands still beyond its session, and then goes on."""
    with _more_consumers(world, 1):
        world.system.send_signal(CONSUMER, signal.SIGSTOP)
        time.sleep(max(seconds, BEYOND_THE_SESSION))
        world.system.send_signal(CONSUMER, signal.SIGCONT)
        broken = _now()
        time.sleep(2)
    return broken


def group_forgotten(world: World, seconds: float) -> Broken:
    """The group's positions are lost, as with another name: the whole log comes again."""
    world.system.stop(CONSUMER)
    admin = world.admin()
    admin.delete_consumer_groups([GROUP])[GROUP].result(timeout=10)
    time.sleep(seconds)
    world.system.start(CONSUMER)
    return _now()


def positions_out_of_range(world: World, seconds: float) -> Broken:
    """The group's positions lie past the end of the log."""
    world.system.stop(CONSUMER)
    _set_positions(world, {n: high + 1_000_000 for n, high in world.high_marks().items()})
    time.sleep(seconds)
    world.system.start(CONSUMER)
    return _now()


def retention_overtook(world: World, seconds: float) -> Broken:
    """Retention removes what the group has written already, but has not committed."""
    world.seconds_to_catch_up(time.monotonic(), within=60)
    world.system.stop(CONSUMER)
    written = world.positions(world.high_marks())
    _set_positions(world, {number: max(0, offset - 50) for number, offset in written.items()})
    admin = world.admin()
    cut = [TopicPartition(TOPIC, number, offset) for number, offset in written.items()]
    for done in admin.delete_records(cut).values():
        done.result(timeout=10)
    time.sleep(seconds)
    world.system.start(CONSUMER)
    return _now()


def broker_killed(world: World, seconds: float) -> Broken:
    """The broker is killed with -9 and started again."""
    world.services.kill("kafka")
    time.sleep(seconds)
    world.services.start("kafka")
    return _now()


def broker_frozen(world: World, seconds: float) -> Broken:
    """The broker stands still in the middle of produce requests, several times."""
    for _ in range(2):
        world.services.pause("kafka")
        time.sleep(seconds / 2)
        world.services.resume("kafka")
        time.sleep(1)
    return _now()


def topic_made_anew(world: World, seconds: float) -> Broken:
    """The topic is deleted once everything in it is read, and made anew by whoever needs it."""
    with world.load.paused():
        world.seconds_to_catch_up(time.monotonic(), within=60)
        admin = world.admin()
        admin.delete_topics([TOPIC], operation_timeout=10)[TOPIC].result(timeout=15)
        # The controller answers before the broker has heard of it, which until then acknowledges
        # what it is about to delete: that would be lost unread.
        time.sleep(1)
    time.sleep(seconds)
    return _now()


def partitions_added(world: World, seconds: float) -> Broken:
    """The topic gets two partitions more: issues change the partition they are in."""
    admin = world.admin()
    count = len(world.high_marks()) + 2
    admin.create_partitions([NewPartitions(TOPIC, count)])[TOPIC].result(timeout=10)
    time.sleep(seconds)
    return _now()


def store_killed(world: World, seconds: float) -> Broken:
    """The store is killed with -9 and started again."""
    assert world.part
    world.services.kill(world.part)
    time.sleep(seconds)
    world.services.start(world.part)
    return _now()


def store_late(world: World, seconds: float) -> Broken:
    """The store does what it is asked, but answers after everybody's deadline; twice."""
    assert world.part
    for _ in range(2):
        world.services.pause(world.part)
        time.sleep(max(6.0, seconds / 2))
        world.services.resume(world.part)
        time.sleep(1)
    return _now()


def broker_and_store_frozen(world: World, seconds: float) -> Broken:
    """Broker and store stand still: nothing can be accepted."""
    assert world.part
    world.services.pause(world.part)
    world.services.pause("kafka")
    time.sleep(seconds)
    world.services.resume("kafka")
    world.services.resume(world.part)
    return _now()


def redis_killed(world: World, seconds: float) -> Broken:
    """Redis is killed with -9 and started again, empty."""
    world.services.kill("redis")
    time.sleep(seconds)
    world.services.start("redis")
    return _now()


def redis_flushed(world: World, seconds: float) -> Broken:
    """Redis is emptied again and again."""
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(world.redis_url) as client:
        while time.monotonic() < deadline:
            client.flushall()
            time.sleep(0.5)
    return _now()


def web_workers_killed(world: World, seconds: float) -> Broken:
    """A worker of the web server is killed with -9, again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for worker in random.sample(children_of(world.system.pid("web")), 1):
            os.kill(worker, signal.SIGKILL)
        # The server gives up when its workers die as soon as they have started.
        time.sleep(6)
    return _now()


def disk_full(world: World, seconds: float) -> Broken:
    """The disk under SQLite is full, and has room again later."""
    filler = world.disk / "filler"
    # Without a buffer: what is left in one when the disk is full fails again when it is closed.
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(64 * 1024))
            except OSError:
                break
    assert shutil.disk_usage(world.disk).free < 64 * 1024
    time.sleep(seconds)
    filler.unlink()
    return _now()


def clock_jumps(world: World, seconds: float) -> Broken:
    """The API's clock jumps by up to two hours, in both directions."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        world.lever(CLOCK, str(random.choice([-7200, -61, -0.5, 0.5, 61, 7200])))
        time.sleep(0.5)
    world.lever(CLOCK, None)
    broken = _now()
    broken.clock_jumped = True
    return broken


def poison(world: World, seconds: float) -> Broken:
    """One message in a hundred can never succeed, and one is over every limit."""
    # The client's own limit is below the broker's.
    options = {"acks": "all", "message.max.bytes": 2_000_000, "log_level": 2}
    producer = Producer({"bootstrap.servers": world.brokers, **options})
    deadline = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < deadline:
        for key, value in _poison(sent):
            producer.produce(TOPIC, value, key)
            sent += 1
        producer.poll(100 * _POISON_KINDS / world.load.rate)
    assert producer.flush(10) == 0
    broken = _now()
    broken.poison = sent
    return broken


def _poison(number: int) -> Iterator[tuple[str, bytes | None]]:
    issue_id, event_id = str(uuid.uuid4()), str(uuid.uuid4())
    change = Reported(
        issue_id=issue_id,
        event_id=event_id,
        time=datetime.now(UTC),
        actor="service.poison",
        issue=NewIssue(title="Poison", component="poison"),
    )
    yield issue_id, b"not JSON \xff"
    yield issue_id, None
    yield str(uuid.uuid4()), msgspec.json.encode(change)
    yield issue_id, msgspec.json.encode(change).replace(b"reported", b"unheard-of")
    if number == 0:
        # A megabyte is what the broker takes; every field of it is past its limit.
        huge = msgspec.structs.replace(
            change, issue=NewIssue(title="x" * 100_000, description="x" * 900_000)
        )
        yield issue_id, msgspec.json.encode(huge)
    else:
        yield issue_id, b'{"kind":"reported","issue_id":"' + issue_id.encode() + b'"}'


def _set_positions(world: World, offsets: Mapping[int, int]) -> None:
    """Have the group, which has no member just now, stand elsewhere, by partition."""
    places = [TopicPartition(TOPIC, number, offset) for number, offset in offsets.items()]
    admin = world.admin()
    request = ConsumerGroupTopicPartitions(GROUP, places)
    admin.alter_consumer_group_offsets([request])[GROUP].result(timeout=10)


@contextmanager
def _more_consumers(world: World, count: int) -> Iterator[list[str]]:
    roles = [f"{CONSUMER}-{number + 2}" for number in range(count)]
    for role in roles:
        world.system.start(role)
    yield roles
    for role in roles:
        world.system.stop(role)


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        fault: what happens.
        store: the store under it.
        answers: the status codes that callers may be given; 0: none in time.
        times: how much longer than others it takes.
    """

    fault: Fault
    store: str
    answers: frozenset[int]
    times: int = 1

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.fault.__name__.replace('_', ' ')}, {self.store}"


_ACCEPTED = frozenset({200, 201, 202})
_ANY = _ACCEPTED | {0, 503}
#: Without Redis an issue is known as it is stored, and with a clock that jumps as it was set last
#: by that clock: what is set next may not fit.
_STALE = _ACCEPTED | {409}

ROWS = [
    Row(nothing, "firestore", _ACCEPTED),
    Row(consumer_killed_once, "firestore", _ACCEPTED),
    Row(consumer_killed_at_random, "firestore", _ACCEPTED, times=4),
    Row(consumer_killed_before_commit, "firestore", _ACCEPTED),
    Row(consumer_ended, "firestore", _ACCEPTED),
    Row(consumers_rolling, "firestore", _ACCEPTED),
    Row(one_of_three_killed, "firestore", _ACCEPTED),
    Row(consumer_frozen, "firestore", _ACCEPTED),
    Row(group_forgotten, "firestore", _ACCEPTED),
    Row(positions_out_of_range, "firestore", _ACCEPTED),
    Row(retention_overtook, "firestore", _ACCEPTED),
    Row(broker_killed, "firestore", _ANY),
    Row(broker_frozen, "firestore", _ANY),
    Row(partitions_added, "firestore", _ACCEPTED),
    Row(topic_made_anew, "firestore", _ANY),
    Row(store_late, "firestore", _ACCEPTED | {0, 503}),
    Row(broker_and_store_frozen, "firestore", _ANY),
    Row(redis_killed, "firestore", _STALE | {0}),
    Row(redis_flushed, "firestore", _STALE),
    Row(web_workers_killed, "firestore", _ANY, times=3),
    Row(clock_jumps, "firestore", _STALE),
    Row(poison, "firestore", _ACCEPTED),
    Row(nothing, "postgres", _ACCEPTED),
    Row(consumer_killed_at_random, "postgres", _ACCEPTED, times=4),
    Row(consumer_killed_before_commit, "postgres", _ACCEPTED),
    Row(consumer_frozen, "postgres", _ACCEPTED),
    Row(broker_killed, "postgres", _ANY),
    Row(store_killed, "postgres", _ACCEPTED | {0, 503}),
    Row(store_late, "postgres", _ACCEPTED | {0, 503}),
    Row(poison, "postgres", _ACCEPTED),
    Row(disk_full, "sqlite", _ANY),
]
