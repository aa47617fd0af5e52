"""What was written before issues could be muted and merged reads as neither."""

from pathlib import Path

import pytest

from issuetracker.issues import IssueQuery
from issuetracker.models import StoredIssue
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.providers.firestore_channel import CommitRequest
from issuetracker.providers.firestore_documents import issue_of, write_issue
from tests.contract.issues import full_issue, make_issue, save

NEW = ("muted", "muted_until", "muted_events", "merged_into", "merged")


@pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_an_older_row_is_listed_and_reads_in_full(
    store: DatabaseHelperProvider, tmp_path: Path
) -> None:
    issue = make_issue()
    save(store, issue)
    StoredIssue.objects.using(store.using).update(
        merged=None, merged_into=None, muted_until=None, muted_events=None
    )
    assert store.get(issue.id) == issue
    assert store.list_issues(IssueQuery(), limit=10, cursor=None).items == [issue]
    assert store.list_issues(IssueQuery(muted=True), limit=10, cursor=None).items == []


def test_an_older_document_reads_in_full() -> None:
    document = CommitRequest().writes.add().update
    write_issue(document, "projects/p/databases/d/documents/issues/x", full_issue())
    for name in NEW:
        del document.fields[name]
    issue = issue_of(document)
    assert (issue.muted_until, issue.muted_events) == (None, None)
    assert (issue.merged_into, issue.merged) == (None, [])
