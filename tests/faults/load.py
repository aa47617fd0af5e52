"""A steady load of every kind of change, and a record of what each was answered."""

import http.client
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from issuetracker.client import IssueTrackerClient
from issuetracker.messages import NewIssue, bare_id, new_issue_id
from tests.system import eventually

Kind = Literal["report", "comment", "status"]

#: Seconds that a caller waits for an answer, as services do.
TIMEOUT = 2.0
#: Seconds until a caller sends again what was not accepted.
AGAIN_AFTER = 0.5
#: Issues that people work on while the load goes on.
WORKED_ON = 16
_STATES = ("in_progress", "resolved", "open", "ignored", "resolved")
_ACCEPTED = (200, 201, 202)
_CONFLICT = 409


@dataclass(eq=False)
class Sent:
    """One change, and every answer it got.

    Attributes:
        kind: what it is.
        issue_id: the issue's bare id, which follows from what is sent.
        event_id: its own; the same each time it is sent.
        body: what is sent.
        insist: whether it is sent again until it is accepted. What is not insisted on may be in
            the store or not, when nobody said that it was accepted.
        answers: status codes; 0: no answer in time.
        accepted: whether a 2xx was answered.
        refused: whether it does not fit what the issue is, and so is given up.
    """

    kind: Kind
    issue_id: str
    event_id: str
    body: dict[str, Any]
    insist: bool = True
    answers: list[int] = field(default_factory=list)
    accepted: bool = False
    refused: bool = False

    @property
    def request(self) -> tuple[str, str]:
        """Method and path."""
        if self.kind == "report":
            return "POST", "/api/v1/issues"
        path = f"/api/v1/issues/{self.issue_id}"
        return ("PATCH", path) if self.kind == "status" else ("POST", f"{path}/comments")


