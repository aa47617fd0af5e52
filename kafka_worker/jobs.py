"""What the loop gives to the handler's thread, and that thread."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import close_old_connections, connections

from kafka_worker.messages import Message
from kafka_worker.partitions import Partition

logger = logging.getLogger(__name__)

_LOOK_AROUND = 0.5


class Abandoned(Exception):
    """Leaves a job at a point where nothing is half-done; what is not finished comes again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and the assignment through which it came."""

    message: Message
    partition: Partition

    @property
    def alive(self) -> bool:
        """Whether the partition is still this worker's."""
        return self.partition.alive

    @property
    def finished(self) -> bool:
        """Whether the message is handled."""
        return self.partition.done is not None and self.partition.done > self.message.offset

    def finish(self) -> None:
        """Note that the message, and all before it in its partition, are handled."""
        self.partition.finish(self.message.offset)


@dataclass(frozen=True, slots=True)
class Outage:
    """A part outside that messages wait for.

    Attributes:
        what: the part.
        since: when the wait began, monotonic.
    """

    what: str
    since: float


class Job:
    """Some messages on their way through the handler.

    The loop's thread makes it, watches it and may ask it to stop; the handler's thread works.

    Attributes:
        entries: the messages, in order of arrival.
        error: what ended the handler's thread, if something did.
        outage: the part outside that it waits for at present.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.error: BaseException | None = None
        self.outage: Outage | None = None
        self._call_started: float | None = None
        self._current: Sequence[Entry] = ()
        self._pausing = False
        self._finished = threading.Event()
        self._stop = threading.Event()

    @property
    def finished(self) -> bool:
        """Whether the handler's thread is through with it."""
        return self._finished.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is finished, at most so long; returns whether it is."""
        return self._finished.wait(seconds)

    def finish(self) -> None:
        """Note that the handler's thread is through with it."""
        self._finished.set()

    def stop(self) -> None:
        """Ask it to end where nothing is half-done."""
        self._stop.set()

    def leave_if_stopping(self) -> None:
        """Called where nothing is half-done.

        Raises:
            Abandoned: the worker is stopping.
        """
        if self._stop.is_set():
            raise Abandoned

    def pause(self, seconds: float) -> None:
        """Wait before another attempt; shorter when all partitions of the messages have gone.

        Raises:
            Abandoned: the worker is stopping.
        """
        deadline = time.monotonic() + seconds
        self._pausing = True
        while (left := deadline - time.monotonic()) > 0 and any(e.alive for e in self._current):
            self._stop.wait(min(left, _LOOK_AROUND))
            self.leave_if_stopping()
        self._pausing = False

    def waits_for(self, what: str) -> None:
        """Note that a part outside is down; it counts until ``goes_on``."""
        if self.outage is None or self.outage.what != what:
            self.outage = Outage(what, time.monotonic())

    def goes_on(self) -> None:
        """Note that it waits for no part outside any more."""
        self.outage = None

    @property
    def oldest(self) -> datetime | None:
        """Time of the first message that is not handled and still this worker's, or None."""
        left = (each for each in self.entries if each.alive and not each.finished)
        return next((each.message.timestamp for each in left), None)

    @property
    def offsets(self) -> dict[int, str]:
        """By partition, its first and last offset, for the log: ``{0: "7-12"}``."""
        ends: dict[int, tuple[int, int]] = {}
        for each in self.entries:
            message = each.message
            first, _ = ends.get(message.partition, (message.offset, 0))
            ends[message.partition] = (first, message.offset)
        return {number: f"{first}-{last}" for number, (first, last) in ends.items()}

    def holds(self, numbers: frozenset[int]) -> bool:
        """Whether the handler is just now at messages of these partitions."""
        if self._pausing or self.finished:
            return False
        return any(entry.partition.number in numbers for entry in self._current)

    @contextmanager
    def working_on(self, entries: Sequence[Entry]) -> Iterator[None]:
        """Surrounds all that is done for some of the messages, up to noting them as handled."""
        self._current = entries
        yield
        self._current = ()
        self.goes_on()

    def call_seconds(self, now: float) -> float:
        """How long the present call of the handler has taken; 0 between calls."""
        started = self._call_started
        return now - started if started is not None else 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Surrounds one call of the handler: watched, and with fresh database connections."""
        close_old_connections()
        self._call_started = time.monotonic()
        try:
            yield
        finally:
            self._call_started = None
            close_old_connections()


class HandlerThread:
    """The one thread in which a handler runs. It dies with the process, whatever it is doing."""

    def __init__(self, run: Callable[[Job], None], name: str) -> None:
        self._run = run
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Work on ``job`` after those before it."""
        self._jobs.put(job)

    def stop(self, timeout: float) -> None:
        """End the thread when it is idle; waits at most ``timeout`` seconds."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def ident(self) -> int | None:
        """The thread's identifier; None before it starts."""
        return self._thread.ident

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._run(job)
            except Abandoned:
                logger.info("Left %d messages for later delivery", len(job.entries))
            except BaseException as error:  # noqa: BLE001 - handed to the loop, which raises it
                job.error = error
            finally:
                job.finish()
        connections.close_all()
