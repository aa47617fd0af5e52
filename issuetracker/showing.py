"""Showing reports in the recent view as soon as they are in the log.

One thread in each process does it, for all reports together that were acknowledged meanwhile.
Whoever reported waits for it in the same wait as for the acknowledgement: each further one costs
a turn of the thread, which is more than all that is done here for a report.
"""

import functools
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from issuetracker.issues import Issue
from issuetracker.merging import Delivery, merge
from issuetracker.messages import AnyChange, Reported
from issuetracker.processes import PerProcess
from issuetracker.providers.redis import get_recents
from issuetracker.together import gather

logger = logging.getLogger(__name__)

_GROUP = 500


class Showing:
    """Shows reports, in groups. One per process."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Reported, Callable[[], object]]] = SimpleQueue()
        threading.Thread(target=self._run, name="the recent view", daemon=True).start()

    def show(self, report: Reported, done: Callable[[], object]) -> None:
        """Have ``report``, which is in the log, shown soon.

        Args:
            report: the change.
            done: called in another thread once it is shown, or cannot be; must not block.
        """
        self._waiting.put((report, done))

    def _run(self) -> None:
        while True:
            group = gather(self._waiting, _GROUP)
            try:
                get_recents().accept_reports([(preview(report), report) for report, _ in group])
            except Exception:
                # They are in the log, and show once they are stored. The thread has to go on.
                logger.exception("%d reports could not be shown", len(group))
            for _, done in group:
                done()


def preview(change: AnyChange) -> Issue:
    """The issue as ``change`` alone makes it."""
    return merge(None, [Delivery(change)]).issue


_showing = PerProcess(Showing)


def showing(report: Reported) -> Callable[[Callable[[], object]], None]:
    """What has ``report`` shown by this process's thread, and calls its argument after that."""
    return functools.partial(_showing.get().show, report)
