"""Turns an exception into what the tracker shows: title, fingerprint, trace and context."""

import hashlib
import linecache
import os
import socket
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType
from typing import Any, Literal, TypeAlias

from issuetracker.client import cleaning
from issuetracker.messages import Frame, RaisedException

_MAX_CHAIN = 10
_FIRST_FRAMES, _LAST_FRAMES = 20, 30
_SURROUNDING_LINES = 3
_MAX_VARIABLES = 30
_MAX_VARIABLE_TEXT = 500

Relation: TypeAlias = Literal["", "cause", "context"]


@dataclass(frozen=True, slots=True)
class ExceptionReport:
    """What is told of an exception.

    Attributes:
        title: ``ValueError: its message``, one line of at most 200 characters.
        fingerprint: the same for every occurrence of one fault, whatever ids its message names and
            however its lines shift: made of the exceptions' types and of the modules and functions
            of the service's own code that they passed through.
        exception: the exception, then what caused it.
        context: which process and thread it happened in.
    """

    title: str
    fingerprint: str
    exception: list[RaisedException]
    context: dict[str, Any]


def report_of(error: BaseException, *, with_variables: bool = False) -> ExceptionReport:
    """Everything that the tracker needs to know of ``error``.

    Args:
        error: the exception, usually while it is handled.
        with_variables: whether local variables go along, those masked whose names look like a
            secret's. Off, as they may hold personal data.
    """
    chain = list(_chain(error))
    return ExceptionReport(
        title=_title(error),
        fingerprint=_fingerprint(chain),
        exception=[_raised(link, relation, with_variables) for link, relation in chain],
        context={
            "python": sys.version.split()[0],
            "program": cleaning.text(os.path.basename(sys.argv[0] if sys.argv else ""), 200),  # noqa: PTH119 - may be "-c"
            "host": socket.gethostname(),
            "process": os.getpid(),
            "thread": cleaning.text(threading.current_thread().name, 200),
        },
    )


def _chain(error: BaseException) -> Iterator[tuple[BaseException, Relation]]:
    """The exception and what led to it: cause or context, and the members of groups."""
    waiting: list[tuple[BaseException, Relation]] = [(error, "")]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_CHAIN:
        link, relation = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link, relation
        waiting.extend(_before(link))


def _before(error: BaseException) -> Iterator[tuple[BaseException, Relation]]:
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions[:_MAX_CHAIN]:
            yield member, "cause"
    if error.__cause__ is not None:
        yield error.__cause__, "cause"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, "context"


def _title(error: BaseException) -> str:
    name = type(error).__qualname__
    message = cleaning.one_line(error, 200)
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        message = f"{_title(error.exceptions[0])} ({message})"
    return cleaning.title(f"{name}: {message}" if message else name)


def _type_name(error: BaseException) -> str:
    return cleaning.one_line(f"{type(error).__module__}.{type(error).__qualname__}", 500)


def _raised(error: BaseException, relation: Relation, with_variables: bool) -> RaisedException:
    notes = getattr(error, "__notes__", ())
    parts = [error, *(notes if isinstance(notes, list) else ())][:20]
    return RaisedException(
        type=_type_name(error),
        message=cleaning.text("\n".join(cleaning.text(part, 5000) for part in parts), 5000),
        frames=_frames(error, with_variables),
        relation=relation,
    )


def _frames(error: BaseException, with_variables: bool) -> list[Frame]:
    walked = list(traceback.walk_tb(error.__traceback__))
    left_out = len(walked) - _FIRST_FRAMES - _LAST_FRAMES
    if left_out <= 0:
        return [_frame(frame, line, with_variables) for frame, line in walked]
    gap = Frame(file="…", line=0, function=f"({left_out} calls left out)", own=False)
    first = [_frame(frame, line, with_variables) for frame, line in walked[:_FIRST_FRAMES]]
    last = [_frame(frame, line, with_variables) for frame, line in walked[-_LAST_FRAMES:]]
    return [*first, gap, *last]


def _frame(frame: FrameType, line: int | None, with_variables: bool) -> Frame:
    file = frame.f_code.co_filename
    own = _is_own(file)
    number = line or 0
    before, code, after = _source(frame, number, _SURROUNDING_LINES if own else 0)
    return Frame(
        file=cleaning.text(file, 500),
        line=number,
        function=cleaning.text(frame.f_code.co_qualname, 500),
        code=code,
        before=before,
        after=after,
        variables=_variables(frame) if with_variables else {},
        own=own,
    )


def _source(frame: FrameType, line: int, around: int) -> tuple[list[str], str, list[str]]:
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    if not 0 < line <= len(lines):
        return [], "", []
    start = max(line - 1 - around, 0)
    shown = [cleaning.text(found.rstrip(), 500) for found in lines[start : line + around]]
    position = line - 1 - start
    return shown[:position], shown[position], shown[position + 1 :]


def _variables(frame: FrameType) -> dict[str, str]:
    names = list(frame.f_locals)[:_MAX_VARIABLES]
    return {cleaning.text(name, 500): _variable(name, frame.f_locals.get(name)) for name in names}


def _variable(name: str, value: object) -> str:
    if cleaning.is_secret(name):
        return cleaning.MASK
    if isinstance(value, dict):  # its keys may name secrets, too
        value = cleaning.context(value)
    try:
        return cleaning.text(repr(value), _MAX_VARIABLE_TEXT)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything
        return f"<{type(value).__name__} without text>"


@lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths[name] + os.sep for name in ("stdlib", "platstdlib")})


@lru_cache(maxsize=4096)
def _is_own(file: str) -> bool:
    """Whether the code is the service's: not Python's, and not an installed package's."""
    if file.startswith("<frozen") or "site-packages" in file or "dist-packages" in file:
        return False
    return not file.startswith(_library_folders())


def _fingerprint(chain: list[tuple[BaseException, Relation]]) -> str:
    error = chain[0][0]
    if isinstance(error, BaseExceptionGroup):
        # A group is the same fault however many members failed and in whatever order.
        parts = sorted({"\n".join(_marks(link)) for link, _ in chain[1:]})
        parts.insert(0, "\n".join(_marks(error)))
    else:
        parts = ["\n".join(_marks(link)) for link, _ in chain]
    return "exception:" + hashlib.sha256("\n\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _marks(error: BaseException) -> Iterable[str]:
    """What stays the same from one occurrence to the next."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [frame for frame in frames if _is_own(frame.f_code.co_filename)]
    calls = (
        f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}" for frame in own or frames
    )
    # Each once: how deep a recursion went differs from time to time.
    return (_type_name(error), *dict.fromkeys(calls))
