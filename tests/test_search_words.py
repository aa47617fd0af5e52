"""By which words an issue is found, and how an older index is brought up to date."""

import uuid
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from issuetracker.issues import Issue, IssueQuery
from issuetracker.messages import RaisedException
from issuetracker.models import SearchTerm
from issuetracker.providers import get_store
from issuetracker.providers.base import Write
from issuetracker.words import (
    CONTEXT_PAIRS,
    EXCEPTION_WORDS,
    LONGEST_PAIR,
    begins_words,
    context_pairs,
    searched_words,
)

RAISED = [
    RaisedException(type="psycopg.errors.ConnectionTimeout", message="pool of billing-db is empty"),
    RaisedException(type="builtins.OSError", message="errno 110"),
]


@pytest.mark.parametrize(
    "search",
    ["report", "connectiontime", "timeout", "billing pool", "OSERROR", "110", "Report psycopg"],
)
def test_title_type_and_message_are_searched(search: str) -> None:
    assert begins_words(search, searched_words("Report failed", RAISED))


@pytest.mark.parametrize("search", ["of", "imeout", "builtins", "report missing"])
def test_what_says_nothing_or_is_not_there_is_not_found(search: str) -> None:
    assert not begins_words(search, searched_words("Report failed", RAISED))


def test_a_message_full_of_ids_adds_a_bounded_number_of_words() -> None:
    dump = " ".join(str(uuid.UUID(int=number)) for number in range(100))
    title = "A title with words of its own"
    words = searched_words(title, [RaisedException(type="E", message=f"{dump} {'x' * 5000}")])
    assert len(words) <= len(title.split()) + EXCEPTION_WORDS
    assert max(map(len, words)) <= 40


@pytest.mark.usefixtures("transactional_db")
def test_issues_of_an_older_index_are_found_after_the_command() -> None:
    store = get_store()
    now = datetime.now(UTC)
    issues = [
        Issue(
            id=str(uuid.uuid4()),
            title="Report failed",
            status="deleted" if number == 0 else "open",
            exception=RAISED,
            first_seen=now,
            last_seen=now,
            updated_at=now,
        )
        for number in range(120)
    ]
    store.write_many([Write(issue, None) for issue in issues])
    SearchTerm.objects.all().delete()
    SearchTerm.objects.create(term=b"w:stale", issue_id=issues[1].id)

    said = StringIO()
    call_command("index_issues", stdout=said)

    assert "120 issues are indexed." in said.getvalue()
    found = store.list_issues(IssueQuery(text="timeout"), limit=200, cursor=None).items
    assert len(found) == 119
    assert store.list_issues(IssueQuery(text="stale"), limit=5, cursor=None).items == []
    everywhere = IssueQuery(text="timeout", status=("deleted",))
    assert len(store.list_issues(everywhere, limit=5, cursor=None).items) == 1


def test_short_entries_of_a_context_are_searched_as_they_are_written() -> None:
    context = {"run": "7 b", "n": 1, "ok": True, "none": None, "deep": {"a": 1}, "list": [1]}
    assert context_pairs(context) == ["n=1", "none=null", "ok=true", "run=7 b"]
    assert context_pairs({"k": "v" * (LONGEST_PAIR - 2)}) == ["k=" + "v" * (LONGEST_PAIR - 2)]
    assert context_pairs({"k": "v" * (LONGEST_PAIR - 1)}) == []
    many = {f"k{n:02}": n for n in range(99)}
    assert context_pairs(many) == context_pairs(dict(reversed(many.items())))
    assert len(context_pairs({str(n): n for n in range(99)})) == CONTEXT_PAIRS
