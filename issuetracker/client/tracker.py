"""The client: reports to the issue tracker, and never harms who reports."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import msgspec

from issuetracker.client import cleaning
from issuetracker.client.addresses import Configuration, find_token, find_url
from issuetracker.client.background import BackgroundSender
from issuetracker.client.circuit import Circuit
from issuetracker.client.composing import compose_issue, issue_body
from issuetracker.client.delivery import Call, Delivery, Outcome
from issuetracker.client.ledger import Ledger
from issuetracker.client.transport import Transport
from issuetracker.messages import PENDING_PREFIX, IssueUpdate, NewComment, bare_id, new_issue_id

logger = logging.getLogger(__name__)

_ISSUES = "/api/v1/issues"
_Result = TypeVar("_Result")


class _Guard(threading.local):
    """Set while a thread reports: a log handler that reports what is logged would not end."""

    is_set = False


_guard = _Guard()
_clients: "weakref.WeakSet[IssueTrackerClient]" = weakref.WeakSet()


class IssueTrackerClient:
    """Reports issues. Any number of threads may use one client; make one per process.

    No method raises, whatever it is given and whatever the tracker does, and none takes longer
    than ``timeout``. Every report has an event id, so that one which is sent twice counts once.
    What could not be reported is named in the service's own log, at WARNING.

    After three calls in a row without an answer, further calls return at once; every 30 seconds
    one tries again. A client survives a fork; a child process that ends by ``os._exit`` calls
    :meth:`flush` before.

    Args:
        url: the tracker's address. Without it the configuration's ``services/issuetracker/url``,
            then the environment's ISSUETRACKER_URL, then ``http://issuetracker:6001``.
        token: the service's token. Without it ``services/issuetracker/token``, then
            ISSUETRACKER_TOKEN, else none.
        config: a nested mapping, a flat one with whole paths as keys, or anything with a
            ``get("services/issuetracker/url")``.
        timeout: seconds that a call may take, from looking the name up to the last byte.
        background: send from a thread; calls then return at once. The right choice for async
            code and for whatever must not wait.
        component: the reporting service, for reports that name none.
        queue_size: most reports that wait in the background; those above it are dropped.
        drain_timeout: seconds that the end of the process waits for what is queued.
        failure_threshold: failures in a row after which calls return at once.
        cool_down: seconds until one tries again.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        config: Configuration | None = None,
        timeout: float = 2.0,
        background: bool = False,
        component: str | None = None,
        queue_size: int = 1000,
        drain_timeout: float = 2.0,
        failure_threshold: int = 3,
        cool_down: float = 30.0,
    ) -> None:
        self.url = find_url(url, config)
        self._component = component
        self._drain_timeout = drain_timeout
        self._ledger = Ledger()
        self._circuit = Circuit(failure_threshold, cool_down)
        self._transport = _transport(self.url, find_token(token, config))
        self._delivery = Delivery(self._transport, self._circuit, timeout)
        self._background = (
            BackgroundSender(self._attempt_guarded, self._ledger, queue_size)
            if background
            else None
        )
        _clients.add(self)

    def log_issue(
        self,
        title: str,
        description: str = "",
        type: str = "bug",  # noqa: A002 - the name that callers use
        priority: str = "medium",
        tags: Iterable[str] | None = None,
        component: str | None = None,
        *,
        exception: BaseException | None = None,
        fingerprint: str | None = None,
        event_id: str | None = None,
        context: Mapping[str, object] | None = None,
        with_variables: bool = False,
    ) -> str | None:
        """Report an issue.

        What exceeds the API's limits is shortened, and what it would refuse is replaced.

        Args:
            title: one line that says what broke.
            description: what happened, in plain text.
            type: bug, exception, incident, performance, security, improvement or task.
            priority: low, medium, high or critical.
            tags: words to find it by.
            component: the reporting service.
            exception: what was raised; its trace goes along.
            fingerprint: reports of a component with the same one are one issue. Without one, an
                exception gets one of its own and other reports are never merged; an empty one
                keeps an exception from being merged, too.
            event_id: a UUID for a report that the caller may send again.
            context: anything else that helps; values under names like ``password`` are masked.
            with_variables: send the local variables of the exception's frames; they may hold
                personal data.

        Returns:
            The issue's id (``temp-`` and its uuid while it is on its way), None when it could not
            be reported.
        """

        def report() -> str | None:
            issue = compose_issue(
                title=title,
                description=description,
                type=type,
                priority=priority,
                tags=tags,
                component=self._component if component is None else component,
                exception=exception,
                fingerprint=fingerprint,
                event_id=event_id,
                context=context,
                with_variables=with_variables,
            )
            known = issue.event_id or ""
            call = Call("POST", _ISSUES, issue_body(issue), issue.title, known)
            if self._background is not None:
                pending = PENDING_PREFIX + new_issue_id(issue, known)
                return pending if self._background.put(call) else None
            return self._send(call).answer_id

        return self._never_raising(report, None)

    def log_exception(
        self,
        error: BaseException,
        *,
        title: str | None = None,
        description: str = "",
        type: str = "exception",  # noqa: A002 - as in log_issue
        priority: str = "medium",
        tags: Iterable[str] | None = None,
        component: str | None = None,
        fingerprint: str | None = None,
        event_id: str | None = None,
        context: Mapping[str, object] | None = None,
        with_variables: bool = False,
    ) -> str | None:
        """Report ``error``; as :meth:`log_issue`, with a title made of the exception.

        Every occurrence of one fault in a component is one issue.
        """
        return self.log_issue(
            ("" if isinstance(error, BaseException) else error) if title is None else title,
            description,
            type,
            priority,
            tags,
            component,
            exception=error,
            fingerprint=fingerprint,
            event_id=event_id,
            context=context,
            with_variables=with_variables,
        )

    def add_comment(self, issue_id: str, body: str, *, event_id: str | None = None) -> bool:
        """Comment on an issue, whose id may be a ``temp-`` one.

        Returns:
            Whether the tracker took it; in the background, whether it is queued.
        """

        def comment() -> bool:
            text = cleaning.text(body, 20_000)
            known = cleaning.event_id(event_id)
            if not text.strip():
                return self._refuse("a comment", known, "it is empty")
            content = msgspec.json.encode(NewComment(body=text, event_id=known))
            return self._change("POST", issue_id, "/comments", content, known)

        return self._never_raising(comment, default=False)

    def update_issue_status(
        self, issue_id: str, status: str, *, event_id: str | None = None
    ) -> bool:
        """Set an issue's status: open, in_progress, resolved, ignored or deleted.

        Returns:
            Whether the tracker took it; in the background, whether it is queued.
        """

        def update() -> bool:
            wanted = cleaning.status(status)
            known = cleaning.event_id(event_id)
            if wanted is None:
                return self._refuse("a status", known, "there is no such status")
            content = msgspec.json.encode(IssueUpdate(status=wanted, event_id=known))
            return self._change("PATCH", issue_id, "", content, known)

        return self._never_raising(update, default=False)

    @property
    def sent(self) -> int:
        """How many reports the tracker took, in this process."""
        return self._ledger.sent

    @property
    def failed(self) -> int:
        """How many reports the tracker did not take, in this process."""
        return self._ledger.failed

    @property
    def dropped(self) -> int:
        """How many queued reports were given up: no room, or no time at the end."""
        return self._ledger.dropped

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait at most ``timeout`` seconds until nothing is queued; whether that is so."""
        if self._background is None:
            return True
        background = self._background
        return self._never_raising(lambda: background.flush(timeout), default=False)

    def close(self, timeout: float | None = None) -> None:
        """Send what is queued, within ``timeout`` (the drain timeout), and close connections."""

        def close() -> None:
            if self._background is not None:
                self._background.close(self._drain_timeout if timeout is None else timeout)
            if self._transport is not None:
                self._transport.close()

        self._never_raising(close, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _change(self, method: str, issue_id: object, below: str, body: bytes, event: str) -> bool:
        found = bare_id(cleaning.one_line(issue_id, 200))
        if not found.strip("."):  # dots alone would lead to another address
            return self._refuse("a change", event, "it names no issue")
        path = f"{_ISSUES}/{quote(found, safe='')}{below}"
        call = Call(method, path, body, f"{method} {path}", event)
        if self._background is not None:
            return self._background.put(call)
        return self._send(call).verdict == "accepted"

    def _refuse(self, about: str, event: str, reason: str) -> bool:
        self._ledger.note_failed(Call("", "", b"", about, event), reason)
        return False

    def _send(self, call: Call) -> Outcome:
        outcome = self._delivery.attempt_if_allowed(call)
        if outcome.verdict == "accepted":
            self._ledger.note_sent()
        else:
            self._ledger.note_failed(call, outcome.reason)
        return outcome

    def _attempt_guarded(self, call: Call) -> Outcome:
        _guard.is_set = True  # for good, in the sender's thread: whatever it logs is not reported
        return self._delivery.attempt(call)

    def _never_raising(self, action: Callable[[], _Result], default: _Result) -> _Result:
        if _guard.is_set:
            return default
        _guard.is_set = True
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - the promise of this class; it is logged
            _log_failure(error)
            return default
        finally:
            _guard.is_set = False

    def _start_anew_in_child(self) -> None:
        self._ledger.start_anew()
        self._circuit.renew_lock()
        if self._transport is not None:
            self._transport.start_anew()
        if self._background is not None:
            self._background.start_anew()


def _transport(url: str, token: str | None) -> Transport | None:
    try:
        return Transport(url, token)
    except ValueError as error:
        logger.error("The issue tracker's address is unusable, nothing is reported: %s", error)  # noqa: TRY400 - the address may hold a password
        return None


def _log_failure(error: Exception) -> None:
    # Not contextlib.suppress: at the recursion limit there is no room left to call it.
    try:  # noqa: SIM105
        logger.warning("Reporting to the issue tracker failed", exc_info=error)
    except Exception:  # noqa: BLE001, S110 - the log itself raised: nobody is left to tell
        pass


def _start_anew_in_child() -> None:
    _guard.is_set = False
    for client in list(_clients):
        client._start_anew_in_child()  # noqa: SLF001 - the same module


def _drain_all() -> None:
    started = time.monotonic()
    for client in list(_clients):
        left = client._drain_timeout - (time.monotonic() - started)  # noqa: SLF001 - the same module
        client.close(max(left, 0.0))


os.register_at_fork(after_in_child=_start_anew_in_child)
atexit.register(_drain_all)
