"""A tracker on an ordinary afternoon, for pictures: what broke lately, and what was done."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from benchmarks.population import settle
from issuetracker.applying import apply_changes
from issuetracker.merging import Delivery, Origin
from issuetracker.messages import (
    AnyChange,
    Commented,
    Frame,
    NewIssue,
    Priority,
    RaisedException,
    Reported,
    Updated,
    new_issue_id,
)
from issuetracker.providers.base import StoreProvider

OLDER = 150

_COMMENT = """The pool is **exhausted** while the nightly import runs:

1. raise `max_size` to 40
2. move the import to 03:00

> as in [the runbook](https://example.org/runbook)"""


class Fault(NamedTuple):
    """Something that breaks.

    Attributes:
        an_hour: reports, on the average.
        course: how that went over the past two days: ``steady``, ``rising``, ``new``, ``back``.
    """

    component: str
    kind: str
    message: str
    priority: Priority
    tags: list[str]
    an_hour: int
    course: str


_POOL = "couldn't get a connection after 30.00 sec"
_FAULTS = (
    Fault("billing-api", "pool.PoolTimeout", _POOL, "critical", ["eu", "db:main"], 4, "rising"),
    Fault("checkout-worker", "requests.ReadTimeout", "payments: 10 s", "high", ["eu"], 6, "steady"),
    Fault("ledger-sync", "decimal.InvalidOperation", "'12,50'", "high", ["import"], 2, "new"),
    Fault("mail-worker", "smtplib.SMTPServerDisconnected", "closed", "medium", ["us"], 3, "back"),
    Fault("search-api", "elastic.ConnectionTimeout", "timed out", "medium", ["eu"], 5, "steady"),
    Fault("pricing-report", "builtins.KeyError", "'EUR'", "low", ["nightly"], 1, "steady"),
    Fault("stock-import", "builtins.UnicodeError", "byte 0xe9", "medium", ["import"], 1, "new"),
)


def furnish(store: StoreProvider, person: str) -> str:
    """Fill an empty store.

    Args:
        store: where to.
        person: who works on the issues.

    Returns:
        The id of the issue that has most to show.
    """
    settle(store, OLDER, rare=0)
    chance = random.Random(7)
    changes = [list(_told(chance, fault, person)) for fault in _FAULTS]
    flat = (change for told in changes for change in told)
    deliveries = [Delivery(change, Origin("demo:0", place)) for place, change in enumerate(flat)]
    apply_changes(store, deliveries)
    return changes[0][0].issue_id


def _told(chance: random.Random, fault: Fault, person: str) -> Iterator[AnyChange]:
    issue = _issue(fault)
    now = datetime.now(UTC)
    issue_id = new_issue_id(issue, "")
    for age in range(5 if fault.course == "new" else 48, -1, -1):
        for _ in range(_reports(chance, fault, age)):
            time = now - timedelta(hours=age, minutes=chance.uniform(0, 59))
            yield Reported(
                issue_id=issue_id,
                event_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                time=time,
                actor=f"service.{fault.component}",
                issue=issue,
            )
    yield from _worked_on(issue_id, fault.course, person, now)


def _reports(chance: random.Random, fault: Fault, age: int) -> int:
    if fault.course == "back" and 4 < age < 40:
        return 0
    often = fault.an_hour * (6 if fault.course == "rising" and age < 3 else 1)
    return chance.randint(1 if age == 0 else 0, 2 * often)


def _worked_on(issue_id: str, course: str, person: str, now: datetime) -> Iterator[AnyChange]:
    def told(hours: float) -> dict[str, object]:
        return {
            "issue_id": issue_id,
            "event_id": str(uuid.uuid4()),
            "time": now - timedelta(hours=hours),
            "actor": person,
        }

    if course == "back":
        yield Updated(**told(20), status="resolved")  # type: ignore[arg-type]
    if course == "rising":
        yield Updated(**told(2), status="in_progress")  # type: ignore[arg-type]
        yield Updated(**told(1.9), assignee=person)  # type: ignore[arg-type]
        yield Commented(**told(1.5), body=_COMMENT)  # type: ignore[arg-type]


def _issue(fault: Fault) -> NewIssue:
    place = fault.component.replace("-", "/")
    frames = [
        Frame(
            file="/usr/lib/python3.11/concurrent/futures/thread.py",
            line=58,
            function="run",
            code="        result = self.fn(*self.args, **self.kwargs)",
            own=False,
        ),
        Frame(
            file=f"/app/{place}/invoices.py",
            line=118,
            function="close_month",
            code="        with self.pool.connection() as connection:",
            before=["    def close_month(self, month: Month) -> Report:", "        total = 0"],
            after=["            for invoice in open_invoices(connection, month):"],
            variables={"month": "Month(2026, 11)", "total": "0", "self.pool": "<pool 'main'>"},
        ),
    ]
    cause = RaisedException(
        type="builtins.TimeoutError", message="timed out", frames=frames[:1], relation="cause"
    )
    raised = RaisedException(type=fault.kind, message=fault.message, frames=frames)
    return NewIssue(
        title=f"{fault.kind.rpartition('.')[2]}: {fault.message}",
        description="Closing the month failed; the run is tried again in ten minutes.",
        type="exception",
        priority=fault.priority,
        component=fault.component,
        tags=fault.tags,
        exception=[raised, cause],
        context={"release": "2026.11.3", "host": f"{fault.component}-2", "tenant": "acme"},
        fingerprint=f"{fault.component}-{fault.kind}",
    )
