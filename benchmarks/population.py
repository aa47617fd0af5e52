"""Issues as a tracker holds them after a year: many services, few of the issues still open.

They are written through the store's own path. A million would take that path too long, so a
database multiplies what was written so: each copy has an id of its own and is some hours older.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from issuetracker.applying import apply_changes
from issuetracker.merging import Delivery, Origin
from issuetracker.messages import (
    AnyChange,
    Frame,
    NewIssue,
    RaisedException,
    Reported,
    Updated,
    new_issue_id,
)
from issuetracker.models import SearchTerm, StoredIssue
from issuetracker.providers.base import StoreProvider
from issuetracker.providers.sql import ISSUES, TERMS

#: What few issues have: these are reported by one service, and have a tag and a word of their own.
RARE_SERVICE, RARE_TAG, RARE_WORD = "service.almanac", "eclipse", "perihelion"
RARE = 10

_AREAS = ("billing", "ledger", "search", "checkout", "mail", "ingest", "pricing", "stock")
_PARTS = ("api", "worker", "sync", "report", "import")
_PEOPLE = ("anna", "bruno", "chidi", "dora", "emil", "farah", "goran", "hana")
_FAULTS = (
    ("requests.exceptions.ReadTimeout", "timeout after 30 s while asking for order {}"),
    ("builtins.KeyError", "order {} has no currency"),
    ("psycopg.errors.DeadlockDetected", "deadlock while locking account {}"),
    ("builtins.ValueError", "amount of invoice {} is not a number"),
    ("redis.exceptions.ConnectionError", "connection refused while reading basket {}"),
    ("kafka.errors.MessageTooLarge", "message {} is larger than the topic takes"),
    ("builtins.PermissionError", "user {} may not read the report"),
    ("json.decoder.JSONDecodeError", "answer for shipment {} is not JSON"),
)
_TAGS = (("eu", 0.4), ("us", 0.3), ("db", 0.1), ("nightly", 0.05), ("canary", 0.005))
_PRIORITIES = {"low": 30, "medium": 55, "high": 14, "critical": 1}
_TYPES = {"exception": 90, "bug": 5, "incident": 2, "performance": 2, "security": 1}
_STATES = {"resolved": 85, "open": 6, "ignored": 6, "in_progress": 2, "deleted": 1}
_DAYS = 365
_BATCH = 2_000
#: Seconds between an issue and its next copy.
_APART = 3_180


def settle(store: StoreProvider, count: int, rare: int = RARE) -> None:
    """Write ``count`` issues into an empty store; some were worked on, the last few are rare."""
    chance = random.Random(count)  # the same ones each time
    waiting: list[Delivery] = []
    for number in range(count):
        for change in _history(chance, number, rare=number >= count - rare):
            waiting.append(Delivery(change, Origin("population:0", len(waiting))))
        if len(waiting) >= _BATCH or number == count - 1:
            if apply_changes(store, waiting).refused:
                raise AssertionError("the store refused an issue")
            waiting = []


def multiply(alias: str, times: int) -> None:
    """Have a PostgreSQL database hold ``times`` as many issues, and know how they are spread.

    Args:
        alias: name of the database among Django's.
        times: a whole number, 2 or more.
    """
    connection = connections[alias]
    columns = [str(field.column) for field in StoredIssue._meta.concrete_fields]  # noqa: SLF001
    moved = {"id": "md5(i.id::text || n)::uuid"}
    for name in ("first_seen", "last_seen", "updated_at"):
        moved[name] = f"i.{name} - n * interval '{_APART} seconds'"
    issues = ", ".join(moved.get(name, f"i.{name}") for name in columns)
    copies = f"generate_series(1, {times - 1}) AS n"
    indexes = [(model, one) for model in (SearchTerm, StoredIssue) for one in model._meta.indexes]  # noqa: SLF001
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    _run(connection, "SET work_mem = '512MB'", "SET maintenance_work_mem = '512MB'")
    rare = f"reporter <> '{RARE_SERVICE}'"
    _run(
        connection,
        f"CREATE TEMPORARY TABLE kept AS SELECT id FROM {ISSUES} WHERE {rare}",
        # In the key's order, so that its index grows at one end.
        f"INSERT INTO {TERMS} (term, issue_id) SELECT t.term, md5(t.issue_id::text || n)::uuid "
        f"FROM {TERMS} t JOIN kept ON kept.id = t.issue_id, {copies} ORDER BY 1, 2",
        f"INSERT INTO {ISSUES} ({', '.join(columns)}) SELECT {issues} "
        f"FROM {ISSUES} i, {copies} WHERE i.{rare}",
    )
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.add_index(model, index)
    _run(connection, f"VACUUM ANALYZE {ISSUES}", f"VACUUM ANALYZE {TERMS}")


def _run(connection: BaseDatabaseWrapper, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _history(chance: random.Random, number: int, *, rare: bool) -> Iterator[AnyChange]:
    issue = _issue(chance, number, rare=rare)
    # Most of what there is, is not from today.
    began = datetime.now(UTC) - timedelta(days=_DAYS * chance.random() ** 2)
    reporter = RARE_SERVICE if rare else f"service.{issue.component}"
    event_id = _event(chance)
    issue_id = new_issue_id(issue, event_id)
    yield Reported(issue_id=issue_id, event_id=event_id, time=began, actor=reporter, issue=issue)
    status = _one_of(chance, _STATES)
    given: dict[str, object] = {} if status == "open" else {"status": status}
    if chance.random() < 0.2:
        given["assignee"] = chance.choice(_PEOPLE)
    if given:
        yield Updated(
            issue_id=issue_id,
            event_id=_event(chance),
            time=began + timedelta(minutes=5),
            actor="anna",
            **given,  # type: ignore[arg-type]
        )
    if status == "resolved" and chance.random() < 0.02:  # and occurs again
        yield Reported(
            issue_id=issue_id,
            event_id=_event(chance),
            time=began + timedelta(minutes=50),
            actor=reporter,
            issue=issue,
        )


def _issue(chance: random.Random, number: int, *, rare: bool) -> NewIssue:
    kind, message = chance.choice(_FAULTS)
    said = message.format(40_000 + number)
    component = f"{chance.choice(_AREAS)}-{chance.choice(_PARTS)}"
    frames = [
        Frame(
            file=f"/app/{component}/{name}.py",
            line=chance.randrange(400),
            function=name,
            code=f"    return {name}(order, context)",
        )
        for name in ("handle", "load", "convert")
    ]
    return NewIssue(
        title=f"{kind.rpartition('.')[2]}: {said}{f' at {RARE_WORD}' if rare else ''}",
        type=_one_of(chance, _TYPES),  # type: ignore[arg-type]
        priority=_one_of(chance, _PRIORITIES),  # type: ignore[arg-type]
        component=component,
        tags=[tag for tag, share in _TAGS if chance.random() < share] + [RARE_TAG] * rare,
        exception=[RaisedException(type=kind, message=said, frames=frames)],
        context={"order": 40_000 + number, "host": f"{component}-{chance.randrange(8)}"},
        fingerprint=f"{kind}-{number}",
    )


def _one_of(chance: random.Random, shares: dict[str, int]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def _event(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
