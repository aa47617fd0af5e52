"""Database lists by words and tags that are so common that another way to search is quicker."""

from itertools import product
from typing import get_args

import pytest

from issuetracker.issues import IssueQuery, Order
from issuetracker.providers import StoreProvider, database
from tests.contract.issues import save
from tests.contract.test_listing import SEARCHES, every, expected, make_issues


@pytest.mark.parametrize("few", [0, 3, 12])
@pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_both_ways_to_search_find_the_same(
    store: StoreProvider, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_FEW", few)
    issues = make_issues()
    save(store, *issues)
    queries = [
        IssueQuery(text=text, tags=tags, order=order)
        for text, tags, order in product(
            SEARCHES[:8], [(), ("x",), ("x", "Y")], get_args(Order)[:2]
        )
    ]
    for query in queries:
        assert list(every(store, query, 7)) == expected(issues, query)
