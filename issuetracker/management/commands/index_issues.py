"""``manage.py index_issues``: makes the search index of every issue anew."""

from collections.abc import Iterator
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError

from issuetracker.exceptions import StoreUnavailable
from issuetracker.issues import IssueQuery
from issuetracker.messages import Status
from issuetracker.providers import StoreProvider, get_store
from issuetracker.providers.base import Write

_AT_ONCE = 100
_EVERY = IssueQuery(status=get_args(Status), order="first_seen")


class Command(BaseCommand):
    """Brings issues that were written by an earlier version under the present search."""

    help = "Make the search index of every stored issue anew; may run beside everything else."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Go through the store, oldest issue first.

        Raises:
            CommandError: the store does not answer; run it again.
        """
        done = 0
        try:
            for ids in _pages(get_store()):
                _reindex(get_store(), ids)
                done += len(ids)
                self.stdout.write(f"{done} issues", ending="\r")
        except StoreUnavailable as error:
            raise CommandError(f"After {done} issues the store did not answer: {error}") from error
        self.stdout.write(f"{done} issues are indexed.")


def _pages(store: StoreProvider) -> Iterator[list[str]]:
    cursor: str | None = None
    while True:
        page = store.list_issues(_EVERY, limit=_AT_ONCE, cursor=cursor)
        yield [issue.id for issue in page.items]
        cursor = page.cursor
        if cursor is None:
            return


def _reindex(store: StoreProvider, ids: list[str]) -> None:
    """Write each as it is; those that somebody changes meanwhile are read and written again."""
    left = set(ids)
    while left:
        stored = store.get_many(left)
        writes = [Write(one.issue, one.version, reindex=True) for one in stored.values()]
        left = store.write_many(writes)
