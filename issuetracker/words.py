"""What search looks for: the words of a title and of what was raised, and a report's context.

A word is a run of letters and digits, whatever its case. A search finds an issue when every word
of the search begins some word of the issue; that, unlike a substring, any store can index.
Context is found by whole entries, ``key=value``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from issuetracker.messages import RaisedException

_WORD = re.compile(r"[^\W_]+")
#: ``ConnectTimeout`` is found as ``connecttimeout`` and as ``timeout``.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Words of the exceptions' types and messages that are searched, beyond those of the title. A
#: message can hold thousands of ids, each of which would be an entry of the store's index.
EXCEPTION_WORDS = 24
#: Their length; shorter ones say little, and longer ones are dumped data.
_SHORTEST, _LONGEST = 3, 40
#: What is in every type's name, or says no more than that something was raised.
_EVERYWHERE = frozenset({"builtins", "exceptions", "exception", "error", "errors"})
#: Entries of a context that are searched, the first by name, and their length: what is sought are
#: names, ids and settings, not dumped data.
CONTEXT_PAIRS = 20
LONGEST_PAIR = 120


def words_of(text: str) -> list[str]:
    """The distinct words of ``text``, case folded, in order of appearance."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


def searched_words(title: str, raised: Sequence[RaisedException]) -> list[str]:
    """The distinct words by which an issue is found.

    All words of its title; then of its exceptions' types and messages, the raised one's first,
    the first :data:`EXCEPTION_WORDS` that are 3 to 40 characters long.
    """
    found = dict.fromkeys(words_of(title))
    most = len(found) + EXCEPTION_WORDS
    for word in _words_raised(raised):
        if len(found) == most:
            break
        found[word] = None
    return list(found)


def begins_words(search: str, words: Iterable[str]) -> bool:
    """Whether every word of ``search`` begins one of ``words``."""
    words = list(words)
    return all(any(word.startswith(start) for word in words) for start in words_of(search))


def context_pair(key: str, value: object) -> str | None:
    """An entry of a context as it is searched: ``key=value``.

    Args:
        key: the entry's name.
        value: as JSON has it; what is not text is written as JSON does.

    Returns:
        None when it is not searched: lists and objects, and what is longer than
        :data:`LONGEST_PAIR` characters.
    """
    if isinstance(value, (dict, list)):
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{key}={text}" if len(key) + len(text) < LONGEST_PAIR else None


def context_pairs(context: Mapping[str, Any]) -> list[str]:
    """The entries of ``context`` by which an issue is found, at most :data:`CONTEXT_PAIRS`."""
    # Sorted as the stores keep them: the order in which they came is not known for long.
    pairs = (context_pair(key, value) for key, value in sorted(context.items()))
    return list(islice((pair for pair in pairs if pair is not None), CONTEXT_PAIRS))


def _words_raised(raised: Sequence[RaisedException]) -> Iterator[str]:
    for one in raised:
        yield from _type_words(one.type)
    for one in raised:
        yield from _telling(words_of(one.message))


# Of types there are few, and every report names one.
@lru_cache(1024)
def _type_words(name: str) -> tuple[str, ...]:
    return tuple(_telling(words_of(f"{name} {_HUMP.sub(' ', name)}")))


def _telling(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if _SHORTEST <= len(word) <= _LONGEST and word not in _EVERYWHERE:
            yield word
