"""The loop: receives, hands over, commits, reports, and ends in an orderly way.

Two threads. This one polls Kafka, at least twice a second, whatever happens; the other one runs
the handler. While the handler is busy, this one fetches one batch ahead. Once that is full and
the handler takes longer still, receiving is paused and polling goes on, so that the group keeps
this worker.
"""

import logging
import threading
import time
from datetime import timedelta

from kafka_worker.config import WorkerConfig
from kafka_worker.dead_letters import DeadLetters
from kafka_worker.exceptions import Interrupted, Unavailable
from kafka_worker.handlers import BatchHandler, Handler, Part
from kafka_worker.health import Health, View
from kafka_worker.identity import TopicIdentity
from kafka_worker.intake import Intake
from kafka_worker.jobs import Entry, HandlerThread, Job
from kafka_worker.marks import Marks
from kafka_worker.metrics import Metrics
from kafka_worker.policies import BatchPolicy, RetryPolicy
from kafka_worker.probes import serving
from kafka_worker.reports import Progress, Reporter
from kafka_worker.runners import runner_for
from kafka_worker.stacks import CallWatch, stack_of
from kafka_worker.topics import Topics

logger = logging.getLogger(__name__)

_LONGEST_POLL = 0.5
_POLL_BESIDE_JOB = 0.05
_WAIT_FOR_JOB = 0.02
# A pause throws away what was fetched ahead: only where the handler is not quick.
_HOLD_WHEN_BUSY = 0.5
_HOLD_WHEN_WAITING = 1.25
_ACKNOWLEDGEMENT = 5.0
# Of a message handler: how much is fetched ahead.
_AHEAD = BatchPolicy(max_messages=500)
_CONNECTING = RetryPolicy(first_delay=timedelta(seconds=1), max_delay=timedelta(seconds=10))


