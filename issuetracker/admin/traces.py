"""A reported exception as the issue page shows it, and as text like Python's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from issuetracker.messages import Frame, RaisedException

_RELATIONS = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
    "": "And, above, what belongs to the following exception:",
}
_TITLES = {"cause": "caused by", "context": "raised while handling", "": "together with"}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of source: its number, its text, and whether it is the one that was called."""

    number: int
    text: str
    current: bool


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A call with its source lines."""

    frame: Frame
    lines: list[SourceLine]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Calls that follow each other and are all the service's own, or all libraries'."""

    own: bool
    frames: list[ShownFrame]


@dataclass(frozen=True, slots=True)
class ShownException:
    """One exception of a chain.

    Attributes:
        title: what it is to the one before it; empty for the one that was raised.
        exception: the exception.
        stretches: its calls, outermost first.
    """

    title: str
    exception: RaisedException
    stretches: list[Stretch]


def shown_trace(chain: Sequence[RaisedException]) -> list[ShownException]:
    """The exception that was raised, then each that led to it."""
    return [
        ShownException(
            title=_TITLES[exception.relation] if place else "",
            exception=exception,
            stretches=_stretches(exception.frames),
        )
        for place, exception in enumerate(chain)
    ]


def trace_as_text(chain: Sequence[RaisedException]) -> str:
    """The chain as Python prints it: what came first, first."""
    parts: list[str] = []
    for place in reversed(range(len(chain))):
        parts.append(_exception_as_text(chain[place]))
        if place:
            parts.append(_RELATIONS[chain[place].relation])
    return "\n\n".join(parts)


def _exception_as_text(exception: RaisedException) -> str:
    lines = ["Traceback (most recent call last):"] if exception.frames else []
    for frame in exception.frames:
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
        if frame.code:
            lines.append(f"    {frame.code.strip()}")
    name = exception.type.removeprefix("builtins.")
    lines.append(f"{name}: {exception.message}" if exception.message else name)
    return "\n".join(lines)


def _stretches(frames: Sequence[Frame]) -> list[Stretch]:
    return [
        Stretch(own, [ShownFrame(frame, _source(frame)) for frame in group])
        for own, group in groupby(frames, key=lambda frame: frame.own)
    ]


def _source(frame: Frame) -> list[SourceLine]:
    if not frame.code:
        return []
    first = frame.line - len(frame.before)
    texts = [*frame.before, frame.code, *frame.after]
    return [
        SourceLine(first + place, text, current=place == len(frame.before))
        for place, text in enumerate(texts)
    ]
