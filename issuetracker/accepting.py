"""Accepting a change: in the log, or else in the store, or else not at all.

The answer is never a success for something that is held only in memory.
"""

import logging
import time
from typing import Literal, NamedTuple

from prometheus_client import Counter

from issuetracker.applying import Applied, apply_changes
from issuetracker.bounded import NoAnswer, bounded
from issuetracker.exceptions import (
    FieldError,
    InvalidInput,
    PublishError,
    PublishUnknown,
    StoreUnavailable,
)
from issuetracker.merging import Delivery, merge
from issuetracker.messages import AnyChange
from issuetracker.providers import get_store
from issuetracker.providers.redis import get_recents
from issuetracker.publisher import get_publisher

logger = logging.getLogger(__name__)

#: Seconds that the store has to take a change when the log is out of reach.
STORE_SECONDS = 0.9

ACCEPTED = Counter(
    "issuetracker_accepted_total",
    "Changes by what became of them: in the log, in the store, or not accepted.",
    ["kind", "where"],
)


class Accepted(NamedTuple):
    """Where an accepted change is held for good.

    Attributes:
        change: the change.
        where: ``log``: the consumer will bring it to the store; ``store``: it is there already.
    """

    change: AnyChange
    where: Literal["log", "store"]


def accept(change: AnyChange, *, deadline: float | None = None) -> Accepted:
    """Make ``change`` durable, and show it in the recent view.

    Args:
        change: a valid change with its event id; the same one may be accepted again.
        deadline: latest time (``time.monotonic()``) for the store's answer; at most 0.9 s after
            the log turned out to be out of reach.

    Raises:
        StoreUnavailable: neither the log nor the store took it, as far as anybody knows.
        InvalidInput: the store can never hold it.
    """
    kind = type(change).__name__.lower()
    try:
        get_publisher().publish_issue(change)
    except PublishError as error:
        logger.info("Not in the log: %s", error, extra={"issue_id": change.issue_id})
        return _accept_past_the_log(change, kind, isinstance(error, PublishUnknown), deadline)
    ACCEPTED.labels(kind, "log").inc()
    get_recents().accept(merge(None, [Delivery(change)]).issue, change)
    return Accepted(change, "log")


def _accept_past_the_log(
    change: AnyChange, kind: str, unconfirmed: bool, deadline: float | None
) -> Accepted:
    delivery = Delivery(change, origin=None, unconfirmed=unconfirmed)
    try:
        applied: Applied = bounded(
            apply_changes, get_store(), [delivery], seconds=_seconds_left(deadline)
        )
    except (NoAnswer, StoreUnavailable) as error:
        ACCEPTED.labels(kind, "nowhere").inc()
        raise StoreUnavailable(f"neither the log nor the store took the change: {error}") from error
    if applied.refused:
        raise InvalidInput([FieldError("", "The store cannot hold this.")])
    ACCEPTED.labels(kind, "store").inc()
    get_recents().store_issues(list(applied.issues.values()))
    return Accepted(change, "store")


def _seconds_left(deadline: float | None) -> float:
    if deadline is None:
        return STORE_SECONDS
    return min(STORE_SECONDS, deadline - time.monotonic())
