"""How handlers are called: attempts, outages, rejections, and the search for a poisonous message.

Runs in the handler's thread. Everything that waits does so through the job, which ends the wait
when the worker stops or the partitions change.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from kafka_worker.dead_letters import DeadLetters
from kafka_worker.exceptions import ConfigurationError, Reject, Unavailable
from kafka_worker.handlers import BatchHandler, Handler, MessageHandler, Rejected
from kafka_worker.jobs import Entry, Job
from kafka_worker.letters.form import DeadLetter
from kafka_worker.metrics import Metrics

logger = logging.getLogger(__name__)

HandlerT = TypeVar("HandlerT", bound=Handler)
Result = TypeVar("Result")


class Runner(ABC, Generic[HandlerT]):
    """Takes jobs through a handler."""

    def __init__(self, handler: HandlerT, dead_letters: DeadLetters, metrics: Metrics) -> None:
        self._handler = handler
        self._dead_letters = dead_letters
        self._metrics = metrics

    @abstractmethod
    def run(self, job: Job) -> None:
        """Take the job's messages through the handler, as far as their partitions stay assigned.

        Raises:
            Abandoned: the worker is stopping; what is not marked as finished comes again.
        """

    def _call(self, job: Job, messages: int, call: Callable[[], Result]) -> Result:
        started = time.monotonic()
        with job.call():
            result = call()
        self._metrics.handle_seconds.observe(time.monotonic() - started)
        self._metrics.batches.inc()
        self._metrics.batch_messages.observe(messages)
        return result

    def _wait_for(self, job: Job, outage: Unavailable, times: int) -> None:
        asked = outage.retry_after.total_seconds() if outage.retry_after else 0.0
        delay = max(asked, self._handler.retry.delay(times))
        self._metrics.retried("unavailable")
        if outage.is_outage:
            job.waits_for(outage.what)
        else:
            job.goes_on()
        logger.warning(
            "%s: %s; trying again in %.1f s",
            self._handler.name,
            outage,
            delay,
            extra={"handler": self._handler.name, "offsets": job.offsets},
        )
        job.pause(delay)

    def _wait_after(self, job: Job, error: Exception, failures: int, first: Entry) -> None:
        delay = self._handler.retry.delay(failures)
        self._metrics.retried("failure")
        job.goes_on()
        logger.warning(
            "%s: attempt %d of %d failed at %s; trying again in %.1f s",
            self._handler.name,
            failures,
            self._handler.retry.max_attempts,
            first.message.position,
            delay,
            exc_info=error,
            extra={"handler": self._handler.name, **first.message.place},
        )
        job.pause(delay)

    def _bury(self, job: Job, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters; waits for as long as the topic refuses them."""
        outages = 0
        while True:
            try:
                self._dead_letters.write(letters)
            except Unavailable as outage:
                outages += 1
                self._wait_for(job, outage, outages)
            else:
                break
        self._metrics.dead_letters.inc(len(letters))
        for letter in letters:
            logger.error(
                "%s: %s went to the dead letters: %s",
                self._handler.name,
                letter.message.position,
                letter.reason,
                extra={"handler": self._handler.name, **letter.message.place},
            )


class MessageRunner(Runner[MessageHandler]):
    """Takes messages through a handler one at a time."""

    def run(self, job: Job) -> None:
        """Handle each message whose partition is still assigned, until told to stop."""
        for entry in job.entries:
            job.leave_if_stopping()
            with job.working_on([entry]):
                if self._settle(job, entry):
                    entry.finish()

    def _settle(self, job: Job, entry: Entry) -> bool:
        """Bring one message to its end; False if its partition has gone meanwhile."""
        failures = outages = 0
        while entry.alive:
            try:
                self._call(job, 1, lambda: self._handler.handle(entry.message))
            except Reject as rejection:
                reason, error = rejection.reason, rejection.error
                self._bury(job, [DeadLetter(entry.message, reason, error, failures + 1)])
            except Unavailable as outage:
                outages += 1
                self._wait_for(job, outage, outages)
                continue
            except Exception as error:  # noqa: BLE001 - the boundary to the app's code; all logged
                failures += 1
                if failures < self._handler.retry.max_attempts:
                    self._wait_after(job, error, failures, entry)
                    continue
                self._bury(job, [failed(entry, error, failures)])
            return True
        return False


