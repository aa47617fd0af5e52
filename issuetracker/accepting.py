"""Accepting a change: in the log, or else in the store, or else not at all.

The answer is never a success for something that is held only in memory.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from prometheus_client import Counter

from issuetracker import rules
from issuetracker.applying import Applied, apply_changes
from issuetracker.bounded import NoAnswer, bounded, fresh_connections
from issuetracker.exceptions import (
    FieldError,
    InvalidInput,
    IssueTrackerError,
    PublishError,
    StoreUnavailable,
)
from issuetracker.merging import Delivery
from issuetracker.messages import AnyChange, Reported
from issuetracker.processes import PerProcess
from issuetracker.providers import get_store
from issuetracker.providers.redis import get_recents
from issuetracker.publisher import get_publisher
from issuetracker.showing import preview, showing
from issuetracker.together import Together

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


def warm_up() -> None:
    """Connect to what accepting needs, in the background."""
    get_publisher()
    rules.warm_up()
    threading.Thread(target=_greet_store, name="greet-store", daemon=True).start()


def _greet_store() -> None:
    # The first call of a process connects; on the day the log is away there is no time for that.
    try:
        get_store().ping()
    except StoreUnavailable as error:
        logger.warning("The store does not answer yet: %s", error)


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
        _publish(change)
    except PublishError as error:
        logger.debug("Not in the log: %s", error, extra=_fields(change))
        return _accept_past_the_log(change, kind, deadline)
    ACCEPTED.labels(kind, "log").inc()
    return Accepted(change, "log")


def accept_all(
    changes: Sequence[AnyChange], *, deadline: float | None = None
) -> list[Accepted | IssueTrackerError]:
    """The same for many changes, which wait together: for the log once, and for the store once.

    Returns:
        For each change what :func:`accept` would have returned or raised.
    """
    if not changes:
        return []
    outcomes: list[Accepted | IssueTrackerError] = []
    missing: dict[int, Delivery] = {}
    for place, error in enumerate(get_publisher().publish_issues(changes)):
        outcomes.append(Accepted(changes[place], "log"))
        if error is not None:
            missing[place] = Delivery(changes[place])
    if missing:
        past_the_log = _accept_all_past_the_log(list(missing.values()), deadline)
        for place, outcome in zip(missing, past_the_log, strict=True):
            outcomes[place] = outcome
    in_log = [one.change for one in outcomes if isinstance(one, Accepted) and one.where == "log"]
    _show_all(in_log)
    for change, outcome in zip(changes, outcomes, strict=True):
        where = outcome.where if isinstance(outcome, Accepted) else "nowhere"
        ACCEPTED.labels(type(change).__name__.lower(), where).inc()
    return outcomes


def _accept_all_past_the_log(
    deliveries: list[Delivery], deadline: float | None
) -> list[Accepted | IssueTrackerError]:
    try:
        applied = bounded(_store_together, deliveries, seconds=_seconds_left(deadline))
    except (NoAnswer, StoreUnavailable) as error:
        logger.warning("%d changes not accepted, by neither log nor store", len(deliveries))
        gone = StoreUnavailable(f"neither the log nor the store took the change: {error}")
        return [gone] * len(deliveries)
    refused = {id(delivery) for delivery, _ in applied.refused}
    return [
        _cannot_hold() if id(delivery) in refused else Accepted(delivery.change, "store")
        for delivery in deliveries
    ]


def _cannot_hold() -> InvalidInput:
    return InvalidInput([FieldError("", "The store cannot hold this.")])


def _publish(change: AnyChange) -> None:
    """Put ``change`` into the log, and then into the recent view.

    Raises:
        PublishError: it is not in the log, or nobody knows.
    """
    if not isinstance(change, Reported):
        get_publisher().publish_issue(change)
        get_recents().accept(preview(change), change)
    elif not get_publisher().publish_issue(change, showing(change)):
        logger.warning("Accepted, but shown only once it is stored", extra=_fields(change))


def _show_all(changes: Sequence[AnyChange]) -> None:
    shown = [(preview(change), change) for change in changes]
    reports = [each for each in shown if isinstance(each[1], Reported)]
    if reports:
        get_recents().accept_reports(reports)
    get_recents().accept_all([each for each in shown if not isinstance(each[1], Reported)])


def _accept_past_the_log(change: AnyChange, kind: str, deadline: float | None) -> Accepted:
    delivery = Delivery(change)
    try:
        applied = _stored.get().do(delivery, _seconds_left(deadline))
    except (NoAnswer, StoreUnavailable) as error:
        ACCEPTED.labels(kind, "nowhere").inc()
        logger.warning("Not accepted: neither log nor store took it", extra=_fields(change))
        raise StoreUnavailable(f"neither the log nor the store took the change: {error}") from error
    if any(refused is delivery for refused, _ in applied.refused):
        raise _cannot_hold()
    ACCEPTED.labels(kind, "store").inc()
    logger.info("In the store, past the log", extra=_fields(change))
    return Accepted(change, "store")


def _fields(change: AnyChange) -> dict[str, str]:
    return {"issue_id": change.issue_id, "event_id": change.event_id}


def _store_together(deliveries: list[Delivery]) -> Applied:
    with fresh_connections():
        applied = apply_changes(get_store(), deliveries)
        get_recents().store_issues(list(applied.issues.values()))
        return applied


# In a storm past the log, the reports of one issue become one write instead of racing each other.
_stored = PerProcess(lambda: Together(_store_together, "the store"))


def _seconds_left(deadline: float | None) -> float:
    if deadline is None:
        return STORE_SECONDS
    return min(STORE_SECONDS, deadline - time.monotonic())
