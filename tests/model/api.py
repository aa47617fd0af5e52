"""The API's side: the tracker's own ``accept``, between a broker and a store that may fail."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto
from unittest import mock

import msgspec

from issuetracker import accepting
from issuetracker.applying import Applied
from issuetracker.exceptions import (
    InvalidInput,
    NotPublished,
    PublishUnknown,
    StoreUnavailable,
)
from issuetracker.merging import Delivery
from issuetracker.messages import AnyChange
from tests.model.broker import Broker, Record
from tests.model.consumers import NoRecents
from tests.model.store import ModelStore


class Answer(Enum):
    """What the broker makes of a message, and says."""

    ACKNOWLEDGED = auto()
    REFUSED = auto()
    #: It has the message, or has it not, or will have it later; nobody says so.
    UNKNOWN_IN = auto()
    UNKNOWN_OUT = auto()
    UNKNOWN_LATE = auto()


#: Those after which the message is in the log, sooner or later.
PRODUCING = {Answer.ACKNOWLEDGED, Answer.UNKNOWN_IN, Answer.UNKNOWN_LATE}


class Api:
    """Accepts changes as a web process does.

    Attributes:
        in_flight: messages that will turn up in the log.
    """

    def __init__(self, broker: Broker, store: ModelStore) -> None:
        self._broker = broker
        self._store = store
        self._answer = Answer.ACKNOWLEDGED
        self.in_flight: list[Record] = []

    def accept(self, change: AnyChange, answer: Answer) -> str:
        """Where the change was accepted, ``log`` or ``store``; empty: it was not answered 2xx."""
        self._answer = answer
        with self._patched():
            try:
                return accepting.accept(change).where
            except (StoreUnavailable, InvalidInput):
                return ""

    def accept_past_the_log(self, changes: Sequence[AnyChange]) -> None:
        """Accept many at once, while the broker is away."""
        with self._patched():
            accepting._store_together([Delivery(change) for change in changes])

    def arrive(self) -> None:
        """Have the messages in flight turn up."""
        arrived, self.in_flight = self.in_flight, []
        for record in arrived:
            self._broker.append(record)

    # The publisher, and the thread that groups writes past the log.

    def publish_issue(self, change: AnyChange, _follow_up: object = None) -> bool:
        record = record_of(change)
        if self._answer is Answer.UNKNOWN_LATE:
            self.in_flight.append(record)
        elif self._answer in PRODUCING:
            self._broker.append(record)
        if self._answer is Answer.REFUSED:
            raise NotPublished("the broker is away")
        if self._answer is not Answer.ACKNOWLEDGED:
            raise PublishUnknown("no acknowledgement came")
        return True

    def get(self) -> "Api":
        return self

    def do(self, delivery: Delivery, _seconds: float) -> Applied:
        return accepting._store_together([delivery])

    def _patched(self) -> AbstractContextManager[object]:
        return mock.patch.multiple(
            accepting,
            get_publisher=lambda: self,
            get_store=lambda: self._store,
            get_recents=NoRecents,
            _stored=self,
        )


def record_of(change: AnyChange) -> Record:
    """The message of ``change``."""
    return Record(change.issue_id, msgspec.json.encode(change), change.event_id)
