"""A store in memory that keeps the port's promises, and fails in every way that they allow."""

from collections.abc import Iterable, Sequence

import msgspec

from issuetracker.exceptions import StoreRefused, StoreUnavailable
from issuetracker.issues import AnyDocument, Collection, Issue, IssueQuery
from issuetracker.providers.base import Page, Stored, StoreProvider, Write
from tests.model.faults import Crash, Fault, Faults

#: A comment with this text, or an issue with this description, is refused.
POISON = "poison"

_decode = msgspec.msgpack.Decoder(Issue).decode


class ModelStore(StoreProvider):
    """Rows with a version, documents beside them; few writes at once, so that batches fall apart.

    Attributes:
        documents: by issue, collection and event id.
        heedful: whether a write looks at the version; False is a store that breaks its promise.
    """

    name = "model"
    max_writes = 2
    heedful = True

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._rows: dict[str, tuple[int, bytes]] = {}
        self.documents: dict[tuple[str, str, str], AnyDocument] = {}

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        fault = self._faults.next()
        if fault in (Fault.AWAY, Fault.LOST_ANSWER, Fault.HALF):
            raise StoreUnavailable("it cannot be read")
        found = {each: self._rows[each] for each in issue_ids if each in self._rows}
        return {each: Stored(_decode(row), version) for each, (version, row) in found.items()}

    def write_many(self, writes: Sequence[Write]) -> set[str]:
        fault = self._faults.next()
        if fault is Fault.AWAY:
            raise StoreUnavailable("it cannot be written")
        if fault is Fault.CONFLICT:
            return {write.issue.id for write in writes}
        good = [write for write in writes if not _poisonous(write)]
        if fault in (Fault.HALF, Fault.CRASH_HALF):
            good = good[: (len(good) + 1) // 2]
        # Next to a poisonous one, the others may be written or not.
        if len(good) == len(writes) or fault is not Fault.NONE:
            conflicts = {write.issue.id for write in good if not self._write(write)}
        if fault in (Fault.CRASH_HALF, Fault.CRASH_AFTER):
            raise Crash
        if fault in (Fault.HALF, Fault.LOST_ANSWER):
            raise StoreUnavailable("its answer was lost")
        if len(good) < len(writes):
            raise StoreRefused("it is poisonous")
        return conflicts

    def issues(self) -> dict[str, Issue]:
        """What is stored, without a fault."""
        return {issue_id: _decode(row) for issue_id, (_, row) in self._rows.items()}

    def list_issues(self, query: IssueQuery, *, limit: int, cursor: str | None) -> Page[Issue]:
        raise NotImplementedError

    def list_documents(
        self, issue_id: str, collection: Collection, *, limit: int, cursor: str | None
    ) -> Page[AnyDocument]:
        raise NotImplementedError

    def ping(self) -> None:
        raise NotImplementedError

    def _write(self, write: Write) -> bool:
        version = self._rows[write.issue.id][0] if write.issue.id in self._rows else None
        if self.heedful and version != write.version:
            return False
        self._rows[write.issue.id] = ((version or 0) + 1, msgspec.msgpack.encode(write.issue))
        for event_id in write.drop:
            self.documents.pop((write.issue.id, "occurrences", event_id), None)
        for document in write.put:
            self.documents[write.issue.id, document.collection, document.id] = document
        return True


def _poisonous(write: Write) -> bool:
    texts = [write.issue.description, *(getattr(document, "body", "") for document in write.put)]
    return POISON in texts
