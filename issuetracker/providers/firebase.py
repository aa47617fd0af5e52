"""Issues in Firestore, the production store."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from issuetracker.exceptions import StoreRefused
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.processes import PerProcess
from issuetracker.providers.base import Page, Stored, StoreProvider, Write
from issuetracker.providers.cursors import (
    cursor_after,
    document_cursor,
    is_uuid,
    read_cursor,
    read_document_cursor,
)
from issuetracker.providers.firestore_channel import (
    HOW_TO_CONFIGURE,
    CommitRequest,
    Conflict,
    FirestoreChannel,
    NotConfigured,
    find_access,
)
from issuetracker.providers.firestore_documents import (
    issue_of,
    under_of,
    write_issue,
    write_under,
)
from issuetracker.providers.firestore_queries import (
    documents_query,
    is_exact,
    issue_query,
    start_after,
)

#: Firestore takes requests of 10 MiB, its emulator of 4 MiB; what surrounds the writes is little.
COMMIT_BYTES = 3584 * 1024
COMMIT_WRITES = 2000
#: Documents read for one page when filters are left over; then the page is what was found.
SCANNED = 1000


class FirebaseHelperProvider(StoreProvider):
    """Keeps issues in Firestore: ``issues/{id}``, and below each what belongs to it.

    A batch is as few ``Commit`` requests as its size allows; each issue is written on the
    condition that its update time is still the one that was read.

    Args:
        project: the Google Cloud project; empty: the one that the credentials name.
        credentials: a service account's key; if there is no such file, Google's usual places.
        emulator: ``host:port`` of an emulator that is used instead.
    """

    name = "firestore"
    # Firestore sustains about one write a second to one document.
    write_interval = timedelta(seconds=1)
    # Most of a request is a wait.
    parallel = 2

    def __init__(self, project: str, credentials: Path, emulator: str = "") -> None:
        self._project = project
        self._credentials = Path(credentials)
        self._emulator = emulator
        self._lines = PerProcess(self._connect)

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        """See :meth:`StoreProvider.get_many`."""
        names = [self._name(issue_id) for issue_id in issue_ids if is_uuid(issue_id)]
        found: dict[str, Stored] = {}
        for start in range(0, len(names), self.max_writes):
            for document in self._line.batch_get(names[start : start + self.max_writes]):
                issue = issue_of(document)
                found[issue.id] = Stored(issue, document.update_time)
        return found

    def write_many(self, writes: Sequence[Write]) -> set[str]:
        """See :meth:`StoreProvider.write_many`."""
        conflicts: set[str] = set()
        try:
            prepared = [(write, self._parts(write)) for write in writes]
        except UnicodeEncodeError as error:
            raise StoreRefused(f"Firestore cannot hold this text: {error}") from error
        for chunk in _chunks([self._fitting(*each) for each in prepared]):
            conflicts |= self._commit(chunk)
        return conflicts

    def _fitting(self, write: Write, parts: list[bytes]) -> "_Prepared":
        """An issue with more under it than one request holds: what is under it goes ahead.

        Should the issue itself then be in conflict, its next merge writes the same documents.
        """
        if sum(map(len, parts)) <= COMMIT_BYTES:
            return write, parts
        for chunk in _chunks([(write, [part]) for part in parts[1:]]):
            self._line.commit(_parts_of(chunk))
        return write, parts[:1]

    def _commit(self, chunk: "list[_Prepared]") -> set[str]:
        try:
            self._line.commit(_parts_of(chunk))
        except Conflict:
            return self._commit_the_rest(chunk)
        return set()

    def _commit_the_rest(self, chunk: "list[_Prepared]") -> set[str]:
        """Write the issues of ``chunk`` that nobody changed; the ids of the others.

        One conflict rejects the whole request, so the others would lose their race with it.
        """
        names = [self._name(write.issue.id) for write, _ in chunk]
        now = {
            document.name: document.update_time
            for document in self._line.batch_get(names, ["updated_at"])
        }
        rest = [
            (write, parts)
            for (write, parts), name in zip(chunk, names, strict=True)
            if now.get(name) == write.version
        ]
        try:
            if rest:
                self._line.commit(_parts_of(rest))
        except Conflict:
            rest = []
        written = {write.issue.id for write, _ in rest}
        return {write.issue.id for write, _ in chunk} - written

    def list_issues(self, query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        """See :meth:`StoreProvider.list_issues`."""
        after = None if cursor is None else read_cursor(query, cursor)
        found: list[Issue] = []
        last: Issue | None = None
        size = limit + 1 if is_exact(query) else max(limit + 1, SCANNED // 4)
        for _ in range(max(1, SCANNED // size)):
            read = self._read(query, size, after)
            for issue in read:
                if query.matches(issue):
                    if len(found) == limit:
                        return Page(found, cursor_after(query, found[-1]))
                    found.append(issue)
            if len(read) < size:
                return Page(found)
            last = read[-1]
            after = (getattr(last, query.field), last.id)
        return Page(found, cursor_after(query, cast("Issue", last)))

    def _read(
        self, query: IssueQuery, limit: int, after: tuple[datetime | int, str] | None
    ) -> list[Issue]:
        built = issue_query(query, limit)
        if after is not None:
            start_after(built, after[0], self._name(after[1]))
        return [issue_of(document) for document in self._line.run_query("", built)]

    def list_documents(
        self, issue_id: str, collection: Collection, *, limit: int, cursor: str | None
    ) -> Page[AnyDocument]:
        """See :meth:`StoreProvider.list_documents`."""
        after = None if cursor is None else read_document_cursor(collection, cursor)
        if not is_uuid(issue_id):
            return Page()
        built = documents_query(collection, limit + 1)
        if after is not None:
            start_after(built, after[0], f"{self._name(issue_id)}/{collection}/{after[1]}")
        read = self._line.run_query(f"issues/{issue_id}", built)
        documents = [under_of(collection, document) for document in read]
        if len(documents) <= limit:
            return Page(documents)
        return Page(documents[:limit], document_cursor(documents[limit - 1]))

    def ping(self) -> None:
        """See :meth:`StoreProvider.ping`."""
        self._line.batch_get([self._name("00000000-0000-0000-0000-000000000000")], ["id"])

    def check(self) -> list[CheckMessage]:
        """See :meth:`StoreProvider.check`."""
        try:
            find_access(self._project, self._credentials, self._emulator)
        except NotConfigured as error:
            return [Error(str(error), hint=HOW_TO_CONFIGURE, id="issuetracker.E003")]
        return []

    @property
    def _line(self) -> FirestoreChannel:
        return self._lines.get()

    def _connect(self) -> FirestoreChannel:
        try:
            access = find_access(self._project, self._credentials, self._emulator)
        except NotConfigured as error:
            raise ImproperlyConfigured(f"{error} {HOW_TO_CONFIGURE}") from error
        return FirestoreChannel(access)

    def _name(self, issue_id: str) -> str:
        return f"{self._line.database}/documents/issues/{issue_id}"

    def _parts(self, write: Write) -> list[bytes]:
        """The parts of a request that write the issue, and what belongs to it."""
        name = self._name(write.issue.id)
        request = CommitRequest()
        main = request.writes.add()
        write_issue(main.update, name, write.issue)
        if write.version is None:
            main.current_document.exists = False
        else:
            main.current_document.update_time.CopyFrom(write.version)
        put = [_put(f"{name}/{item.collection}/{item.id}", item) for item in write.put]
        drop = [_drop(f"{name}/occurrences/{event}") for event in write.drop]
        return [request.SerializeToString(), *put, *drop]


#: A write, and the parts of a request that it comes to; the first is the issue itself.
_Prepared = tuple[Write, list[bytes]]


def _put(name: str, item: AnyDocument) -> bytes:
    request = CommitRequest()
    write_under(request.writes.add().update, name, item)
    part: bytes = request.SerializeToString()
    return part


def _drop(name: str) -> bytes:
    request = CommitRequest()
    request.writes.add().delete = name
    part: bytes = request.SerializeToString()
    return part


def _parts_of(chunk: Iterable[_Prepared]) -> list[bytes]:
    return [part for _, parts in chunk for part in parts]


def _chunks(prepared: Sequence[_Prepared]) -> Iterator[list[_Prepared]]:
    """Cut into requests; all that belongs to one issue stays in one."""
    chunk: list[_Prepared] = []
    count = size = 0
    for write, parts in prepared:
        bytes_more = sum(map(len, parts))
        full = count + len(parts) > COMMIT_WRITES or size + bytes_more > COMMIT_BYTES
        if chunk and full:
            yield chunk
            chunk, count, size = [], 0, 0
        chunk.append((write, parts))
        count += len(parts)
        size += bytes_more
    if chunk:
        yield chunk
