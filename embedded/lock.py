"""Keeps a second launcher out of a folder that one works in."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Occupied(Exception):
    """Another launcher works in the folder."""


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Hold a folder for this process; the system gives it up when the process ends.

    Raises:
        Occupied: another process holds it.
    """
    with (var / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Occupied(
                f"`make run` is already running on {var}; end that one first."
            ) from error
        yield
