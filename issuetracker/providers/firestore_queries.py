"""List queries in Firestore's terms, as far as one indexed query goes.

Firestore joins the indexes of equality filters by itself, so one composite index per filter and
order serves every combination (``firestore.indexes.json``; ``tests/test_firestore_indexes.py``
derives it from here). It allows one ``array-contains`` in a query, and a range on the order's field
only as far as those indexes go; what remains is filtered while reading (:func:`is_exact`).

What lists leave out is in two fields that are written with the issue: ``listed`` (neither deleted,
nor merged into another, nor muted for some further events) and ``muted``. A mute until a time ends
without a write, so an issue that is muted that way is read and passed over, until it is not.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from google.cloud.firestore_v1.types import query as queries

from issuetracker.issues import Collection, IssueQuery
from issuetracker.messages import Status
from issuetracker.providers.firestore_documents import Value, term_for
from issuetracker.words import words_of

StructuredQuery = queries.StructuredQuery.pb()
Filter = StructuredQuery.Filter
_FieldFilter = StructuredQuery.FieldFilter
_EQUAL = _FieldFilter.Operator.Value("EQUAL")
_IN = _FieldFilter.Operator.Value("IN")
_CONTAINS = _FieldFilter.Operator.Value("ARRAY_CONTAINS")
_FROM = _FieldFilter.Operator.Value("GREATER_THAN_OR_EQUAL")
_BEFORE = _FieldFilter.Operator.Value("LESS_THAN")
_ASCENDING = StructuredQuery.Direction.Value("ASCENDING")
_DESCENDING = StructuredQuery.Direction.Value("DESCENDING")
#: Firestore splits ``in`` filters into their combinations, and takes at most this many.
_COMBINATIONS = 30

#: Every field that a list filters by equality.
EQUALITY_FIELDS = (
    "listed",
    "status",
    "type",
    "priority",
    "component",
    "reporter",
    "assignee",
    "muted",
    "regressed",
)
#: The times by which a list can be cut, where they also order it.
RANGES = ("updated_at", "first_seen")
TERMS = "terms"


def issue_query(query: IssueQuery, limit: int) -> Any:  # noqa: ANN401 - a protobuf message
    """The Firestore query for ``query``; what it finds may include more than matches."""
    built = StructuredQuery()
    _collection(built, "issues")
    built.limit.value = limit
    filters = [*_equalities(query), *_terms(query)]
    if query.field in RANGES:
        filters += _range(query)
    _all_of(built, filters)
    _order(built, query.field, descending=query.descending)
    return built


def is_exact(query: IssueQuery) -> bool:
    """Whether the Firestore query finds nothing but what matches."""
    words = words_of(query.text)
    # An indexed beginning may be shorter than the word that is looked for.
    narrowed = sum(term_for(word) == f"word:{word}" for word in words)
    whole = len(query.tags) + len(query.context)
    ranged = {"updated_at"} if query.since is not None or query.until is not None else set()
    ranged |= {"first_seen"} if query.first_since is not None else set()
    return (
        narrowed == len(words)
        and whole + narrowed <= 1
        and ranged <= {query.field} & {*RANGES}
        and _choices_fit(query)
    )


def documents_query(collection: Collection, limit: int) -> Any:  # noqa: ANN401 - a protobuf message
    """The Firestore query for what lies under an issue."""
    built = StructuredQuery()
    _collection(built, collection)
    built.limit.value = limit
    _order(built, "time", descending=collection == "occurrences")
    return built


def start_after(built: Any, value: datetime | int, name: str) -> None:  # noqa: ANN401 - protobuf
    """Begin after the document ``name`` whose ordering field holds ``value``."""
    built.start_at.before = False
    first = built.start_at.values.add()
    if isinstance(value, datetime):
        first.timestamp_value.FromDatetime(value)
    else:
        first.integer_value = value
    built.start_at.values.add().reference_value = name


def _collection(built: Any, name: str) -> None:  # noqa: ANN401 - a protobuf message
    built.from_.add().collection_id = name


def _equalities(query: IssueQuery) -> list[Any]:
    filters = []
    if _is_of_listed(query):
        filters.append(_filter("listed", _EQUAL, Value(boolean_value=True)))
    if query.muted:
        filters.append(_filter("muted", _EQUAL, Value(boolean_value=True)))
    if _choices_fit(query):
        choices = (("status", _statuses(query)), ("type", query.type), ("priority", query.priority))
        filters += [_one_of(name, values) for name, values in choices if values]
    for name in ("component", "reporter", "assignee"):
        value = getattr(query, name)
        if value is not None:
            filters.append(_filter(name, _EQUAL, Value(string_value=value)))
    if query.regressed is not None:
        filters.append(_filter("regressed", _EQUAL, Value(boolean_value=query.regressed)))
    return filters


def _is_of_listed(query: IssueQuery) -> bool:
    return query.muted is False and "deleted" not in query.status


def _statuses(query: IssueQuery) -> Sequence[str]:
    """The statuses to ask for; none where being listed says it already."""
    if query.status or _is_of_listed(query):
        return query.status
    return [name for name in get_args(Status) if name != "deleted"]


def _choices_fit(query: IssueQuery) -> bool:
    count = 1
    for values in (_statuses(query), query.type, query.priority):
        count *= len(set(values)) or 1
    return count <= _COMBINATIONS


def _one_of(name: str, values: Sequence[str]) -> Any:  # noqa: ANN401 - a protobuf message
    distinct = sorted(set(values))
    if len(distinct) == 1:
        return _filter(name, _EQUAL, Value(string_value=distinct[0]))
    several = Value()
    for value in distinct:
        several.array_value.values.add().string_value = value
    return _filter(name, _IN, several)


def _terms(query: IssueQuery) -> list[Any]:
    words = [term for word in words_of(query.text) if (term := term_for(word))]
    # The longest beginning of a word is likely to be the rarest; tags and context are rarer still.
    candidates = [
        *(f"context:{pair}" for pair in query.context),
        *(f"tag:{tag}" for tag in query.tags),
        *sorted(words, key=len, reverse=True),
    ]
    return [_filter(TERMS, _CONTAINS, Value(string_value=term)) for term in candidates[:1]]


def _range(query: IssueQuery) -> list[Any]:
    filters = []
    bounds = ((_FROM, query.changed_since), (_BEFORE, query.until))
    if query.field == "first_seen":
        bounds = ((_FROM, query.first_since), (_BEFORE, None))
    for operator, moment in bounds:
        if moment is not None:
            value = Value()
            value.timestamp_value.FromDatetime(moment)
            filters.append(_filter(query.field, operator, value))
    return filters


def _filter(name: str, operator: int, value: Any) -> Any:  # noqa: ANN401 - a protobuf message
    made = Filter()
    made.field_filter.field.field_path = name
    made.field_filter.op = operator
    made.field_filter.value.CopyFrom(value)
    return made


def _all_of(built: Any, filters: list[Any]) -> None:  # noqa: ANN401 - a protobuf message
    if not filters:
        return
    composite = built.where.composite_filter
    composite.op = StructuredQuery.CompositeFilter.Operator.Value("AND")
    composite.filters.extend(filters)


def _order(built: Any, name: str, *, descending: bool) -> None:  # noqa: ANN401 - protobuf
    direction = _DESCENDING if descending else _ASCENDING
    for path in (name, "__name__"):
        order = built.order_by.add()
        order.field.field_path = path
        order.direction = direction
