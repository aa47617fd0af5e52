"""Grouped and bounded calls: everyone gets an answer, and nobody waits for ever."""

import threading

import pytest

from issuetracker.bounded import NoAnswer, bounded
from issuetracker.together import Together

# Bounded calls look after Django's connections, which other tests may have left in their threads.
pytestmark = pytest.mark.django_db


def test_an_idle_group_does_an_item_at_once() -> None:
    together: Together[str, int] = Together(len, "lengths")
    assert together.do("item", 5) == 1


def test_what_gathers_meanwhile_is_one_group() -> None:
    groups: list[list[int]] = []
    busy, go_on = threading.Event(), threading.Event()

    def act(items: list[int]) -> int:
        groups.append(items)
        busy.set()
        go_on.wait(10)
        return len(items)

    together = Together(act, "slow", limit=5)
    threads = [threading.Thread(target=together.do, args=(0, 10))]
    threads[0].start()
    assert busy.wait(10)
    threads += [threading.Thread(target=together.do, args=(number, 10)) for number in range(1, 8)]
    for thread in threads[1:]:
        thread.start()
    while together._waiting.qsize() < 7:
        pass
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [len(group) for group in groups] == [1, 5, 2]
    assert sorted(item for group in groups for item in group) == list(range(8))


def test_an_error_is_everyones_and_the_next_group_is_done() -> None:
    def act(items: list[int]) -> int:
        return 10 // items[0]

    together = Together(act, "divisions")
    with pytest.raises(ZeroDivisionError):
        together.do(0, 5)
    assert together.do(5, 5) == 2


def test_what_its_caller_gave_up_is_not_begun_any_more() -> None:
    done: list[int] = []
    busy, go_on = threading.Event(), threading.Event()

    def act(items: list[int]) -> None:
        busy.set()
        go_on.wait(10)
        done.extend(items)

    together = Together(act, "stuck")
    first = threading.Thread(target=together.do, args=(1, 10))
    first.start()
    assert busy.wait(10)
    with pytest.raises(NoAnswer):
        together.do(2, 0.05)
    go_on.set()
    first.join(10)
    together.do(3, 5)
    assert done == [1, 3]


@pytest.mark.django_db
def test_a_bounded_call_returns_raises_or_gives_up() -> None:
    never = threading.Event()
    assert bounded(max, 1, 2, seconds=5) == 2
    with pytest.raises(ValueError, match="empty"):
        bounded(max, [], seconds=5)
    with pytest.raises(NoAnswer):
        bounded(never.wait, 20, seconds=0.05)
    never.set()
