"""Runs and their steps as the admin's pages tell them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workflow.models import Recorded, Run, Status, Step

#: The least share of a timeline that can be seen, in percent.
_THINNEST = 0.6


@dataclass(frozen=True, slots=True)
class Bar:
    """When a step was worked on, within the time of the run.

    Attributes:
        start: where it begins, in percent.
        width: how long it is, in percent.
    """

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of a timeline.

    Attributes:
        step: the step.
        until: when it ended, or now while it is worked on; None before it has begun.
        result: what it returned, as JSON; empty unless it has succeeded.
        bar: None before it has begun.
    """

    step: Step
    until: datetime | None
    result: str
    bar: Bar | None


def timeline(run: Run, steps: Sequence[Step], now: datetime) -> list[ShownStep]:
    """The steps of ``run``, in their order, each with its place in the time that it took."""
    ends = [end for one in (run, *steps) if (end := ended(one, now))]
    starts = [one.started_at for one in (run, *steps) if one.started_at]
    begin, end = min(starts, default=now), max(ends, default=now)
    return [
        ShownStep(
            step,
            ended(step, now),
            as_json(step.result) if step.status == Status.SUCCEEDED else "",
            _bar(step, begin, end, now),
        )
        for step in steps
    ]


def ended(one: Recorded, now: datetime) -> datetime | None:
    """Until when something took: ``now`` while it goes on, None before it has begun."""
    if one.started_at is None or one.finished_at is not None:
        return one.finished_at
    return now


def progress(steps: Sequence[Step]) -> tuple[int, int, Step | None]:
    """How many steps have succeeded, of how many, and the one that the run is at."""
    finished = sum(step.status == Status.SUCCEEDED for step in steps)
    at = next((step for step in steps if step.status != Status.SUCCEEDED), None)
    return finished, len(steps), at


def as_json(value: object) -> str:
    """``value`` as JSON that people read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _bar(step: Step, begin: datetime, end: datetime, now: datetime) -> Bar | None:
    until = ended(step, now)
    if step.started_at is None or until is None:
        return None
    whole = max((end - begin).total_seconds(), 0.001)
    width = max(100 * (until - step.started_at).total_seconds() / whole, _THINNEST)
    start = min(100 * (step.started_at - begin).total_seconds() / whole, 100 - _THINNEST)
    return Bar(round(start, 2), round(min(width, 100 - start), 2))
