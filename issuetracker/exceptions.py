"""Everything this package raises, in one tree.

::

    IssueTrackerError
    ├── InvalidInput            a request or message that can never succeed; names each field
    ├── UnknownIssue            there is no issue of this id
    ├── Conflict                what is asked does not go with what the issue is now
    ├── TooManyAtOnce           as much of this is under way as may be at a time
    ├── StoreError
    │   ├── StoreUnavailable    the store did not answer; the same call may succeed later
    │   └── StoreRefused        the store will never take this write
    └── PublishError
        ├── NotPublished        certainly not in the log
        └── PublishUnknown      no acknowledgement came in time: it may be in the log or not
"""

from collections.abc import Sequence
from typing import NamedTuple


class FieldError(NamedTuple):
    """One wrong field: where it stands (a JSON pointer, RFC 6901) and what is wrong with it."""

    pointer: str
    detail: str


class IssueTrackerError(Exception):
    """Whatever goes wrong in this package."""


class InvalidInput(IssueTrackerError):
    """A request or message that can never succeed as it is.

    Attributes:
        errors: every wrong field.
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.pointer or '/'}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


class UnknownIssue(IssueTrackerError):
    """There is no issue of this id."""


class Conflict(IssueTrackerError):
    """What is asked does not go with what the issue is now; the message says what would."""


class TooManyAtOnce(IssueTrackerError):
    """As much of what is asked for is under way as may be at a time; the message says what."""


class StoreError(IssueTrackerError):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError):
    """The store did not answer, or answered that it cannot now. What was asked may have happened.

    Asking the same again is safe: changes are applied once, however often they are sent.
    """


class StoreRefused(StoreError):
    """The store will never take this write: too large, a reserved id, a value it cannot hold."""


class PublishError(IssueTrackerError):
    """A change did not get the broker's acknowledgement."""


class NotPublished(PublishError):
    """The change is certainly not in the log."""


class PublishUnknown(PublishError):
    """No acknowledgement came in time; the change may be in the log or not."""
