"""What is known of the parts, in one JSON file that several processes share."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.services import process

MANUAL = "manual"
"""The holder of a part that a person started: it runs until it is stopped."""


@dataclass
class Record:
    """One part's entry in the state file.

    Attributes:
        ports: its ports by purpose; kept when it stops, so that it comes back at its address.
        data: the folder of its data.
        pid: its process, or None when it was stopped.
        birth: what tells that process from a later one with the same id.
        holders: who needs it: `MANUAL`, or processes as ``pid:birth``.
    """

    ports: dict[str, int]
    data: str
    pid: int | None = None
    birth: str | None = None
    holders: list[str] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether the recorded process is still that process."""
        return self.pid is not None and process.birth(self.pid) == self.birth

    def hold(self, holder: str) -> None:
        """Note that someone needs the part."""
        if holder not in self.holders:
            self.holders.append(holder)

    def release(self, holder: str) -> None:
        """Forget one holder, and every holder that died without saying so."""
        self.holders = [other for other in self.holders if other != holder and _alive(other)]


def _alive(holder: str) -> bool:
    if holder == MANUAL:
        return True
    pid, _, born = holder.partition(":")
    return process.birth(int(pid)) == born


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes and threads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class StateFile:
    """The records of all parts of one folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Record]:
        """All records by part name; empty when nothing was ever started."""
        try:
            content = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return {name: Record(**entry) for name, entry in content.items()}

    def write(self, name: str, record: Record) -> None:
        """Replace one part's record."""
        with locked(self._path.with_suffix(".lock")):
            records = self.read() | {name: record}
            content = {each: asdict(kept) for each, kept in records.items()}
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(content, indent=2) + "\n")
            # Readers take no lock: they must see the old file or the new one, whole.
            draft.replace(self._path)
