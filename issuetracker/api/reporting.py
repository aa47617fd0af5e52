"""Reports on their way: what a request becomes, and the answer, for one report and for many."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from django.http import HttpResponse

from issuetracker.accepting import Accepted, accept_all
from issuetracker.access.principals import Caller
from issuetracker.api import answers
from issuetracker.api.problems import COME_AGAIN, BodyTooLarge, WrongField
from issuetracker.api.validating import decode_part
from issuetracker.exceptions import FieldError, InvalidInput
from issuetracker.messages import (
    MAX_BODY_BYTES,
    PENDING_PREFIX,
    NewIssue,
    Reported,
    new_issue_id,
)
from issuetracker.rules import decide

_encode = msgspec.json.Encoder().encode
#: Wrong fields named of each report.
ERRORS_OF_EACH = 20


def reported(issue: NewIssue, event_id: str, actor: str) -> Reported:
    """The change that ``issue`` is; what rules say of it is decided here.

    Args:
        issue: the report.
        event_id: by which it counts once.
        actor: name of the (service) user.
    """
    decision = decide(issue)
    return Reported(
        issue_id=new_issue_id(issue, event_id),
        event_id=event_id,
        time=datetime.now(UTC),
        actor=actor,
        issue=issue,
        priority=decision.priority,
        assignee=decision.assignee,
    )


def answer_report(accepted: Accepted) -> HttpResponse:
    """The answer to a report that was accepted."""
    code, document = _placed(accepted)
    return answers.answer(document, code, document.url)


def report_all(
    sent: Sequence[object], batch_id: uuid.UUID, caller: Caller, *, deadline: float
) -> list[answers.ReportedIssue]:
    """Accept those of ``sent`` that are reports; what became of each, in their order.

    They wait together: for the log once, and for the store once.

    Args:
        sent: as the request has them.
        batch_id: from which, and its place, a report without an event id gets its own.
        caller: who reports.
        deadline: latest time (``time.monotonic()``) for the store's answer.
    """
    read = [_read(value, place) for place, value in enumerate(sent)]
    issues = {place: issue for place, issue in enumerate(read) if isinstance(issue, NewIssue)}
    actors = caller.actors(issue.component for issue in issues.values())
    changes = [
        reported(
            issue,
            issue.event_id or str(uuid.uuid5(batch_id, str(place))),
            actors[issue.component],
        )
        for place, issue in issues.items()
    ]
    outcomes: Mapping[int, Accepted | Exception] = dict(
        zip(issues, accept_all(changes, deadline=deadline), strict=True)
    )
    return [
        _result(issue if isinstance(issue, Exception) else outcomes[place], place)
        for place, issue in enumerate(read)
    ]


def _read(value: object, place: int) -> NewIssue | Exception:
    pointer = f"/issues/{place}"
    try:
        raw = _encode(value)
        if len(raw) > MAX_BODY_BYTES:
            return BodyTooLarge()
        return decode_part(value, raw, NewIssue, pointer)
    except InvalidInput as error:
        return error
    except RecursionError:
        return InvalidInput([FieldError(pointer, "It is nested too deep")])


def _placed(accepted: Accepted) -> tuple[int, answers.AcceptedIssue]:
    issue_id = accepted.change.issue_id
    if accepted.where == "log":
        shown = PENDING_PREFIX + issue_id
        return 202, answers.AcceptedIssue(shown, "accepted", f"/api/v1/issues/{shown}")
    return 201, answers.AcceptedIssue(issue_id, "created", f"/api/v1/issues/{issue_id}")


def _result(outcome: Accepted | Exception, place: int) -> answers.ReportedIssue:
    if isinstance(outcome, Accepted):
        code, document = _placed(outcome)
        return answers.ReportedIssue(document.status, code, document.id, document.url)
    if isinstance(outcome, InvalidInput):
        errors = [
            WrongField(pointer or f"/issues/{place}", detail)
            for pointer, detail in outcome.errors[:ERRORS_OF_EACH]
        ]
        return answers.ReportedIssue(
            "refused", 400, detail="It is not a valid report.", errors=errors
        )
    if isinstance(outcome, BodyTooLarge):
        return answers.ReportedIssue("refused", outcome.status_code, detail=str(outcome.detail))
    return answers.ReportedIssue("refused", 503, detail=COME_AGAIN)
