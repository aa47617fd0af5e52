"""Calls that must come back in time, whatever the part they ask does.

A store or a database that hangs cannot be interrupted from outside. So the call runs in one of a
few threads, and its caller waits so long and no longer. The call itself goes on; whoever gave it
up must be able to bear that it succeeds later.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from typing import TypeVar

from django.db import close_old_connections

from issuetracker.processes import PerProcess

#: So many calls can hang at once before further ones wait for a thread, in vain.
THREADS = 16

Result = TypeVar("Result")


class NoAnswer(Exception):
    """The call did not come back in time. What it was asked may still happen."""


class NotBegun(NoAnswer):
    """The call was not begun in time, because others had all the threads. It never will be."""


_pools = PerProcess(lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="bounded"))


def bounded(
    function: Callable[..., Result], *arguments: object, seconds: float, **options: object
) -> Result:
    """What ``function`` returns or raises, if it does within ``seconds``.

    Raises:
        NoAnswer: it did not.
    """
    future = begin(function, *arguments, **options)
    return answer_of(future, getattr(function, "__qualname__", repr(function)), seconds)


def begin(function: Callable[..., Result], *arguments: object, **options: object) -> Future[Result]:
    """Start the call, to ask for its answer later (:func:`answer_of`).

    The function must not itself wait for a bounded call: there are only so many threads.
    """
    return _pools.get().submit(_with_fresh_connections, function, arguments, options)


def answer_of(future: Future[Result], name: str, seconds: float) -> Result:
    """What ``future`` gives within ``seconds``; after that it is cancelled, if it is not under way.

    Args:
        future: the call.
        name: what is asked, for the error.
        seconds: how long to wait; none when it is not positive.

    Raises:
        NotBegun: it was not even begun in time, and is called off.
        NoAnswer: it was not done in time.
    """
    try:
        return future.result(max(0.0, seconds))
    except FutureTimeout:
        if future.done():
            return future.result()  # it came at the last moment, or the error is its own
        if future.cancel():
            raise NotBegun(f"{name} had no turn within {seconds:.1f} s") from None
        raise NoAnswer(f"{name} did not answer within {seconds:.1f} s") from None


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Look after Django's database connections in a thread that serves no request.

    Django does this at the start and end of a request, for the request's own thread only.
    """
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def _with_fresh_connections(
    function: Callable[..., Result], arguments: tuple[object, ...], options: dict[str, object]
) -> Result:
    with fresh_connections():
        return function(*arguments, **options)
