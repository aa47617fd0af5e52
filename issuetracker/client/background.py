"""Sends reports from a thread of its own, so that whoever reports does not wait."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable

from issuetracker.client.delivery import Call, Outcome
from issuetracker.client.ledger import Ledger

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_PAUSE_WHEN_FLUSHING = 0.2
_MAX_BROKEN_ANSWERS = 5


class BackgroundSender:
    """A bounded queue and one thread, started with the first report.

    While the tracker is away the queue is kept and tried again, with pauses that grow. A report
    that the tracker refuses, or answers with nonsense five times, is given up.

    Args:
        attempt: makes one call; called from the sender's thread.
        ledger: where it is counted and written what became of each report.
        size: most reports that wait.
    """

    def __init__(self, attempt: Callable[[Call], Outcome], ledger: Ledger, size: int) -> None:
        self._attempt, self._ledger, self._size = attempt, ledger, size
        self._closed = False
        self.start_anew()

    def start_anew(self) -> None:
        """In a forked child: what waits is the parent's to send, as its thread is."""
        self._queue: deque[Call] = deque()
        # One that its holder may take again: a finalizer that reports may run anywhere.
        lock = threading.RLock()
        # The sender alone waits for the first, with nothing to do: whoever reports while it is
        # busy, or pauses, wakes nobody, which would cost more than the rest of the call.
        self._arrived = threading.Condition(lock)
        self._changed = threading.Condition(lock)
        self._thread: threading.Thread | None = None
        self._flushing = 0

    def put(self, call: Call) -> bool:
        """Queue ``call``; False when there is no room."""
        with self._changed:
            has_room = not self._closed and len(self._queue) < self._size
            if has_room:
                self._queue.append(call)
                runs = self._ensure_thread()
                self._arrived.notify()
        if not has_room:
            self._ledger.note_dropped(call, "closed" if self._closed else "the queue is full")
            return False
        if not runs:
            self._settle(call, self._attempt_safely(call))
        return True

    def flush(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds until nothing waits; whether that is so."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._queue, timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float) -> None:
        """Take no more, send what waits within ``timeout`` seconds, give up the rest."""
        with self._changed:
            self._closed = True
            self._arrived.notify()
            self._changed.notify_all()
        self.flush(timeout)
        with self._changed:
            left = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for call in left:
            self._ledger.note_dropped(call, "the time to send it was up")
        self._ledger.write_rest()

    def _ensure_thread(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(target=self._run, name="issuetracker-sender", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no threads are to be had, as when the process is ending
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while (call := self._wait_for_call()) is not None:
            self._send(call)

    def _wait_for_call(self) -> Call | None:
        with self._arrived:
            self._arrived.wait_for(lambda: self._queue or self._closed)
            return self._queue[0] if self._queue else None

    def _send(self, call: Call) -> None:
        """Try until ``call`` is sent, given up, or taken from the queue."""
        pause, broken_answers = _FIRST_PAUSE, 0
        while True:
            outcome = self._attempt_safely(call)
            broken_answers += outcome.verdict == "broken"
            is_final = outcome.verdict in ("accepted", "refused")
            if is_final or broken_answers >= _MAX_BROKEN_ANSWERS:
                return self._settle(call, outcome)
            if not self._pause(call, outcome, pause):
                return None
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _attempt_safely(self, call: Call) -> Outcome:
        try:
            return self._attempt(call)
        except Exception:  # a report that cannot be sent must not end the thread
            logger.exception("Sending to the issue tracker failed")
            return Outcome("refused", "an error of the client")

    def _settle(self, call: Call, outcome: Outcome) -> None:
        with self._changed:
            if call not in self._queue:
                return  # given up meanwhile, and counted
            self._queue.remove(call)
            self._changed.notify_all()
        if outcome.verdict == "accepted":
            self._ledger.note_sent()
        else:
            self._ledger.note_failed(call, outcome.reason)

    def _pause(self, call: Call, outcome: Outcome, pause: float) -> bool:
        """Wait before trying again; False when ``call`` was given up meanwhile."""
        asked = outcome.retry_after
        started = time.monotonic()
        end = started + (pause * random.uniform(0.75, 1.25) if asked is None else asked)
        hurried_end = min(end, started + _PAUSE_WHEN_FLUSHING) if asked is None else end
        with self._changed:
            while self._queue and self._queue[0] is call:
                left = (hurried_end if self._flushing else end) - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
        return False
