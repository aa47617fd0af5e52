"""The states of an issue, the ways between them, and what people call each way: defined once."""

from typing import NamedTuple

from issuetracker.issues import Issue
from issuetracker.messages import Status


class Action(NamedTuple):
    """A way out of a state.

    Attributes:
        status: where it leads.
        name: what people call it, for a button.
    """

    status: Status
    name: str


#: From each state the ways out of it, the commonest first. A state may always be set again.
ACTIONS: dict[Status, tuple[Action, ...]] = {
    "open": (
        Action("in_progress", "Start"),
        Action("resolved", "Resolve"),
        Action("ignored", "Ignore"),
        Action("deleted", "Delete"),
    ),
    "in_progress": (
        Action("resolved", "Resolve"),
        Action("open", "Stop"),
        Action("ignored", "Ignore"),
        Action("deleted", "Delete"),
    ),
    "resolved": (
        Action("open", "Reopen"),
        Action("in_progress", "Start again"),
        Action("deleted", "Delete"),
    ),
    "ignored": (
        Action("open", "Reopen"),
        Action("resolved", "Resolve"),
        Action("deleted", "Delete"),
    ),
    "deleted": (Action("open", "Restore"),),
}


def actions_for(issue: Issue) -> tuple[Action, ...]:
    """What can be done with ``issue`` now; nothing while it is merged into another."""
    return () if issue.merged_into else ACTIONS[issue.status]


def is_allowed(before: Status, after: Status) -> bool:
    """Whether an issue may go from one state to the other; it may always stay."""
    return before == after or any(action.status == after for action in ACTIONS[before])


def allowed_from(status: Status) -> str:
    """The states that ``status`` may become, in words."""
    return ", ".join(action.status for action in ACTIONS[status])
