from datetime import UTC, datetime, timedelta

from kafka_worker.buffer import Buffer, Cadence, Received
from kafka_worker.partitions import Partition
from kafka_worker.policies import BatchPolicy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def received(
    raw: int, size: int = 1, partition: Partition | None = None, key: bytes = b"key"
) -> Received[int]:
    return Received(raw, partition or Partition(0), key, size, NOW)


def taken(buffer: Buffer[int], now: float = 100.0) -> list[int]:
    return [item.raw for item in buffer.take(now)]


def filled(policy: BatchPolicy, sizes: list[int]) -> Buffer[int]:
    buffer: Buffer[int] = Buffer(policy)
    for number, size in enumerate(sizes):
        buffer.add(received(number, size))
    return buffer


def test_a_batch_ends_at_the_number_of_messages() -> None:
    buffer = filled(BatchPolicy(max_messages=3), [1] * 5)
    assert taken(buffer) == [0, 1, 2]
    assert taken(buffer) == [3, 4]
    assert taken(buffer) == []


def test_a_batch_ends_at_the_number_of_bytes() -> None:
    buffer = filled(BatchPolicy(max_bytes=100), [40, 60, 1])
    assert taken(buffer) == [0, 1]
    assert taken(buffer) == [2]


def test_a_message_larger_than_a_batch_is_a_batch() -> None:
    buffer = filled(BatchPolicy(max_bytes=100), [500, 1])
    assert taken(buffer) == [0]
    assert buffer.room > 0


def test_room_ends_with_either_limit_and_comes_back() -> None:
    buffer = filled(BatchPolicy(max_messages=3, max_bytes=100), [1, 1])
    assert buffer.room == 1
    buffer.add(received(2, 98))
    assert buffer.room == 0
    buffer.take(100.0)
    assert buffer.room == 3


def test_messages_of_an_ended_assignment_are_dropped() -> None:
    gone, kept = Partition(0), Partition(1)
    buffer: Buffer[int] = Buffer(BatchPolicy(max_bytes=10))
    buffer.add(received(0, 9, gone))
    buffer.add(received(1, 1, kept))
    gone.alive = False
    assert buffer.discard_dead() == 1
    assert buffer.room > 0
    assert taken(buffer) == [1]


def test_the_oldest_message_is_the_one_that_came_first() -> None:
    buffer: Buffer[int] = Buffer(BatchPolicy())
    assert buffer.oldest is None
    buffer.add(received(0))
    assert buffer.oldest == NOW


EVERY_SECOND = BatchPolicy(max_messages=5, interval=timedelta(seconds=1))


def test_a_key_that_was_in_no_batch_lately_is_handed_out_at_once() -> None:
    buffer: Buffer[int] = Buffer(EVERY_SECOND)
    buffer.add(received(0, key=b"a"))
    assert taken(buffer, 100.0) == [0]
    buffer.add(received(1, key=b"b"))
    assert buffer.wait(100.1) == 0
    assert taken(buffer, 100.1) == [1]
    buffer.add(received(2, key=b"a"))
    assert buffer.wait(101.0) == 0
    assert taken(buffer, 101.0) == [2]


def test_a_key_waits_until_the_interval_is_up_and_its_messages_come_together() -> None:
    buffer: Buffer[int] = Buffer(EVERY_SECOND)
    partition = Partition(0)
    buffer.add(received(0, partition=partition))
    buffer.take(100.0)
    for number in (1, 2):
        buffer.add(received(number, partition=partition))
    assert buffer.wait(100.25) == 0.75
    assert taken(buffer, 100.25) == []
    assert taken(buffer, 101.0) == [1, 2]


def test_what_stands_behind_a_waiting_message_waits_and_other_partitions_do_not() -> None:
    buffer: Buffer[int] = Buffer(EVERY_SECOND)
    busy, other = Partition(0), Partition(1)
    buffer.add(received(0, partition=busy))
    buffer.take(100.0)
    buffer.add(received(1, partition=busy))
    buffer.add(received(2, partition=busy, key=b"new"))
    buffer.add(received(3, partition=other, key=b"new too"))
    assert buffer.wait(100.5) == 0
    assert taken(buffer, 100.5) == [3]
    assert buffer.wait(100.5) == 0.5
    assert taken(buffer, 101.0) == [1, 2]


def test_a_full_buffer_waits_for_nothing() -> None:
    buffer: Buffer[int] = Buffer(EVERY_SECOND)
    buffer.add(received(0))
    buffer.take(100.0)
    for number in range(1, 6):
        buffer.add(received(number))
    assert buffer.wait(100.1) == 0
    assert taken(buffer, 100.1) == [1, 2, 3, 4, 5]


def test_without_an_interval_nothing_waits() -> None:
    buffer: Buffer[int] = Buffer(BatchPolicy())
    for number in (0, 1):
        buffer.add(received(number))
        assert buffer.wait(100.0) == 0
        assert taken(buffer, 100.0) == [number]


def test_only_the_keys_of_the_last_interval_are_remembered() -> None:
    cadence = Cadence(1.0)
    cadence.started([b"a", b"b"], 100.0)
    cadence.started([b"b"], 100.5)
    cadence.started([b"c"], 101.2)
    assert [cadence.due(key) for key in (b"a", b"b", b"c")] == [0.0, 101.5, 102.2]
