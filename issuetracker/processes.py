"""Things that do not survive a fork: made when first needed, once in each process."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class PerProcess(Generic[Made]):
    """What ``make`` returns, made once per process and only when somebody asks.

    A forked child makes its own. It keeps the parent's untouched: closing a copy of a client
    whose threads are in another process can hang.

    Args:
        make: makes it; may be called in any process, at most once in each.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: dict[int, Made] = {}
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._renew_lock)

    def get(self) -> Made:
        """This process's own."""
        pid = os.getpid()
        if pid not in self._made:
            with self._lock:
                if pid not in self._made:
                    self._made[pid] = self._make()
        return self._made[pid]

    def replace(self, other: Made | None) -> Made | None:
        """Put ``other`` in the place of this process's own; None has the next call make one.

        Returns:
            What was there, for the caller to close.
        """
        with self._lock:
            before = self._made.pop(os.getpid(), None)
            if other is not None:
                self._made[os.getpid()] = other
        return before

    def _renew_lock(self) -> None:
        # Another thread of the parent may have held it at the fork; it will never let go here.
        self._lock = threading.Lock()
