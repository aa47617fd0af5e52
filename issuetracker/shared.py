"""Answers that callers share who ask the same at about the same time.

Many people look at the same list, and a list that is open asks again and again. What one question
costs the store and this process is then spent once for all of them.
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Answer]):
    since: float
    answer: "Future[Answer]" = field(default_factory=Future)


class Shared(Generic[Answer]):
    """Answers by question, for a short time. One per process; safe to use in several threads.

    Args:
        seconds: how long after it was asked a question's answer is given to others too.
        most: answers that are held at once.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        # In order of time.
        self._asked: dict[Hashable, _Asked[Answer]] = {}
        self._lock = threading.Lock()

    def get(
        self, question: Hashable, ask: Callable[[], Answer], *, may_wait: bool = True
    ) -> Answer:
        """The answer to ``question``: one that is held, or what ``ask`` returns or raises.

        Args:
            question: what is asked, with all that its answer depends on.
            ask: finds the answer, in the thread of the first who wants it.
            may_wait: whether to wait for another caller who is asking just now.
        """
        asked, is_first = self._enter(question, may_wait=may_wait)
        if is_first:
            try:
                asked.answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001 - raised below, in each caller's thread
                self._leave(question, asked)
                asked.answer.set_exception(error)
        return asked.answer.result()

    def _enter(self, question: Hashable, *, may_wait: bool) -> tuple[_Asked[Answer], bool]:
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            held = self._asked.get(question)
            if held is not None and (may_wait or held.answer.done()):
                return held, False
            self._asked.pop(question, None)
            while len(self._asked) >= self._most:
                del self._asked[next(iter(self._asked))]
            asked: _Asked[Answer] = _Asked(now)
            self._asked[question] = asked
            return asked, True

    def _forget(self, now: float) -> None:
        while self._asked:
            oldest = next(iter(self._asked))
            if now - self._asked[oldest].since < self._seconds:
                break
            del self._asked[oldest]

    def _leave(self, question: Hashable, asked: _Asked[Answer]) -> None:
        """An error is for those who wait for it, and not for those who come later."""
        with self._lock:
            if self._asked.get(question) is asked:
                del self._asked[question]
