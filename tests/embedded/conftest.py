"""Launchers that are gone when their test is."""

from collections.abc import Callable, Iterator
from signal import SIGKILL

import pytest

from tests.embedded.launch import Launch, await_end_of


@pytest.fixture
def launch() -> Iterator[Callable[..., Launch]]:
    """Starts launchers, and ends those that the test left running."""
    started: list[Launch] = []

    def start(*arguments: object, **named: object) -> Launch:
        started.append(Launch(*arguments, **named))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for one in started:
        pids = one.pids()
        one.end(SIGKILL)
        await_end_of(pids)
