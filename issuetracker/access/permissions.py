"""What a caller of the API may do, in few words: each endpoint asks for one of them.

A service's token carries them as they are; a person has them through Django's permissions.
"""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """One thing that a caller may do or not."""

    REPORT = "report"
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


#: What each allows, for the people who choose.
MEANINGS: dict[Permission, str] = {
    Permission.REPORT: "report issues",
    Permission.READ: "read issues, comments, occurrences and history",
    Permission.WRITE: "comment, and set status, priority, assignee and tags",
    Permission.DELETE: "set the status to deleted, together with write",
}
EVERYTHING = frozenset(Permission)
#: What the client needs, and a new token has unless somebody says otherwise.
USUAL = (Permission.REPORT, Permission.READ, Permission.WRITE)
#: The Django permissions of which one gives it to a person.
OF_PEOPLE: dict[Permission, tuple[str, ...]] = {
    Permission.REPORT: ("issuetracker.change_issue",),
    Permission.READ: ("issuetracker.view_issue", "issuetracker.change_issue"),
    Permission.WRITE: ("issuetracker.change_issue",),
    Permission.DELETE: ("issuetracker.delete_issue",),
}


def in_order(permissions: Iterable[str]) -> list[str]:
    """The names of those that there are, each once, in the order in which they are defined."""
    given = set(permissions)
    return [permission.value for permission in Permission if permission in given]


def every_name() -> list[str]:
    """The names of all."""
    return in_order(EVERYTHING)
