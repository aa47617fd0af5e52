"""Reading for a page: a person waits, but not for ever."""

from collections.abc import Callable
from typing import TypeVar

from issuetracker.bounded import NoAnswer, bounded
from issuetracker.exceptions import StoreUnavailable

#: Seconds that one question to the store may take.
SECONDS = 8.0

Result = TypeVar("Result")


def ask(function: Callable[..., Result], *arguments: object, **options: object) -> Result:
    """What ``function`` of :mod:`issuetracker.reading` returns or raises.

    Raises:
        StoreUnavailable: it does not answer, or not in time.
    """
    try:
        return bounded(function, *arguments, seconds=SECONDS, **options)
    except NoAnswer as error:
        raise StoreUnavailable(str(error)) from error
