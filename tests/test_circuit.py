"""A switch that stops asking a part which does not answer."""

import time

from issuetracker.providers.circuit import Circuit

ERROR = OSError("no answer")


def test_a_part_that_failed_is_left_alone_for_a_while() -> None:
    circuit = Circuit("The part", "this is a test", 60)
    assert circuit.lets_through()
    circuit.failed(ERROR)
    assert circuit.is_open
    assert not circuit.lets_through()


def test_after_one_failure_it_is_soon_asked_again_and_after_several_later() -> None:
    circuit = Circuit("The part", "this is a test", 60, first=0)
    circuit.failed(ERROR)
    assert circuit.lets_through()
    circuit = Circuit("The part", "this is a test", 60, first=20)
    for _ in range(3):
        circuit.failed(ERROR)
    assert not circuit.lets_through()


def test_that_it_failed_a_moment_ago_is_known_when_it_answers_again() -> None:
    circuit = Circuit("The part", "this is a test", 60)
    assert not circuit.failed_lately
    circuit.failed(ERROR)
    circuit.succeeded()
    assert not circuit.is_open
    assert circuit.failed_lately


def test_calls_that_were_under_way_together_count_as_one_failure() -> None:
    circuit = Circuit("A part", "it costs something", 2.0, first=0.05)
    assert [circuit.lets_through() for _ in range(8)] == [True] * 8
    for _ in range(8):
        circuit.failed(OSError("gone"))
    time.sleep(0.06)
    assert circuit.lets_through()
