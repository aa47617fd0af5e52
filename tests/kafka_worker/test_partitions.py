from kafka_worker.partitions import Partition, Partitions


def assigned(*numbers: int) -> Partitions:
    partitions = Partitions()
    partitions.add(numbers)
    return partitions


def one(partitions: Partitions, number: int = 0) -> Partition:
    partition = partitions.get(number)
    assert partition is not None
    return partition


def test_only_what_is_done_and_not_acknowledged_is_committed() -> None:
    partitions = assigned(0, 1)
    one(partitions).finish(41)
    assert partitions.uncommitted() == {0: 42}
    partitions.acknowledge(0, 42)
    assert partitions.uncommitted() == {}


def test_a_partition_that_has_gone_is_never_committed() -> None:
    partitions = assigned(0, 1)
    leaving = one(partitions)
    partitions.remove([0])
    leaving.finish(41)
    assert partitions.uncommitted() == {}


def test_a_partition_that_came_back_ignores_what_its_earlier_assignment_finishes() -> None:
    partitions = assigned(0)
    earlier = one(partitions)
    partitions.remove([0])
    partitions.add([0])
    earlier.finish(41)
    assert partitions.uncommitted() == {}
    assert not earlier.alive
    assert one(partitions).alive


def test_what_is_under_way_when_a_partition_leaves_still_counts() -> None:
    partitions = assigned(0)
    partitions.leave([0])
    assert not one(partitions).alive
    one(partitions).finish(41)
    assert partitions.uncommitted() == {0: 42}


def test_an_acknowledgement_for_a_partition_that_has_gone_is_ignored() -> None:
    partitions = assigned(1)
    partitions.acknowledge(0, 42)
    assert partitions.get(0) is None


def test_offsets_that_run_backwards_are_noticed() -> None:
    partition = Partition(0)
    assert [partition.receive(offset) for offset in (5, 6, 9, 3)] == [True, True, True, False]


def test_a_gap_counts_as_removed_only_below_the_low_mark() -> None:
    partition = Partition(0)
    partition.start_at(10)
    for offset in (10, 20, 30):
        partition.receive(offset)
    assert partition.removed_below(15) == 4  # 11 to 14
    assert partition.removed_below(100) == 0


def test_a_first_message_past_the_committed_offset_leaves_a_gap() -> None:
    partition = Partition(0)
    partition.receive(30)
    partition.start_at(10)
    assert partition.removed_below(30) == 20


def test_the_position_is_the_first_message_not_handled() -> None:
    partition = Partition(0)
    assert partition.position is None
    partition.start_at(7)
    assert partition.position == 7
    partition.receive(9)
    assert partition.position == 9
    partition.finish(9)
    assert partition.position == 10


def test_a_beginning_is_committed_only_where_nothing_has_come_since_the_restart() -> None:
    partitions = assigned(0, 1, 2)
    for number in (0, 1):
        one(partitions, number).restarted = True
    one(partitions, 1).receive(7)
    for partition in partitions:
        partition.replace_position()
        assert partition.done is None, "the beginning is not known yet"
        partition.low = 7
        partition.replace_position()
    assert partitions.uncommitted() == {0: 7}
