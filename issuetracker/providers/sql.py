"""The SQL of the database store: the few statements that Django's ORM cannot say.

Both SQLite (from 3.35) and PostgreSQL take them as they are; what differs, the form of a UUID
and of a time as a parameter, is :class:`Dialect`'s.
"""

# ruff: noqa: S608 - only names from this module are put into statements; values are parameters

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from django.db.backends.base.base import BaseDatabaseWrapper

from issuetracker.issues import Issue, IssueQuery
from issuetracker.messages import Status
from issuetracker.providers.cursors import read_cursor
from issuetracker.words import context_pairs, searched_words, words_of

Statement = tuple[str, list[Any]]

ISSUES = "issuetracker_stored_issue"
DOCUMENTS = "issuetracker_stored_document"
TERMS = "issuetracker_search_term"

#: Above every byte that UTF-8 uses: with it, the end of the range of what begins with a word.
_AFTER_ALL = b"\xff"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database takes the values that it has no common form for.

    Attributes:
        uuid: a canonical UUID string as a parameter.
        time: an aware datetime as a parameter.
        rows: what stands before a list of rows to look in.
    """

    uuid: Callable[[str], str]
    time: Callable[[datetime], Any]
    rows: str


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    """The dialect of the database behind ``connection``."""

    def time(value: datetime) -> Any:  # noqa: ANN401 - whatever the driver takes
        return connection.ops.adapt_datetimefield_value(value.astimezone(UTC))

    native: bool = connection.features.has_native_uuid_field
    uuid = str if native else _plain_uuid
    return Dialect(uuid, time, rows="VALUES " if connection.vendor == "sqlite" else "")


def _plain_uuid(value: str) -> str:
    return value.replace("-", "")


def tag_term(tag: str) -> bytes:
    """How ``tag`` is kept among the search terms."""
    return b"t:" + tag.encode()


def context_term(pair: str) -> bytes:
    """How an entry of an issue's context, ``key=value``, is kept among the search terms."""
    return b"c:" + pair.encode()


def word_term(word: str) -> bytes:
    """How a ``word`` of an issue is kept among the search terms."""
    return b"w:" + word.encode()


def terms_of(issue: Issue) -> set[bytes]:
    """Every search term of ``issue``."""
    words = searched_words(issue.title, issue.exception)
    return {
        *(tag_term(tag) for tag in issue.tags),
        *(context_term(pair) for pair in context_pairs(issue.context)),
        *(word_term(word) for word in words),
    }


def upsert(
    table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Statement:
    """Insert rows, or overwrite those of the same key."""
    kept = [column for column in columns if column not in key]
    action = f"UPDATE SET {_assignments(kept)}" if kept else "NOTHING"
    return _insert(table, key, columns, rows, f"DO {action}")


def conditional_upsert(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Statement:
    """Write issues whose stored version is one less than the row's; returns the ids written."""
    kept = [column for column in columns if column != "id"]
    action = (
        f"DO UPDATE SET {_assignments(kept)} "
        f"WHERE {ISSUES}.version = excluded.version - 1 RETURNING id"
    )
    return _insert(ISSUES, ["id"], columns, rows, action)


def delete(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], dialect: Dialect
) -> Statement:
    """Delete the rows with these values in ``columns``."""
    place = f"({_places(columns)})"
    places = ", ".join([place] * len(rows))
    where = f"({', '.join(columns)}) IN ({dialect.rows}{places})"
    return f"DELETE FROM {table} WHERE {where}", [value for row in rows for value in row]


def term_filters(query: IssueQuery) -> list[Statement]:
    """What ``query`` asks of an issue's search terms; each must hold of one of them."""
    terms = [*map(context_term, query.context), *map(tag_term, query.tags)]
    exact = [("term = %s", [term]) for term in terms]
    ranges = [
        ("term >= %s AND term < %s", [word_term(word), word_term(word) + _AFTER_ALL])
        for word in words_of(query.text)
    ]
    return [*exact, *ranges]


def having_all(filters: Sequence[Statement]) -> Statement:
    """The ids of the issues for which every one of ``filters`` holds; some may be there twice.

    Args:
        filters: of :func:`term_filters`, one at least; best with the rarest first.
    """
    (condition, values), *others = filters
    conditions = [condition]
    values = list(values)
    for other, more in others:
        has = f"SELECT 1 FROM {TERMS} AS o WHERE o.issue_id = {TERMS}.issue_id AND {other}"
        conditions.append(f"EXISTS ({has})")
        values += more
    return f"SELECT issue_id FROM {TERMS} WHERE {' AND '.join(conditions)}", values


def listed(ids: Sequence[Any]) -> Statement:
    """The same for ids that are known."""
    ids = ids or [None]  # SQL takes no empty list; nothing equals NULL
    return _places(ids), list(ids)


def counted(ids: Statement, most: int) -> Statement:
    """How many rows ``ids`` has, counted to ``most`` and no further."""
    statement, values = ids
    return f"SELECT COUNT(*) FROM ({statement} LIMIT {most:d}) AS counted", values


def page(query: IssueQuery, limit: int, cursor: str | None, dialect: Dialect) -> Statement:
    """The first ``limit`` issues after ``cursor``.

    Each status is read by itself, in the order of the index that begins with it, and no further
    than a page: so a list is as quick with a million resolved issues as without them.

    Raises:
        InvalidInput: ``cursor`` is not one of this query's.
    """
    order = _order(query, limit)
    conditions, values = _conditions(query, cursor, dialect)
    for has, more in map(_having, term_filters(query)):
        conditions.append(has)
        values += more
    parts: list[str] = []
    params: list[Any] = []
    for status in _statuses(query):
        where = " AND ".join(["status = %s", *conditions])
        parts.append(f"SELECT id FROM (SELECT id FROM {ISSUES} WHERE {where} {order}) AS s")
        params += [status, *values]
    return (
        f"SELECT * FROM {ISSUES} WHERE id IN ({' UNION ALL '.join(parts)}) {order}",
        params,
    )


def page_among(
    ids: Statement, query: IssueQuery, limit: int, cursor: str | None, dialect: Dialect
) -> Statement:
    """The same, of the issues that ``ids`` finds, which has all of the query's terms.

    Each of them is looked up before any is put in order: left to itself, PostgreSQL may go along
    the order's index all the same, in the hope of meeting a page of them soon.

    Raises:
        InvalidInput: ``cursor`` is not one of this query's.
    """
    order = _order(query, limit)
    conditions, values = _conditions(query, cursor, dialect)
    statuses = _statuses(query)
    found, found_values = ids
    # No index goes by that text: SQLite would take that of the status, and look at every issue.
    status = f"status || '' IN ({_places(statuses)})"
    where = " AND ".join([f"id IN ({found})", status, *conditions])
    statement = (
        f"WITH among AS MATERIALIZED (SELECT id, {query.field} FROM {ISSUES} WHERE {where}) "
        f"SELECT * FROM {ISSUES} WHERE id IN (SELECT id FROM among {order}) {order}"
    )
    return statement, [*found_values, *statuses, *values]


def _statuses(query: IssueQuery) -> Sequence[str]:
    return query.status or [name for name in get_args(Status) if name != "deleted"]


def _order(query: IssueQuery, limit: int) -> str:
    direction = "DESC" if query.descending else "ASC"
    return f"ORDER BY {query.field} {direction}, id {direction} LIMIT {limit:d}"


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _insert(
    table: str,
    key: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    action: str,
) -> Statement:
    place = f"({_places(columns)})"
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"VALUES {', '.join([place] * len(rows))} ON CONFLICT ({', '.join(key)}) {action}"
    )
    return sql, [value for row in rows for value in row]