class Worker:
    """Consumes one handler's topic until it is stopped."""

    def __init__(self, handler: Handler, config: WorkerConfig) -> None:
        """Make a worker; nothing is contacted before ``run``.

        Args:
            handler: what to do with the messages.
            config: how to run.
        """
        self._handler = handler
        self._config = config
        self._policy = handler.batch if isinstance(handler, BatchHandler) else _AHEAD
        self._metrics = Metrics(handler.name)
        self._dead_letters = DeadLetters(config, handler.group, self._metrics)
        runner = runner_for(handler, self._dead_letters, self._metrics)
        self._thread = HandlerThread(runner.run, f"handler-{handler.name}")
        self._reporter = Reporter(
            handler.name,
            config.report_interval.total_seconds(),
            self._metrics,
            time.monotonic(),
        )
        self._calls = CallWatch(handler.name, handler.time_limit, config.slow_call)
        self._job: Job | None = None
        self._intake: Intake | None = None
        self._turned = time.monotonic()
        self._loop_thread: int | None = None
        self._stops = 0
        self._failed = False
        self._full_since: float | None = None
        self._messages = self._batches = self._pauses = 0

    def stop(self) -> None:
        """Stop: the first time warmly, the second time at once. May be called anywhere.

        A plain number: a signal handler must not take a lock that the loop may hold.
        """
        self._stops += 1

    def run(self) -> None:
        """Consume until stopped.

        Raises:
            ConfigurationError: the handler or the broker refuses to start.
            FatalKafkaError: the Kafka client can not go on.
            TimeLimitExceeded: a call of the handler took too long.
            Interrupted: stopped before the handler had finished.
            BaseException: the handler's thread was ended by this error.
        """
        topics = Topics(self._config, self._handler.topic)
        broker = Part("broker", topics.ask)
        self._loop_thread = threading.get_ident()
        self._turned = time.monotonic()
        with serving(Health(self._handler, self._config, broker, self.view), self._config):
            self._handler.setup()
            try:
                identity = self._prepare(topics)
                if identity is not None:
                    self._consume(identity, topics.marks)
            finally:
                self._reporter.close()
                self._dead_letters.close()
                self._handler.close()

    def view(self) -> View:
        """What it does just now; may be called in any thread."""
        now, job, intake = time.monotonic(), self._job, self._intake
        stuck = now - self._turned
        if intake is None:
            return View(starting=True, stuck=stuck, loop_thread=self._loop_thread)
        return View(
            starting=False,
            stuck=stuck,
            loop_thread=self._loop_thread,
            call=job.call_seconds(now) if job else 0.0,
            outage=job.outage if job else None,
            identified=intake.identified,
            joined=intake.joined,
            admitted=intake.admitted,
            partitions=intake.partitions.numbers(),
        )

    def _prepare(self, topics: Topics) -> TopicIdentity | None:
        """Wait for a broker and make sure of the topics; None when stopped meanwhile."""
        failures = 0
        while not self._stops:
            self._turned = time.monotonic()
            try:
                return topics.prepare()
            except Unavailable as outage:
                failures += 1
                delay = _CONNECTING.delay(failures)
                logger.warning("%s; trying again in %.1f s", outage, delay)
                self._sleep(delay)
        return None

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stops and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LONGEST_POLL))

    def _consume(self, identity: TopicIdentity, marks: Marks) -> None:
        intake = self._intake = Intake(
            self._handler,
            self._config,
            identity=identity,
            policy=self._policy,
            metrics=self._metrics,
            marks=marks,
            before_revoke=self._let_finish,
        )
        self._thread.start()
        intake.open()
        try:
            while not self._stops:
                self._turn(intake)
            self._finish(intake)
        except BaseException:
            self._failed = True
            raise
        finally:
            if self._stops < 2:  # noqa: PLR2004 - the second stop asks for haste
                intake.close()
            self._thread.stop(timeout=0 if self._job else _ACKNOWLEDGEMENT)

    def _turn(self, intake: Intake) -> None:
        self._turned = time.monotonic()
        self._receive(intake, self._turned)
        now = time.monotonic()
        self._watch(now)
        intake.tick(now)
        self._hand_over(intake, now)
        intake.commit(now)
        if self._reporter.due(now):
            self._reporter.report(self._progress(intake), now)

    def _receive(self, intake: Intake, now: float) -> None:
        if not intake.buffer.room:
            self._receive_nothing(intake, now)
            return
        self._full_since = None
        if intake.held:
            intake.release()
        intake.receive(self._patience(intake, now))

    def _patience(self, intake: Intake, now: float) -> float:
        """Seconds to wait for a message: not past the moment at which something else is due."""
        if self._job is not None:
            if intake.buffer:
                self._job.wait(_WAIT_FOR_JOB)
                return 0.0
            return _POLL_BESIDE_JOB
        if not intake.buffer:
            return _LONGEST_POLL if intake.ready else _POLL_BESIDE_JOB
        if not intake.ready:
            return _WAIT_FOR_JOB
        return min(intake.buffer.wait(now), _LONGEST_POLL)

    def _receive_nothing(self, intake: Intake, now: float) -> None:
        """There is no room: wait for the handler; after a while go on polling, without messages."""
        self._full_since = self._full_since or now
        limit = _HOLD_WHEN_WAITING if self._job is None else _HOLD_WHEN_BUSY
        if not intake.held and now - self._full_since > limit:
            intake.hold()
            self._pauses += 1
        if self._job is not None:
            self._job.wait(_WAIT_FOR_JOB)
        elif not intake.ready:
            time.sleep(_WAIT_FOR_JOB)
        if intake.held:
            intake.receive(0)

    def _watch(self, now: float) -> None:
        """Take note when the handler has finished; end when it takes too long."""
        job = self._job
        if job is None:
            return
        if job.finished:
            self._job = None
            self._messages += len(job.entries)
            if job.error is not None:
                raise job.error
            if logger.isEnabledFor(logging.DEBUG):
                fields = {"handler": self._handler.name, "offsets": job.offsets}
                logger.debug("Done with %d messages", len(job.entries), extra=fields)
        else:
            self._calls.look(job.call_seconds(now), self._thread.ident)

    def _hand_over(self, intake: Intake, now: float) -> None:
        if self._job is not None or not intake.buffer or not intake.ready:
            return
        if intake.buffer.wait(now) > 0:
            return
        entries: list[Entry] = intake.take(now)
        if entries:
            self._batches += 1
            self._job = Job(entries)
            self._thread.submit(self._job)

    def _let_finish(self, numbers: frozenset[int]) -> None:
        """Before partitions go: give the handler the time to be done with their messages."""
        deadline = time.monotonic() + self._config.revoke_grace.total_seconds()
        job = self._job
        while job is not None and job.holds(numbers) and time.monotonic() < deadline:
            if self._failed or self._stops > 1:
                return
            self._turned = time.monotonic()
            job.wait(_WAIT_FOR_JOB)

    def _finish(self, intake: Intake) -> None:
        """The warm end: let the handler finish its call, commit, leave."""
        logger.info("%s: stopping", self._handler.name)
        intake.hold()
        if self._job is not None:
            self._job.stop()
        deadline = time.monotonic() + self._config.grace.total_seconds()
        while self._job is not None and self._stops == 1 and time.monotonic() < deadline:
            self._job.wait(_POLL_BESIDE_JOB)
            self._turned = time.monotonic()
            self._watch(self._turned)
            intake.receive(0)
        if self._job is not None:
            self._interrupt()
        if not intake.settle(_ACKNOWLEDGEMENT):
            logger.warning("%s: the last commit was not acknowledged", self._handler.name)

    def _interrupt(self) -> None:
        logger.critical(
            "%s: ending although the handler is busy; it is at\n%s",
            self._handler.name,
            stack_of(self._thread.ident),
        )
        raise Interrupted(f"{self._handler.name}: stopped before the handler had finished")

    def _progress(self, intake: Intake) -> Progress:
        job = self._job
        oldest = job.oldest if job else None
        return Progress(
            messages=self._messages,
            batches=self._batches,
            pauses=self._pauses,
            waiting=len(intake.buffer),
            oldest=oldest or intake.buffer.oldest,
            lag=intake.lag(),
            outage=job.outage.what if job and job.outage else "",
        )