class Load:
    """Sends at a steady rate. Of twenty changes

    * 7 are issues of their own, every second of which is given up when it is not accepted;
    * 3 come through `IssueTrackerClient`, which never sends twice;
    * 4 are reports of one storm, 3 of one of twenty recurring faults;
    * 1 is a comment, 1 a new status, 1 something that was accepted already, sent once more.

    Args:
        url: of the API.
        component: that of every issue, so that the audit finds them.
        rate: changes a second, as far as the machine bears it.
        threads: callers at the same time.
    """

    def __init__(self, url: str, component: str, rate: float, threads: int = 48) -> None:
        self.component = component
        self.rate = rate
        self.sent: list[Sent] = []
        self._url = url
        self._client = IssueTrackerClient(url, component=component, cool_down=1.0)
        self._pace = _Pace(rate)
        self._numbers = itertools.count()
        self._again: deque[tuple[float, Sent]] = deque()
        self._lanes = [_Lane() for _ in range(WORKED_ON)]
        self._lately: deque[Sent] = deque(maxlen=20)
        self._turns: list[Callable[[_Caller, int], None]] = [
            *[self._report_alone] * 7,
            *[self._log_issue] * 3,
            *[self._report_storm] * 4,
            *[self._report_fault] * 3,
            self._comment,
            self._set_status,
            self._send_once_more,
        ]
        self._under_way = 0
        self._lock = threading.Lock()
        self._draining = False
        self._over = False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Report the issues that people work on, then begin."""
        caller = _Caller(self._url)
        for lane in self._lanes:
            sent = self._report(insist=True)
            lane.issue_id = sent.issue_id
            self._send(caller, sent)
        assert all(sent.accepted for sent in self.sent), f"all is well: {self.answers()}"
        for thread in self._threads:
            thread.start()

    def stop(self, within: float = 90) -> None:
        """End, after everything that is insisted on was accepted; fails if it is not in time."""
        self._drain()
        try:
            eventually(self._is_done, "all that is insisted on is accepted", within=within)
        finally:
            self._over = True
            for thread in self._threads:
                thread.join(10)
            self._client.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is sent, and nothing is on its way, for a while."""
        self._drain()
        eventually(self._is_done, "all that is insisted on is accepted", within=60)
        yield
        self._draining = False

    def answers(self) -> Counter[int]:
        """How often each status code was answered; 0: no answer in time."""
        return Counter(code for sent in self.sent for code in sent.answers)

    def _drain(self) -> None:
        """Begin nothing new from now on."""
        with self._lock:
            self._draining = True

    def _is_done(self) -> bool:
        with self._lock:
            return not self._again and self._under_way == 0

    def _run(self) -> None:
        caller = _Caller(self._url)
        while not self._over:
            do = self._next()
            if do is not None:
                try:
                    do(caller)
                finally:
                    with self._lock:
                        self._under_way -= 1

    def _next(self) -> "Callable[[_Caller], None] | None":
        with self._lock:
            if self._again and self._again[0][0] <= time.monotonic():
                sent = self._again.popleft()[1]
                self._under_way += 1
                return lambda caller: self._send(caller, sent)
        if self._draining:
            time.sleep(0.02)
            return None
        if not self._pace.wait():
            return None
        with self._lock:
            if self._draining:  # since it began to wait for its turn
                return None
            self._under_way += 1
        number = next(self._numbers)
        return lambda caller: self._turns[number % len(self._turns)](caller, number)

    def _report_alone(self, caller: "_Caller", number: int) -> None:
        self._send(caller, self._report(insist=number % 2 == 0))

    def _report_storm(self, caller: "_Caller", _number: int) -> None:
        self._send(caller, self._report("storm"))

    def _report_fault(self, caller: "_Caller", number: int) -> None:
        self._send(caller, self._report(f"fault {number // len(self._turns) % 20}"))

    def _report(self, fingerprint: str | None = None, *, insist: bool = True) -> Sent:
        event_id = str(uuid.uuid4())
        body = {"title": "Something broke", "component": self.component, "event_id": event_id}
        if fingerprint is not None:
            body["fingerprint"] = fingerprint
        issue = NewIssue(title="-", component=self.component, fingerprint=fingerprint)
        return self._keep(Sent("report", new_issue_id(issue, event_id), event_id, body, insist))

    def _comment(self, caller: "_Caller", number: int) -> None:
        event_id = str(uuid.uuid4())
        body = {"body": f"Comment {number}", "event_id": event_id}
        issue_id = random.choice(self._lanes).issue_id
        self._send(caller, self._keep(Sent("comment", issue_id, event_id, body)))

    def _keep(self, sent: Sent) -> Sent:
        self.sent.append(sent)
        return sent

    def _log_issue(self, _caller: "_Caller", _number: int) -> None:
        sent = self._report(insist=False)
        answer = self._client.log_issue(
            "Something broke", component=self.component, event_id=sent.event_id
        )
        self._note(sent, 0 if answer is None else 202, answer)

    def _set_status(self, caller: "_Caller", _number: int) -> None:
        """The next status of an issue, whose changes wait for each other."""
        lane = random.choice(self._lanes)
        with self._lock:
            before = lane.waits_for
            if before is not None and not (before.accepted or before.refused):
                return
            event_id = str(uuid.uuid4())
            body = {"status": _STATES[lane.changes % len(_STATES)], "event_id": event_id}
            lane.waits_for = sent = self._keep(Sent("status", lane.issue_id, event_id, body))
            lane.changes += 1
        self._send(caller, sent)

    def _send_once_more(self, caller: "_Caller", _number: int) -> None:
        # One that is lately accepted: further back than the newest 128 it may count twice.
        if self._lately:
            sent = random.choice(list(self._lately))
            self._send(caller, sent)

    def _send(self, caller: "_Caller", sent: Sent) -> None:
        status, answer = caller.call(*sent.request, sent.body)
        self._note(sent, status, answer.get("id"))

    def _note(self, sent: Sent, status: int, issue_id: str | None) -> None:
        with self._lock:
            sent.answers.append(status)
            if status in _ACCEPTED:
                if sent.kind == "report":
                    told = bare_id(issue_id or "")
                    assert told == sent.issue_id, f"{sent.issue_id} was answered as {told}"
                    self._lately.append(sent)
                sent.accepted = True
            elif status == _CONFLICT:
                sent.refused = True
            elif sent.insist and not sent.accepted:
                self._again.append((time.monotonic() + AGAIN_AFTER, sent))


@dataclass
class _Lane:
    """An issue that people work on."""

    issue_id: str = ""
    changes: int = 0
    waits_for: Sent | None = None


class _Pace:
    """Turns at a steady rate; those missed for more than half a second are not made up for."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> bool:
        """Wait for a turn, a quarter of a second at most; whether it came."""
        now = time.monotonic()
        with self._lock:
            if self._next > now + 0.25:
                due = None
            else:
                due = self._next = max(self._next, now - 0.5) + self._interval
        if due is None:
            time.sleep(0.25)
            return False
        time.sleep(max(0.0, due - now))
        return True


class _Caller:
    """One caller with a connection of its own."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=TIMEOUT
        )

    def call(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document of the answer; 0 without one in time."""
        try:
            headers = {"Content-Type": "application/json"}
            self._connection.request(method, path, json.dumps(body), headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, {}
        document = json.loads(content) if content else {}
        return answer.status, document if isinstance(document, dict) else {}