class BatchRunner(Runner[BatchHandler]):
    """Takes batches through a handler."""

    def run(self, job: Job) -> None:
        """Handle the batch; halve it where it fails for good, down to the message that fails."""
        pieces: deque[tuple[Sequence[Entry], int]] = deque([(job.entries, 0)])
        while pieces:
            job.leave_if_stopping()
            entries, failed_before = pieces.popleft()
            with job.working_on(entries):
                halves = self._settle(job, entries, failed_before)
            pieces.extendleft(reversed(halves))

    def _settle(
        self, job: Job, entries: Sequence[Entry], failed_before: int
    ) -> list[tuple[Sequence[Entry], int]]:
        """Bring a piece to its end; returns what it falls into when it fails for good."""
        failures = outages = 0
        # The whole was given its attempts already: its parts get one each.
        allowed = 1 if failed_before else self._handler.retry.max_attempts
        while live := [entry for entry in entries if entry.alive]:
            try:
                rejected = self._handle(job, live)
            except Unavailable as outage:
                outages += 1
                self._wait_for(job, outage, outages)
            except Exception as error:  # noqa: BLE001 - the boundary to the app's code; all logged
                failures += 1
                if failures >= allowed:
                    return self._divide(job, live, error, failed_before + failures)
                self._wait_after(job, error, failures, live[0])
            else:
                attempts = failed_before + failures + 1
                self._bury(job, [_letter(each, attempts) for each in rejected])
                _finish(live)
                break
        return []

    def _handle(self, job: Job, entries: Sequence[Entry]) -> Sequence[Rejected]:
        batch = [entry.message for entry in entries]
        return self._call(job, len(batch), lambda: self._handler.handle(batch))

    def _divide(
        self, job: Job, entries: Sequence[Entry], error: Exception, failures: int
    ) -> list[tuple[Sequence[Entry], int]]:
        if len(entries) == 1:
            self._bury(job, [failed(entries[0], error, failures)])
            _finish(entries)
            return []
        middle = len(entries) // 2
        logger.warning(
            "%s: a batch of %d failed %d times; halving it to find the message",
            self._handler.name,
            len(entries),
            failures,
            exc_info=error,
        )
        return [(entries[:middle], failures), (entries[middle:], failures)]


AnyRunner = Runner[MessageHandler] | Runner[BatchHandler]


def runner_for(handler: Handler, dead_letters: DeadLetters, metrics: Metrics) -> AnyRunner:
    """The runner that fits the handler's kind.

    Raises:
        ConfigurationError: the handler derives from neither kind.
    """
    if isinstance(handler, BatchHandler):
        return BatchRunner(handler, dead_letters, metrics)
    if isinstance(handler, MessageHandler):
        return MessageRunner(handler, dead_letters, metrics)
    raise ConfigurationError(f"{handler.name!r} is neither a MessageHandler nor a BatchHandler")


def failed(entry: Entry, error: Exception, attempts: int) -> DeadLetter:
    """The dead letter of a message at which the handler failed every time."""
    return DeadLetter(
        entry.message,
        reason="the handler failed",
        error=f"{type(error).__name__}: {_said_by(error)}",
        attempts=attempts,
    )


def _said_by(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the app's own class; its message must not lose the letter
        return "(its text can not be made)"


def _letter(rejected: Rejected, attempts: int) -> DeadLetter:
    return DeadLetter(rejected.message, rejected.reason, rejected.error, attempts)


def _finish(entries: Sequence[Entry]) -> None:
    for entry in entries:
        entry.finish()
