"""The mechanisms that keep reports, each of which can be left out."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from issuetracker import applying, merging
from issuetracker.applying import Applied
from issuetracker.consumer import IssueTrackerConsumer
from issuetracker.merging import Delivery
from issuetracker.providers.base import StoreProvider, Write
from issuetracker.publisher import IssuePublisher, _encode
from kafka_worker.identity import BrokerIdentity
from kafka_worker.jobs import Job
from kafka_worker.runners import BatchRunner, Runner

# mypy: disable-error-code="method-assign, assignment"


def _without_marks() -> None:
    """Replays are recognised by their event ids only."""
    merging._Draft._replayed = lambda _self, _origin: False


def _without_event_ids() -> None:
    """Retries are not recognised."""
    merging._Draft._retried = lambda _self, _delivery: False


def _without_unconfirmed() -> None:
    """What was written past the log is forgotten like any other change."""

    def remember(self: Any, delivery: Delivery) -> None:
        self._remember_recent(delivery.change.event_id)

    merging._Draft._remember = remember


def _without_conditions() -> None:
    """The last writer wins, whatever it had read."""
    original = applying._apply_group

    def apply(store: StoreProvider, *rest: Any) -> None:
        original(_Careless(store), *rest)  # type: ignore[arg-type]

    applying._apply_group = apply


class _Careless:
    """A store whose writes meet no condition."""

    def __init__(self, store: StoreProvider) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write_many(self, writes: Sequence[Write]) -> set[str]:
        now = self._store.get_many([write.issue.id for write in writes])
        latest = {issue_id: stored.version for issue_id, stored in now.items()}
        return self._store.write_many(
            [
                Write(write.issue, latest.get(write.issue.id), write.put, write.drop)
                for write in writes
            ]
        )


def _without_keeping() -> None:
    """A batch that the store does not take is given up."""
    original = IssueTrackerConsumer._process_issue

    def process(self: IssueTrackerConsumer, deliveries: Sequence[Delivery]) -> Applied:
        try:
            return original(self, deliveries)
        except Exception:  # noqa: BLE001 - this is the mistake that is to be seen
            return Applied()

    IssueTrackerConsumer._process_issue = process


def _without_topic_ids() -> None:
    """A topic is known by its name alone."""

    def take(self: BrokerIdentity, _answer: object, now: float) -> None:
        self._answer, self._demanded, self.current = None, False, "the-topic"
        self._due = now + self._interval

    BrokerIdentity._take = take


def _without_dead_letters() -> None:
    """What can never succeed is dropped."""
    Runner._bury = lambda _self, _job, _letters: None


def _without_acknowledgement() -> None:
    """A report counts as accepted as soon as it is handed to the producer."""

    def publish(self: IssuePublisher, change: Any, follow_up: Any = None) -> bool:
        self._require_ready().producer.produce(self.topic, _encode(change), change.issue_id)
        if follow_up is not None:
            follow_up(lambda: None)
        return True

    IssuePublisher.publish_issue = publish


def _without_waiting_for_the_write() -> None:
    """The position is committed before the batch is written."""
    original = BatchRunner.run

    def run(self: BatchRunner, job: Job) -> None:
        for entry in job.entries:
            entry.finish()
        time.sleep(0.5)
        original(self, job)

    BatchRunner.run = run


MECHANISMS: dict[str, Callable[[], None]] = {
    "marks": _without_marks,
    "event-ids": _without_event_ids,
    "unconfirmed": _without_unconfirmed,
    "conditions": _without_conditions,
    "keeping": _without_keeping,
    "topic-ids": _without_topic_ids,
    "dead-letters": _without_dead_letters,
    "acknowledgement": _without_acknowledgement,
    "write-before-commit": _without_waiting_for_the_write,
}
