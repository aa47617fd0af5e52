"""Answers that callers share who ask the same at about the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from issuetracker.shared import Shared


def counted(answers: list[int]) -> Callable[[], int]:
    """Asks, and notes that it was asked."""

    def ask() -> int:
        answers.append(len(answers))
        return answers[-1]

    return ask


def test_an_answer_is_given_again_to_whoever_asks_the_same() -> None:
    shared, asked = Shared[int](60, 10), list[int]()
    assert [shared.get("a", counted(asked)) for _ in range(3)] == [0, 0, 0]
    assert shared.get("b", counted(asked)) == 1


def test_an_answer_is_found_anew_when_its_time_is_over() -> None:
    shared, asked = Shared[int](0, 10), list[int]()
    assert [shared.get("a", counted(asked)) for _ in range(2)] == [0, 1]


def test_no_more_answers_are_held_than_agreed() -> None:
    shared, asked = Shared[int](60, 2), list[int]()
    for question in ("a", "b", "c", "a"):
        shared.get(question, counted(asked))
    assert len(asked) == 4


def test_those_who_ask_while_somebody_is_asking_wait_for_that_answer() -> None:
    shared, asked = Shared[int](60, 10), list[int]()
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> int:
        begun.set()
        assert go_on.wait(10)
        return counted(asked)()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(shared.get, "a", slowly)
        assert begun.wait(10)
        second = pool.submit(shared.get, "a", counted(asked))
        assert shared.get("a", counted(asked), may_wait=False) == 0
        go_on.set()
        assert (first.result(10), second.result(10)) in ((1, 1), (1, 0))


def test_an_error_is_raised_to_all_who_wait_and_not_kept() -> None:
    shared = Shared[int](60, 10)

    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        shared.get("a", fail)
    assert shared.get("a", lambda: 7) == 7
