"""Consumer processes: the worker's own parts and the tracker's handler, gone through by hand."""

import time
from collections.abc import Sequence
from datetime import timedelta
from unittest import mock

from issuetracker.consumer import IssueTrackerConsumer
from issuetracker.issues import Issue
from issuetracker.messages import AnyChange
from issuetracker.providers.base import StoreProvider
from kafka_worker import BatchHandler, BatchPolicy, Message, Rejected, RetryPolicy, Unavailable
from kafka_worker.config import WorkerConfig
from kafka_worker.intake import Intake
from kafka_worker.jobs import Abandoned, Entry, Job
from kafka_worker.letters.form import DeadLetter
from kafka_worker.marks import Marks
from kafka_worker.metrics import Metrics
from kafka_worker.runners import BatchRunner
from tests.model.broker import TOPIC, Broker, ModelIdentity, ModelSubscription
from tests.model.faults import Crash, Fault, Faults

#: A batch with a message of this value makes the handler fail, in a way that it did not foresee.
EXPLOSIVE = b"explosive"

METRICS = Metrics("model")
_CONFIG = WorkerConfig(bootstrap_servers="model:9092")


class NoRecents:
    """A recent view that is away."""

    def accept(self, preview: Issue, change: AnyChange) -> None: ...

    def store_issues(self, issues: Sequence[Issue]) -> None: ...


class ModelHandler(BatchHandler):
    """The tracker's handler over the model's store."""

    name = "model"
    topic = TOPIC
    group = "model"
    retry = RetryPolicy(max_attempts=2, first_delay=timedelta(0))

    def __init__(self, store: StoreProvider, batch: int) -> None:
        self.batch = BatchPolicy(max_messages=batch)
        self._consumer = IssueTrackerConsumer(store, NoRecents())

    def handle(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        if any(message.value == EXPLOSIVE for message in batch):
            raise RuntimeError("a mistake in the handler")
        return self._consumer.process(batch)


class ModelDeadLetters:
    """The dead-letter topic.

    Attributes:
        written: where the messages in it stood: topic id, partition, offset.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.written: set[tuple[str, int, int]] = set()

    def write(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        fault = self._faults.next()
        if fault is Fault.AWAY:
            raise Unavailable("the dead-letter topic")
        half = fault in (Fault.HALF, Fault.CRASH_HALF)
        for letter in letters[: len(letters) // 2] if half else letters:
            message = letter.message
            self.written.add((message.topic_id, message.partition, message.offset))
        if fault in (Fault.CRASH_AFTER, Fault.CRASH_HALF):
            raise Crash
        if fault in (Fault.LOST_ANSWER, Fault.HALF):
            raise Unavailable("the dead-letter topic")


class ModelJob(Job):
    """A job whose waits take no time."""

    def pause(self, seconds: float) -> None:  # noqa: ARG002
        if any(entry.alive for entry in self._current):
            self.leave_if_stopping()


class Process:
    """One consumer process: what ``kafka_worker.worker`` does, one turn at a time.

    Attributes:
        client: its place in the group.
        ended: it was asked to stop, and has.
    """

    def __init__(
        self, broker: Broker, store: StoreProvider, letters: ModelDeadLetters, batch: int
    ) -> None:
        handler = ModelHandler(store, batch)
        clients: list[ModelSubscription] = []

        def connect(*arguments: object) -> ModelSubscription:
            clients.append(ModelSubscription(broker, arguments[-1]))  # type: ignore[arg-type]
            return clients[0]

        with mock.patch("kafka_worker.intake.Subscription", connect):
            self._intake = Intake(
                handler,
                _CONFIG,
                identity=ModelIdentity(broker),
                policy=handler.batch,
                metrics=METRICS,
                marks=mock.create_autospec(Marks, instance=True),
                before_revoke=lambda _numbers: None,
            )
        self.client = clients[0]
        self.ended = False
        self._runner = BatchRunner(handler, letters, METRICS)  # type: ignore[arg-type]
        self._job: Job | None = None
        # Where the loop takes the time itself, it is the machine's.
        self._now = time.monotonic()

    def turn(self) -> None:
        """Receive, handle one batch, commit."""
        entries = self._receive()
        if entries:
            self._run(entries)
        self._intake.commit(self._now)

    def go_round(self) -> None:
        """What the loop's thread does while the handler's is busy."""
        if self._intake.buffer.room:
            self._intake.receive(0)
        self._now += 10
        self._intake.tick(self._now)
        self._intake.commit(self._now)

    def stop(self) -> None:
        """Ask it to end."""
        self.ended = True
        if self._job is not None:
            self._job.stop()

    def _receive(self) -> list[Entry]:
        if self._intake.buffer.room:
            self._intake.receive(0)
        self._now += 10
        self._intake.tick(self._now)
        return self._intake.take(self._now) if self._intake.ready and self._intake.buffer else []

    def _run(self, entries: list[Entry]) -> None:
        self._job = ModelJob(entries)
        try:
            self._runner.run(self._job)
        except Abandoned:
            pass
        finally:
            self._job = None
