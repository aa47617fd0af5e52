"""What the buttons of the issue page do: they go the same way as every other change."""

import uuid
from collections.abc import Mapping

import msgspec
from django.utils import timezone

from issuetracker.accepting import accept
from issuetracker.admin.update_form import WrongForm, in_words
from issuetracker.exceptions import Conflict, InvalidInput
from issuetracker.messages import Commented, IssueUpdate, NewComment
from issuetracker.working import update_issue as update_by_the_rules


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
        raise WrongForm(f"A comment has at most 20,000 characters of text: {error}") from error
    change = Commented(
        issue_id=issue_id,
        event_id=str(_form_id(form)),
        time=timezone.now(),
        actor=actor,
        body=comment.body,
    )
    try:
        accept(change)
    except InvalidInput as error:
        raise WrongForm(f"The store cannot hold this: {error}") from error


def update_issue(issue_id: str, update: IssueUpdate, form: Mapping[str, str], actor: str) -> str:
    """Do what a form asks for; the same form sent twice does it once.

    Args:
        issue_id: bare id of the issue.
        update: what the form asks for (:mod:`issuetracker.admin.update_form`).
        form: the form itself, with its ``event_id``.
        actor: name of the user.

    Returns:
        What was done, as a sentence.

    Raises:
        WrongForm: nothing is set; where the issue's state forbids it, this says what it allows.
        UnknownIssue: there is no such issue.
        StoreUnavailable: nobody knows the issue now, or neither the log nor the store takes it.
    """
    # A form may have several buttons; each is a change of its own.
    asked = sorted((name, value) for name, value in form.items() if name != "csrfmiddlewaretoken")
    event_id = str(uuid.uuid5(_form_id(form), repr(asked)))
    try:
        update_by_the_rules(issue_id, update, actor, event_id=event_id)
    except Conflict as error:
        raise WrongForm(str(error)) from error
    except InvalidInput as error:
        details = "; ".join(wrong.detail for wrong in error.errors)
        raise WrongForm(f"That cannot be set: {details}.") from error
    return in_words(update)


def _form_id(form: Mapping[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(form.get("event_id", ""))
    except ValueError as error:
        raise WrongForm("The form was not complete; please send it again.") from error
