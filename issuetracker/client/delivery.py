"""One call of the tracker's API, and what its answer means."""

import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from issuetracker.client.circuit import Circuit
from issuetracker.client.transport import Answer, Transport, TransportError

_ACCEPTED = (200, 201, 202)
_AWAY = (408, 425, 429, 502, 503, 504)

Verdict: TypeAlias = Literal["accepted", "refused", "broken", "away"]


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be sent.

    Attributes:
        method: HTTP method.
        path: below the tracker's address.
        body: JSON.
        about: what to call it in a log.
        event_id: by which the tracker counts it once, however often it is sent.
    """

    method: str
    path: str
    body: bytes
    about: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    Attributes:
        verdict: ``accepted``; ``refused``, for good; ``broken``: an answer that makes no sense;
            ``away``: nobody there, or asked to come again later.
        reason: in words, of anything but ``accepted``.
        answer_id: the id in the answer.
        retry_after: seconds after which the tracker wants to be asked again.
    """

    verdict: Verdict
    reason: str = ""
    answer_id: str | None = None
    retry_after: float | None = None


def judge(answer: Answer) -> Outcome:
    """What ``answer`` means."""
    if answer.status in _ACCEPTED:
        answer_id = answer.text_field("id")
        if answer_id is None:
            return Outcome("broken", "the answer is not the issue tracker's")
        return Outcome("accepted", answer_id=answer_id)
    reason = f"HTTP status {answer.status}"
    if answer.status in _AWAY:
        return Outcome("away", reason, retry_after=answer.retry_after)
    if 400 <= answer.status < 500:  # noqa: PLR2004 - the class of status that is the caller's fault
        return Outcome("refused", reason)
    return Outcome("broken", reason)


class Delivery:
    """Makes calls, each within its time, and tells the circuit how they went.

    Args:
        transport: None when the configured address is unusable.
        circuit: who is told.
        timeout: seconds of one call.
    """

    def __init__(self, transport: Transport | None, circuit: Circuit, timeout: float) -> None:
        self._transport, self._circuit, self._timeout = transport, circuit, timeout

    def attempt_if_allowed(self, call: Call) -> Outcome:
        """Make ``call`` unless the circuit is open."""
        if not self._circuit.allows_call():
            return Outcome("away", "the issue tracker was not there lately")
        return self.attempt(call)

    def attempt(self, call: Call) -> Outcome:
        """Make ``call``, once, whatever the circuit says."""
        if self._transport is None:
            return Outcome("refused", "its address is unusable")
        deadline = time.monotonic() + self._timeout
        try:
            answer = self._transport.request(call.method, call.path, call.body, deadline)
        except TransportError as error:
            outcome = Outcome("away", str(error))
        else:
            outcome = judge(answer)
        self._tell(outcome)
        return outcome

    def _tell(self, outcome: Outcome) -> None:
        if outcome.verdict in ("accepted", "refused"):
            self._circuit.note_answer()
        else:
            self._circuit.note_failure(outcome.reason, outcome.retry_after)
