"""Whether a worker lives, and whether it can do its work.

The answers are given by other threads than the loop's and the handler's, so that they come while
either is stuck.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connections

from kafka_worker.config import WorkerConfig
from kafka_worker.handlers import Handler, Part
from kafka_worker.jobs import Outage
from kafka_worker.stacks import stack_of

logger = logging.getLogger(__name__)

ASK_SECONDS = 2.0
"""How long the parts have to answer, all at the same time."""

_READY = "ready"


@dataclass(frozen=True, slots=True)
class View:
    """What a worker does at a moment. Times are in seconds.

    Attributes:
        starting: whether it has yet to begin to consume.
        stuck: time since the loop last turned.
        loop_thread: identifier of the loop's thread; None before it runs.
        call: how long the handler's present call has taken; 0 between calls.
        outage: the part outside that messages wait for.
        identified: whether it is certain which topic this is.
        joined: whether the group has given this worker its share.
        admitted: whether it is certain from which position each partition is read.
        partitions: numbers of the assigned partitions.
    """

    starting: bool
    stuck: float
    loop_thread: int | None
    call: float = 0.0
    outage: Outage | None = None
    identified: bool = False
    joined: bool = False
    admitted: bool = False
    partitions: Sequence[int] = ()


class Answer(NamedTuple):
    """An answer to a probe.

    Attributes:
        good: whether all is well.
        document: what to say, for JSON.
    """

    good: bool
    document: dict[str, Any]


class _State(NamedTuple):
    text: str
    good: bool = True
    required: bool = True


class Health:
    """Answers for one worker; from any thread."""

    def __init__(
        self, handler: Handler, config: WorkerConfig, broker: Part, look: Callable[[], View]
    ) -> None:
        """Make one.

        Args:
            handler: names the parts that it needs.
            config: how long the loop may be stuck.
            broker: how to ask a broker.
            look: tells what the worker does just now.
        """
        self._handler = handler
        self._look = look
        self._loop_limit = config.loop_limit.total_seconds()
        self._call_limit = handler.time_limit.total_seconds()
        self._questions = [_Question(part) for part in (broker, *handler.parts())]
        self._shown = False

    def live(self) -> Answer:
        """Whether the loop turns and the handler is within its time limit."""
        view = self._look()
        # A start may wait for whatever the handler prepares.
        limit = max(self._loop_limit, self._call_limit) if view.starting else self._loop_limit
        reasons = []
        if view.stuck > limit:
            reasons.append(f"the loop has not turned for {view.stuck:.0f} s")
            self._show_loop(view)
        if view.call > self._call_limit:
            reasons.append(
                f"a call of the handler has taken {view.call:.0f} s; its limit is "
                f"{self._handler.time_limit}"
            )
        return Answer(not reasons, {"status": "stuck" if reasons else "ok", "reasons": reasons})

    def ready(self) -> Answer:
        """Whether it can do its work, and which part is missing."""
        deadline = time.monotonic() + ASK_SECONDS
        for question in self._questions:
            question.ask()
        view = self._look()
        states = {each.part.name: each.state(deadline) for each in self._questions}
        states |= {
            "topic": _of_topic(view),
            "partitions": _of_partitions(view),
            "handler": _of_handler(view),
        }
        good = all(state.good for state in states.values() if state.required)
        whole = good and all(state.good for state in states.values())
        document = {
            "status": ("ready" if whole else "degraded") if good else "not ready",
            "handler": self._handler.name,
            "parts": {name: state.text for name, state in states.items()},
            "partitions": list(view.partitions),
        }
        return Answer(good, document)

    def _show_loop(self, view: View) -> None:
        """Log where the loop is, once: probes ask again and again."""
        if not self._shown:
            self._shown = True
            logger.critical(
                "%s: the loop has not turned for %.0f s; it is at\n%s",
                self._handler.name,
                view.stuck,
                stack_of(view.loop_thread),
            )


def _of_topic(view: View) -> _State:
    if view.identified:
        return _State(_READY)
    return _State("starting" if view.starting else "its id is not known yet", good=False)


def _of_partitions(view: View) -> _State:
    if not view.joined:
        return _State("the group has assigned none yet", good=False)
    if not view.partitions:
        return _State("ready: a spare, as the other members have them all")
    if not view.admitted:
        return _State("the committed positions are not known yet", good=False)
    return _State(_READY)


def _of_handler(view: View) -> _State:
    if view.outage is None:
        return _State(_READY)
    seconds = time.monotonic() - view.outage.since
    return _State(f"waiting for {view.outage.what} for {seconds:.0f} s", good=False)


class _Question:
    """Asks one part, in a thread of its own each time, but never twice at once."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._lock = threading.Lock()
        self._answer: Future[None] | None = None

    def ask(self) -> None:
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                name = f"ask-{self.part.name}"
                threading.Thread(
                    target=self._run, args=(self._answer,), name=name, daemon=True
                ).start()

    def state(self, deadline: float) -> _State:
        answer = self._answer
        text = _READY
        try:
            if answer is not None:
                answer.result(max(0.0, deadline - time.monotonic()))
        except FutureTimeout:
            text = f"no answer within {ASK_SECONDS:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever the part's library raises
            # Not in the answer: what a library says may name more than a probe needs to know.
            logger.warning("%s does not answer: %s", self.part.name, error)
            text = "down"
        return _State(text, text == _READY, self.part.required)

    def _run(self, answer: "Future[None]") -> None:
        try:
            self.part.ask()
        except BaseException as error:  # noqa: BLE001 - it is the asker's
            answer.set_exception(error)
        else:
            answer.set_result(None)
        finally:
            connections.close_all()
