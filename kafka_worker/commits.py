"""What stands beside a committed offset: the topic's id, and when it was committed."""

from datetime import UTC, datetime
from typing import NamedTuple


class Commit(NamedTuple):
    """A group's position in one partition.

    Attributes:
        offset: of the first message that is not handled; None: nothing was committed.
        topic_id: id of the topic it counts for; empty: set by a tool, counts for any.
        time: when it was committed, in UTC; None: not known.
    """

    offset: int | None
    topic_id: str = ""
    time: datetime | None = None

    def is_foreign(self, topic_id: str) -> bool:
        """Whether it is of an earlier topic of that name."""
        return bool(self.topic_id) and self.topic_id != topic_id


def metadata_of(topic_id: str, time: datetime) -> str:
    """The text that is committed with an offset; ids of topics have no spaces."""
    return f"{topic_id} {time.astimezone(UTC).isoformat(timespec='seconds')}"


def commit_of(offset: int, metadata: str | None) -> Commit:
    """A commit as the broker gives it; the time is absent where another program wrote it."""
    topic_id, _, time = (metadata or "").partition(" ")
    return Commit(offset if offset >= 0 else None, topic_id, _moment(time))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
