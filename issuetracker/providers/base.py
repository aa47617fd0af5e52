"""The port to a store of issues: what every back end offers, and what it promises.

A store needs to do little: get many issues, write many on the condition that each is unchanged
since it was read, list by filter and cursor. Counting once, merging and ordering are not its
business (:mod:`issuetracker.merging`). Back ends pass one contract suite, ``tests/contract/``.

A back end is chosen like Django chooses its own: ``settings.ISSUETRACKER_STORE`` is a dict of
``BACKEND`` (dotted path of the class) and ``OPTIONS`` (its keyword arguments).
"""

import abc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Generic, TypeVar

from django.core.checks import CheckMessage

from issuetracker.exceptions import StoreRefused
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.merging import Delivery
from issuetracker.messages import Reported

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Stored:
    """An issue as it was read.

    Attributes:
        issue: the issue.
        version: what the store compares when it is written back; opaque.
    """

    issue: Issue
    version: object


@dataclass(frozen=True, slots=True)
class Write:
    """One issue to write, with what belongs to it; all of it or nothing is written.

    Attributes:
        issue: the new state.
        version: of the :class:`Stored` it was made from; None when the store had none.
        put: documents to write; one of the same name is overwritten.
        drop: ids of occurrences to delete; an absent one is no error.
        reindex: make all of the issue's search index anew, not only what ``issue`` changes.
    """

    issue: Issue
    version: object | None
    put: Sequence[AnyDocument] = ()
    drop: Sequence[str] = ()
    reindex: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list.

    Attributes:
        items: in order.
        cursor: where the next page starts, or None at the end. A page may be shorter than asked
            for, even empty, and still have a next one.
    """

    items: list[Item] = field(default_factory=list)
    cursor: str | None = None


class StoreProvider(abc.ABC):
    """A store of issues.

    Every method is safe to call from several threads. Vendor errors never leave it: each method
    raises :class:`~issuetracker.exceptions.StoreUnavailable` when asking again may help and
    :class:`~issuetracker.exceptions.StoreRefused` when it cannot.

    Attributes:
        name: what people call it, in messages and metrics.
        write_interval: how often one issue may be written in the long run; the consumer gathers
            that long before it writes the same issue again.
        max_writes: issues that :meth:`write_many` takes at once.
        parallel: so many calls at once bring more into it in the same time than one.
    """

    name: ClassVar[str]
    write_interval: ClassVar[timedelta] = timedelta(seconds=0.2)
    max_writes: ClassVar[int] = 500
    parallel: ClassVar[int] = 1

    @abc.abstractmethod
    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        """The issues that exist among ``issue_ids`` (bare ids), by id.

        A read sees every write that was acknowledged before it began.
        """

    @abc.abstractmethod
    def write_many(self, writes: Sequence[Write]) -> set[str]:
        """Write each issue that is unchanged since it was read, with its documents.

        Returns:
            The ids of those *not* written because they were changed, or created, meanwhile; read
            them again and merge again. A back end may report an unchanged one here too, if it
            wrote nothing of it.

        Raises:
            StoreRefused: at least one of the writes can never succeed; of the others some may have
                been written.
            StoreUnavailable: some of them may have been written, others not.
        """

    @abc.abstractmethod
    def list_issues(self, query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        """A page of the issues that match, in the query's order.

        Args:
            query: filters and order; what matches is what :meth:`IssueQuery.matches` says.
            limit: at most so many, 1 to 200.
            cursor: from the page before, or None for the first.

        Raises:
            InvalidInput: ``cursor`` is not one of this query's.
        """

    @abc.abstractmethod
    def list_documents(
        self, issue_id: str, collection: Collection, *, limit: int, cursor: str | None
    ) -> Page[AnyDocument]:
        """A page of what is kept under an issue: comments and history oldest first, occurrences
        newest first. Empty for an unknown issue.

        Raises:
            InvalidInput: ``cursor`` is not one of this list's.
        """  # noqa: D205

    @abc.abstractmethod
    def ping(self) -> None:
        """Return if the store answers within a second or so.

        Raises:
            StoreUnavailable: it does not.
        """

    def check(self) -> list[CheckMessage]:
        """What is wrong with the configuration, as Django's system check messages.

        Called by ``manage.py check`` and before a consumer starts; it asks no server.
        """
        return []

    def create_issue(self, change: Reported) -> Issue:
        """Bring one report into the store, and return its issue as it is then.

        Raises:
            StoreUnavailable: it may have been written or not; calling again is safe.
            StoreRefused: the store will never take it.
        """
        # The one direction here that is against the layers: applying needs a store's port.
        from issuetracker.applying import apply_changes  # noqa: PLC0415

        outcome = apply_changes(self, [Delivery(change)])
        if outcome.refused:
            raise StoreRefused(outcome.refused[0][1])
        return outcome.issues[change.issue_id]

    def get(self, issue_id: str) -> Issue | None:
        """The issue of this bare id, or None."""
        stored = self.get_many([issue_id]).get(issue_id)
        return stored.issue if stored else None
