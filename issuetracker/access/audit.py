"""The audit log: who did what about access, when and from where.

Each entry is a log line too, so that a collector has it when the database does not. It names
users, and networks instead of addresses; it never holds a token, a password, or what somebody
typed as a name that no user has: that may be a password in the wrong field.

Its growth is bounded: refusals of one kind are counted in one entry an hour, and what is older
than ``settings.ISSUETRACKER_AUDIT_DAYS`` goes whenever an entry is added.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from issuetracker.access.addresses import client_address, network_of
from issuetracker.access.models import AuditEntry
from issuetracker.bounded import NoAnswer, bounded

logger = logging.getLogger("issuetracker.audit")

Action = AuditEntry.Action

#: What outsiders can cause without end, and so is counted.
COUNTED = frozenset({Action.LOGIN_FAILED, Action.LOGIN_LOCKED, Action.TOKEN_REFUSED})
COUNTED_TOGETHER = timedelta(hours=1)
#: Characters that the name of one of Django's users can have.
LONGEST_NAME = 150
#: Seconds an answer of the API waits for its entry; the change is made, and is in the log line.
WAIT_SECONDS = 0.3
#: The actor of what is done by a command.
COMMAND_LINE = "command line"


def record(
    action: AuditEntry.Action,
    *,
    actor: str,
    subject: str = "",
    detail: str = "",
    address: str | None = None,
) -> None:
    """Write an entry.

    Args:
        action: what was done.
        actor: user name of who did it.
        subject: what it was done to.
        detail: what there is to say besides.
        address: from where; only its network is kept.

    Raises:
        DatabaseError: it is in the log line alone.
    """
    said = {
        "action": action.value,
        "actor": actor[:LONGEST_NAME],
        "subject": subject[:200],
        "network": network_of(address),
    }
    logger.info(action.label, extra={**said, "detail": detail})
    if action in COUNTED and _count_again(said):
        return
    _write([AuditEntry(**said, detail=detail[:500])])


def _write(entries: list[AuditEntry]) -> None:
    AuditEntry.objects.bulk_create(entries, ignore_conflicts=True)
    kept = timedelta(days=settings.ISSUETRACKER_AUDIT_DAYS)
    AuditEntry.objects.filter(time__lt=timezone.now() - kept).delete()


def record_request(
    request: HttpRequest, action: AuditEntry.Action, subject: str = "", detail: str = ""
) -> None:
    """Write an entry of what the logged-in person of ``request`` did.

    Raises:
        DatabaseError: it is in the log line alone.
    """
    record(
        action,
        actor=request.user.get_username(),
        subject=subject,
        detail=detail,
        address=client_address(request),
    )


def record_deletions(
    issue_ids: Sequence[str], actor: str, request: HttpRequest, *, event_id: str
) -> None:
    """Write an entry of each issue's deletion, which holds without it.

    Args:
        issue_ids: the issues' bare ids.
        actor: name of who deleted them.
        request: with which they were deleted.
        event_id: of the request, or of the form: sent again, it is not another deletion.
    """
    network = network_of(client_address(request))
    said = {"action": Action.ISSUE_DELETED.value, "actor": actor[:LONGEST_NAME], "network": network}
    entries = [
        AuditEntry(**said, subject=f"issue {issue_id}", event_id=event_id) for issue_id in issue_ids
    ]
    for entry in entries:
        logger.info(Action.ISSUE_DELETED.label, extra={**said, "subject": entry.subject})
    try:
        bounded(_write, entries, seconds=WAIT_SECONDS)
    except (DatabaseError, NoAnswer) as error:
        logger.error("The entries above are in this log alone: %s", error)  # noqa: TRY400


def _count_again(said: dict[str, str]) -> bool:
    now = timezone.now()
    entries = AuditEntry.objects.filter(**said, time__gt=now - COUNTED_TOGETHER)
    newest = entries.values_list("pk", flat=True).first()
    if newest is None:
        return False
    return bool(AuditEntry.objects.filter(pk=newest).update(count=F("count") + 1, last_time=now))
