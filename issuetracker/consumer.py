"""The consumer's work: a batch of messages from the log becomes issues in the store."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import msgspec

from issuetracker.applying import Applied, apply_changes
from issuetracker.exceptions import StoreUnavailable
from issuetracker.issues import Issue
from issuetracker.merging import Delivery, Origin
from issuetracker.messages import AnyChange
from issuetracker.nul import find_nul
from issuetracker.providers.base import StoreProvider
from kafka_worker import Message, Rejected, Unavailable

logger = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(AnyChange).decode

NOT_READABLE = "not a change of an issue"
WRONG_KEY = "key differs from the issue's id"
STORE_REFUSED = "the store refused it"


class Recents(Protocol):
    """The part of the recent view that the consumer refreshes; it never raises."""

    def store_issues(self, issues: Sequence[Issue]) -> None:
        """Show ``issues`` as the store has them now."""


class IssueTrackerConsumer:
    """Applies batches of messages to the store, and shows what came of them in the recent view.

    Args:
        store: where the issues are kept.
        recents: the recent view.
    """

    def __init__(self, store: StoreProvider, recents: Recents) -> None:
        self._store = store
        self._recents = recents

    def process(self, batch: Sequence[Message]) -> list[Rejected]:
        """Apply every message of ``batch`` that can be.

        Returns:
            Those that can never succeed, with the reason.

        Raises:
            Unavailable: the store does not answer; the same batch can safely come again.
        """
        rejected: list[Rejected] = []
        readable: dict[int, Message] = {}
        deliveries: list[Delivery] = []
        for message in batch:
            try:
                delivery = delivery_of(message)
            except _Unreadable as error:
                rejected.append(Rejected(message, error.reason, error.detail))
            else:
                readable[id(delivery)] = message
                deliveries.append(delivery)
        if deliveries:
            outcome = self._process_issue(deliveries)
            rejected += [
                Rejected(readable[id(delivery)], STORE_REFUSED, reason)
                for delivery, reason in outcome.refused
            ]
            _follow(deliveries, readable, outcome)
        for each in rejected:
            logger.warning("Can never be applied: %s", each.reason, extra=_fields(each.message))
        return rejected

    def _process_issue(self, deliveries: Sequence[Delivery]) -> Applied:
        """Apply changes, those of one issue in the order of the log, and refresh the recent view.

        Raises:
            Unavailable: the store does not answer.
        """
        try:
            outcome = apply_changes(self._store, deliveries)
        except StoreUnavailable as error:
            logger.warning("%s", error)
            raise Unavailable(f"the store ({self._store.name})") from error
        self._recents.store_issues(list(outcome.issues.values()))
        logger.debug(
            "%d changes written as %d issues, %d known already",
            outcome.applied,
            outcome.writes,
            outcome.duplicates,
        )
        return outcome


def _follow(
    deliveries: Sequence[Delivery], messages: Mapping[int, Message], outcome: Applied
) -> None:
    """Say of each change that it is in the store, for whoever follows one."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    refused = {id(delivery) for delivery, _ in outcome.refused}
    for delivery in deliveries:
        if id(delivery) not in refused:
            fields = _fields(messages[id(delivery)]) | {"event_id": delivery.change.event_id}
            logger.debug("In the store", extra=fields)


def _fields(message: Message) -> dict[str, str | int]:
    """Where a message stood, and the issue that its key names; nothing of what it says."""
    fields = message.place
    # A key that is no id may be anything, and does not belong into a log.
    with suppress(ValueError):
        fields["issue_id"] = str(UUID((message.key or b"").decode()))
    return fields


class _Unreadable(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def delivery_of(message: Message) -> Delivery:
    """The change in ``message``, and where it stood.

    Raises:
        _Unreadable: the message can never be applied.
    """
    try:
        change = _decode(raw := message.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Unreadable(NOT_READABLE, str(error)) from error
    for path in find_nul(raw):
        raise _Unreadable(NOT_READABLE, f"NUL - at `$.{'.'.join(path)}`")
    if message.key != change.issue_id.encode():
        # Another key lies in another partition, where the order of one issue's log is lost.
        raise _Unreadable(WRONG_KEY, f"the issue is {change.issue_id}")
    return Delivery(change, Origin(f"{message.topic_id}:{message.partition}", message.offset))
