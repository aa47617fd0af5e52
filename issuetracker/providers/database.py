"""Issues in Django's database: SQLite for one machine, PostgreSQL for those who host it."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from django.core.checks import CheckMessage, Error
from django.db import DataError, IntegrityError, connections, transaction
from django.db import Error as DjangoDatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Q
from django.dispatch import receiver

from issuetracker.exceptions import StoreRefused, StoreUnavailable
from issuetracker.issues import (
    DOCUMENT_TYPES,
    AnyDocument,
    Collection,
    Issue,
    IssueQuery,
)
from issuetracker.messages import RaisedException
from issuetracker.models import StoredDocument, StoredIssue
from issuetracker.providers import sql
from issuetracker.providers.base import Page, Stored, StoreProvider, Write
from issuetracker.providers.cursors import (
    cursor_after,
    document_cursor,
    is_uuid,
    read_document_cursor,
)

_COLUMNS = Issue.__struct_fields__
_WRITTEN = ("version", *_COLUMNS)
_DOCUMENT = ("issue_id", "collection", "event_id", "time", "body")
_TERM = ("term", "issue_id")
#: Terms that no more issues have are where a search begins; commoner ones are met on the way. At
#: a million issues, either way looks at about so many for what this many have.
_FEW = 10_000
#: Parameters in one statement; SQLite takes 32,766.
_PARAMETERS = 20_000
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_exception = msgspec.json.Decoder(list[RaisedException]).decode


class _Version(NamedTuple):
    """Which state of a row was read; its search terms are those of the issue as it was then."""

    number: int
    issue: Issue


class DatabaseHelperProvider(StoreProvider):
    """Keeps issues in a database of Django's.

    A batch is one transaction; a row is written on the condition that its version is still the
    one that was read, all rows in one statement, which answers with the ids that it wrote.

    Args:
        using: name of the database in ``settings.DATABASES``.
    """

    name = "database"
    write_interval = timedelta(seconds=0.2)

    def __init__(self, using: str = "default") -> None:
        self.using = using

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        """See :meth:`StoreProvider.get_many`."""
        ids = [issue_id for issue_id in issue_ids if is_uuid(issue_id)]
        with self._translated():
            rows = StoredIssue.objects.using(self.using).filter(id__in=ids)
            return {str(row["id"]): _stored(row) for row in rows.values(*_WRITTEN)}

    def write_many(self, writes: Sequence[Write]) -> set[str]:
        """See :meth:`StoreProvider.write_many`."""
        # One order for everyone: two batches that share rows wait for each other, never in a ring.
        ordered = sorted(writes, key=lambda write: write.issue.id)
        if not ordered:
            return set()
        with self._translated() as connection, transaction.atomic(using=self.using):
            batch = _Batch(connection)
            written = batch.write_issues(ordered)
            batch.write_rest([write for write in ordered if write.issue.id in written])
        return {write.issue.id for write in ordered} - written

    def list_issues(self, query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        """See :meth:`StoreProvider.list_issues`."""
        with self._translated() as connection:
            statement, params = _page(connection, query, limit + 1, cursor)
            rows = StoredIssue.objects.using(self.using).raw(statement, params)
            issues = [_stored(vars(row)).issue for row in rows]
        if len(issues) <= limit:
            return Page(issues)
        return Page(issues[:limit], cursor_after(query, issues[limit - 1]))

    def list_documents(
        self, issue_id: str, collection: Collection, *, limit: int, cursor: str | None
    ) -> Page[AnyDocument]:
        """See :meth:`StoreProvider.list_documents`."""
        after = None if cursor is None else read_document_cursor(collection, cursor)
        if not is_uuid(issue_id):
            return Page()
        with self._translated():
            rows = _documents_after(self.using, issue_id, collection, after, limit + 1)
        decode = msgspec.json.Decoder(DOCUMENT_TYPES[collection]).decode
        documents: list[AnyDocument] = [decode(body) for body in rows]
        if len(documents) <= limit:
            return Page(documents)
        return Page(documents[:limit], document_cursor(documents[limit - 1]))

    def ping(self) -> None:
        """See :meth:`StoreProvider.ping`."""
        with self._translated() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def check(self) -> list[CheckMessage]:
        """See :meth:`StoreProvider.check`."""
        connection = connections[self.using]
        if connection.vendor in ("sqlite", "postgresql"):
            return []
        return [
            Error(
                f"The database store cannot use {connection.display_name}.",
                hint="Set DATABASE_URL to a postgres:// or sqlite:/// address.",
                id="issuetracker.E002",
            )
        ]

    @contextmanager
    def _translated(self) -> Iterator[BaseDatabaseWrapper]:
        connection = connections[self.using]
        try:
            yield connection
        except (DataError, IntegrityError, UnicodeError, OverflowError) as error:
            raise StoreRefused(f"The database refused it: {error}") from error
        except DjangoDatabaseError as error:
            # Whatever state it is in, the next call begins with a connection of its own.
            if not connection.in_atomic_block:
                connection.close()
            if _is_limit(error):
                raise StoreRefused(f"The database refused it: {error}") from error
            raise StoreUnavailable(f"The database did not answer: {error}") from error
        finally:
            # With DEBUG on, Django keeps the text of the last 9,000 statements, and a consumer
            # has no requests between which it would forget them.
            if connection.queries_logged and not connection.force_debug_cursor:
                connection.queries_log.clear()


class _Batch:
    """The statements of one transaction."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._dialect = sql.dialect_of(connection)

    def write_issues(self, writes: Sequence[Write]) -> set[str]:
        """Write those that are unchanged since they were read; their ids."""
        statement = sql.conditional_upsert(_WRITTEN, [self._row(write) for write in writes])
        with self._connection.cursor() as cursor:
            cursor.execute(*statement)
            return {str(uuid.UUID(str(row[0]))) for row in cursor.fetchall()}

    def write_rest(self, writes: Sequence[Write]) -> None:
        """Write what belongs to issues that were written: documents, search terms."""
        self._put([document for write in writes for document in write.put])
        self._drop([(write.issue.id, event_id) for write in writes for event_id in write.drop])
        self._index(writes)

    def _row(self, write: Write) -> list[Any]:
        issue, version = write.issue, write.version
        values = {name: getattr(issue, name) for name in _COLUMNS}
        values["version"] = version.number + 1 if isinstance(version, _Version) else 1
        values["id"] = self._dialect.uuid(issue.id)
        for name in ("tags", "exception", "context", "merged"):
            values[name] = _encode(values[name]).decode()
        for name in ("first_seen", "last_seen", "updated_at"):
            values[name] = self._dialect.time(values[name])
        if issue.muted_until is not None:
            values["muted_until"] = self._dialect.time(issue.muted_until)
        if issue.merged_into is not None:
            values["merged_into"] = self._dialect.uuid(issue.merged_into)
        return [values[name] for name in _WRITTEN]

    def _put(self, documents: Sequence[AnyDocument]) -> None:
        # By key, because one statement cannot write a row twice.
        rows = {
            (document.issue_id, document.collection, document.id): [
                self._dialect.uuid(document.issue_id),
                document.collection,
                self._dialect.uuid(document.id),
                self._dialect.time(document.time),
                _encode(document).decode(),
            ]
            for document in documents
        }
        for some in _chunks(list(rows.values()), _DOCUMENT):
            self._run(sql.upsert(sql.DOCUMENTS, _DOCUMENT[:3], _DOCUMENT, some))

    def _drop(self, pairs: Sequence[tuple[str, str]]) -> None:
        uuid_of = self._dialect.uuid
        rows = [(uuid_of(issue), "occurrences", uuid_of(event)) for issue, event in pairs]
        for some in _chunks(rows, _DOCUMENT[:3]):
            self._run(sql.delete(sql.DOCUMENTS, _DOCUMENT[:3], some, self._dialect))

    def _index(self, writes: Sequence[Write]) -> None:
        """Bring the search terms of those up to date whose words or tags are new."""
        afresh = [[self._dialect.uuid(write.issue.id)] for write in writes if write.reindex]
        for some in _chunks(afresh, _TERM[1:]):
            self._run(sql.delete(sql.TERMS, _TERM[1:], some, self._dialect))
        added: list[tuple[bytes, str]] = []
        removed: list[tuple[bytes, str]] = []
        for write in writes:
            before, after = _terms_before(write), sql.terms_of(write.issue)
            issue_id = self._dialect.uuid(write.issue.id)
            added += [(term, issue_id) for term in sorted(after - before)]
            removed += [(term, issue_id) for term in sorted(before - after)]
        for some in _chunks(added, _TERM):
            self._run(sql.upsert(sql.TERMS, _TERM, _TERM, some))
        for some in _chunks(removed, _TERM):
            self._run(sql.delete(sql.TERMS, _TERM, some, self._dialect))

    def _run(self, statement: sql.Statement) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(*statement)


