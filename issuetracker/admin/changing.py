"""What the buttons of the issue page do: they go the same way as every other change."""

import uuid
from collections.abc import Mapping

import msgspec
from django.utils import timezone

from issuetracker.accepting import accept
from issuetracker.exceptions import InvalidInput
from issuetracker.messages import AnyChange, Commented, IssueUpdate, NewComment, Updated

SETTABLE = ("status", "priority", "assignee")


class WrongForm(ValueError):
    """A form says something that cannot be done; the message tells the person what."""


def add_comment(issue_id: str, form: Mapping[str, str], actor: str) -> None:
    """Write a comment; the same form sent twice writes one.

    Args:
        issue_id: bare id of the issue.
        form: ``body``, and the ``event_id`` that the form was rendered with.
        actor: name of the user.

    Raises:
        WrongForm: nothing is written.
        StoreUnavailable: neither the log nor the store takes it.
    """
    # Browsers send line ends as two characters.
    body = form.get("body", "").replace("\r\n", "\n").strip()
    if not body:
        raise WrongForm("Write something first.")
    try:
        comment = msgspec.convert({"body": body}, NewComment)
    except msgspec.ValidationError as error:
        raise WrongForm(f"A comment is plain text of at most 20,000 characters: {error}") from error
    _accept(
        Commented(
            issue_id=issue_id,
            event_id=str(_form_id(form)),
            time=timezone.now(),
            actor=actor,
            body=comment.body,
        )
    )


def update_issue(issue_id: str, form: Mapping[str, str], actor: str) -> dict[str, str]:
    """Set the status, the priority or the assignee, or several.

    Args:
        issue_id: bare id of the issue.
        form: what to set (an empty ``assignee`` means nobody), and the form's ``event_id``.
        actor: name of the user.

    Returns:
        What was set.

    Raises:
        WrongForm: nothing is set.
        StoreUnavailable: neither the log nor the store takes it.
    """
    wanted = {name: form[name] for name in SETTABLE if name in form}
    if not wanted:
        raise WrongForm("The form did not say what to change.")
    try:
        update = msgspec.convert(
            {name: value or None for name, value in wanted.items()}, IssueUpdate
        )
    except msgspec.ValidationError as error:
        raise WrongForm(f"That cannot be set: {error}") from error
    # The form has several buttons; each is a change of its own.
    event_id = uuid.uuid5(_form_id(form), repr(sorted(wanted.items())))
    _accept(
        Updated(
            issue_id=issue_id,
            event_id=str(event_id),
            time=timezone.now(),
            actor=actor,
            status=update.status,
            priority=update.priority,
            assignee=update.assignee,
        )
    )
    return wanted


def _accept(change: AnyChange) -> None:
    try:
        accept(change)
    except InvalidInput as error:
        raise WrongForm(f"The store cannot hold this: {error}") from error


def _form_id(form: Mapping[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(form.get("event_id", ""))
    except ValueError as error:
        raise WrongForm("The form was not complete; please send it again.") from error
