"""Doing for many callers at once what costs hardly more than for one.

While one group is under way, the next gathers: nobody waits for a timer, an idle process does
each item at once, and a busy one does ever larger groups instead of ever more of them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from issuetracker.bounded import answer_of

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Groups what several threads ask for at the same time. One per process.

    Args:
        act: does it for a group; what it returns or raises, each caller of the group gets. It
            runs in one thread of its own.
        name: of that thread.
        limit: items in a group, at most.
    """

    def __init__(self, act: Callable[[list[Item]], Result], name: str, limit: int = 500) -> None:
        self._act = act
        self._limit = limit
        self._name = name
        self._waiting: SimpleQueue[tuple[Item, Future[Result]]] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, item: Item, seconds: float) -> Result:
        """What ``act`` returns or raises for the group that ``item`` is in.

        Raises:
            NoAnswer: not within ``seconds``. It may still be done, if it was under way.
        """
        future: Future[Result] = Future()
        self._waiting.put((item, future))
        return answer_of(future, self._name, seconds)

    def _run(self) -> None:
        while True:
            gathered = gather(self._waiting, self._limit)
            group = [entry for entry in gathered if entry[1].set_running_or_notify_cancel()]
            if group:
                self._do_group([item for item, _ in group], [future for _, future in group])

    def _do_group(self, items: list[Item], futures: list[Future[Result]]) -> None:
        try:
            result = self._act(items)
        except BaseException as error:  # noqa: BLE001 - it is the callers', who wait for it
            for future in futures:
                future.set_exception(error)
            return
        for future in futures:
            future.set_result(result)


def gather(waiting: SimpleQueue[Item], limit: int) -> list[Item]:
    """What waits, up to ``limit`` items; waits until there is one."""
    gathered = [waiting.get()]
    try:
        while len(gathered) < limit:
            gathered.append(waiting.get_nowait())
    except Empty:
        pass
    return gathered