def _terms_before(write: Write) -> set[bytes]:
    if write.reindex or not isinstance(write.version, _Version):
        return set()
    return sql.terms_of(write.version.issue)


def _chunks(rows: Sequence[Any], columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    size = _PARAMETERS // len(columns)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _stored(row: Mapping[str, Any]) -> Stored:
    values = {name: row[name] for name in _COLUMNS}
    values["id"] = str(values["id"])
    values["tags"] = json.loads(row["tags"])
    values["exception"] = _decode_exception(row["exception"])
    values["context"] = json.loads(row["context"])
    values["ledger"] = bytes(row["ledger"])
    values["merged"] = json.loads(row["merged"] or "[]")
    values["merged_into"] = str(row["merged_into"]) if row["merged_into"] else None
    issue = Issue(**values)
    return Stored(issue, _Version(row["version"], issue))


def _page(
    connection: BaseDatabaseWrapper, query: IssueQuery, limit: int, cursor: str | None
) -> sql.Statement:
    """The quicker of two ways: along the order's index, or from the few that the terms leave."""
    dialect = sql.dialect_of(connection)
    counted = [(_count(connection, each), each) for each in sql.term_filters(query)]
    counted.sort(key=lambda one: one[0])
    filters = [each for _, each in counted]
    if counted and counted[0][0] <= _FEW:
        return sql.page_among(sql.having_all(filters), query, limit, cursor, dialect)
    if len(filters) > 1:  # each is common: both together may be rare
        ids = _ids(connection, filters)
        if len(ids) <= _FEW:
            return sql.page_among(sql.listed(ids), query, limit, cursor, dialect)
    return sql.page(query, limit, cursor, dialect)


def _count(connection: BaseDatabaseWrapper, term_filter: sql.Statement) -> int:
    """How many issues the filter leaves, or somewhat more; to :data:`_FEW` and one."""
    with connection.cursor() as found:
        found.execute(*sql.counted(sql.having_all([term_filter]), _FEW + 1))
        count: int = found.fetchone()[0]
    return count


def _ids(connection: BaseDatabaseWrapper, filters: Sequence[sql.Statement]) -> list[Any]:
    """The ids of the issues that the filters leave; to :data:`_FEW` and one."""
    statement, values = sql.having_all(filters)
    with connection.cursor() as found:
        found.execute(f"{statement} LIMIT {_FEW + 1:d}", values)
        return [row[0] for row in found.fetchall()]


@receiver(connection_created)
def _compile_nothing(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have PostgreSQL not compile statements: that takes 0.1 s, and most of ours take less."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")


def _documents_after(
    database: str,
    issue_id: str,
    collection: Collection,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[str]:
    rows = StoredDocument.objects.using(database).filter(issue_id=issue_id, collection=collection)
    newest_first = collection == "occurrences"
    if after is not None:
        time, event_id = after
        side = "lt" if newest_first else "gt"
        rows = rows.filter(
            Q(**{f"time__{side}": time}) | Q(**{"time": time, f"event_id__{side}": event_id})
        )
    order = ("-time", "-event_id") if newest_first else ("time", "event_id")
    return list(rows.order_by(*order).values_list("body", flat=True)[:limit])


def _is_limit(error: Exception) -> bool:
    # PostgreSQL's class 54: the row, not the server, is the trouble.
    return str(getattr(error.__cause__, "sqlstate", None) or "").startswith("54")
