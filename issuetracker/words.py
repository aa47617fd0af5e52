"""What text search looks for: the words of a title.

A word is a run of letters and digits, whatever its case. A search finds a title when every word
of the search begins some word of the title; that, unlike a substring, any store can index.
"""

import re

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The distinct words of ``text``, case folded, in order of appearance."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


def begins_words(search: str, title: str) -> bool:
    """Whether every word of ``search`` begins a word of ``title``."""
    words = words_of(title)
    return all(any(word.startswith(start) for word in words) for start in words_of(search))
