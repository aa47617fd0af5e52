"""firestore.indexes.json is what the queries need, and counts nothing that nobody asks for."""

import json
from pathlib import Path
from typing import Any, get_args

from issuetracker.issues import Issue, IssueQuery, Occurrence, Order
from issuetracker.providers.firestore_queries import EQUALITY_FIELDS, TERMS, issue_query

ROOT = Path(__file__).resolve().parent.parent
INDEXES: dict[str, Any] = json.loads((ROOT / "firestore.indexes.json").read_text())
#: Free-form or large, and never filtered or ordered by.
UNSEARCHED = ("title", "description", "exception", "context", "ledger", "fingerprint", "tags")
#: Read with the issue only; what lists leave out is in `listed` and `muted`.
DERIVED_FROM = ("muted_until", "muted_events", "merged_into", "merged")


def _fields_used(query: IssueQuery) -> set[str]:
    composite = issue_query(query, 10).where.composite_filter
    return {each.field_filter.field.field_path for each in composite.filters}


def test_there_is_an_index_for_every_filter_in_every_order() -> None:
    wanted = {
        (name, order.removeprefix("-"), "DESCENDING" if order.startswith("-") else "ASCENDING")
        for order in get_args(Order)
        for name in (*EQUALITY_FIELDS, TERMS)
    }
    there = {
        (first["fieldPath"], second["fieldPath"], second["order"])
        for index in INDEXES["indexes"]
        for first, second in [index["fields"]]
    }
    assert there == wanted
    assert {index["collectionGroup"] for index in INDEXES["indexes"]} == {"issues"}


def test_the_builder_filters_by_no_other_field() -> None:
    query = IssueQuery(
        status=("open", "resolved"),
        type=("bug",),
        priority=("low", "high"),
        component="billing",
        tags=("db",),
        reporter="service.billing",
        assignee="",
        regressed=True,
        text="timeout",
    )
    assert _fields_used(query) == {*EQUALITY_FIELDS, TERMS} - {"muted"}
    assert _fields_used(IssueQuery()) == {"listed"}
    assert _fields_used(IssueQuery(status=("deleted",))) == {"status"}
    assert _fields_used(IssueQuery(muted=True)) == {"muted", "status"}
    assert _fields_used(IssueQuery(muted=None)) == {"status"}


def test_free_form_fields_are_exempt_from_indexing() -> None:
    exempt = {
        (override["collectionGroup"], override["fieldPath"])
        for override in INDEXES["fieldOverrides"]
        if override["indexes"] == []
    }
    assert {("issues", name) for name in (*UNSEARCHED, *DERIVED_FROM)} <= exempt
    assert {*UNSEARCHED, *DERIVED_FROM} <= set(Issue.__struct_fields__)
    free_form = {"description", "exception", "context", "tags"}
    assert {("occurrences", name) for name in free_form} <= exempt
    assert free_form <= set(Occurrence.__struct_fields__)
    assert ("comments", "body") in exempt
    assert ("history", "changes") in exempt


def test_nobody_reaches_the_documents_past_this_product() -> None:
    rules = (ROOT / "firestore.rules").read_text()
    assert "allow read, write: if false;" in rules
    assert rules.count("allow") == 1