def _assignments(columns: Sequence[str]) -> str:
    return ", ".join(f"{column} = excluded.{column}" for column in columns)


def _conditions(
    query: IssueQuery, cursor: str | None, dialect: Dialect
) -> tuple[list[str], list[Any]]:
    found: list[tuple[str, list[Any]]] = [
        *_one_of("type", query.type),
        *_one_of("priority", query.priority),
        *_one_of("component", (query.component,)),
        *_one_of("reporter", (query.reporter,)),
    ]
    if query.assignee is not None:
        # Spelt as the partial indexes are, so that the planner sees that they serve.
        somebody = "assignee = %s" if query.assignee else "COALESCE(assignee, '') = %s"
        found.append((somebody, [query.assignee]))
    if query.regressed is not None:
        found.append(("regressed" if query.regressed else "NOT regressed", []))
    if query.first_since is not None:
        found.append(("first_seen >= %s", [dialect.time(query.first_since)]))
    if query.changed_since is not None:
        found.append(("updated_at >= %s", [dialect.time(query.changed_since)]))
    if query.until is not None:
        found.append(("updated_at < %s", [dialect.time(query.until)]))
    found += _shown(query, dialect)
    if cursor is not None:
        found.append(_after(query, cursor, dialect))
    return [sql for sql, _ in found], [value for _, values in found for value in values]


def _shown(query: IssueQuery, dialect: Dialect) -> list[Statement]:
    """What a list leaves out: what is merged into others, and as a rule what is muted."""
    listed: Statement = ("(merged_into IS NULL OR regressed)", [])
    if query.muted is None:
        return [listed]
    now = [dialect.time(datetime.now(UTC))]
    if query.muted:
        return [
            listed,
            ("(muted_events IS NOT NULL OR muted_until IS NOT NULL)", []),  # as the index has it
            ("(muted_events IS NOT NULL OR muted_until > %s)", now),
        ]
    return [
        listed,
        ("muted_events IS NULL", []),
        ("(muted_until IS NULL OR muted_until <= %s)", now),
    ]


def _one_of(column: str, values: Sequence[str | None]) -> list[Statement]:
    given = [value for value in values if value is not None]
    if not given:
        return []
    return [(f"{column} IN ({_places(given)})", list(given))]


def _having(term_filter: Statement) -> Statement:
    # The offset keeps PostgreSQL from gathering all issues of a common term before it begins.
    condition, values = term_filter
    has = f"SELECT 1 FROM {TERMS} WHERE issue_id = {ISSUES}.id AND {condition} LIMIT 1 OFFSET 0"
    return f"EXISTS ({has})", values


def _after(query: IssueQuery, cursor: str, dialect: Dialect) -> Statement:
    value, issue_id = read_cursor(query, cursor)
    sign = "<" if query.descending else ">"
    position = dialect.time(value) if isinstance(value, datetime) else value
    return f"({query.field}, id) {sign} (%s, %s)", [position, dialect.uuid(issue_id)]
