"""Makes what a stranger may have written fit to be looked at."""

import json

from kafka_worker.letters.form import Content, Letter

#: Characters of a value that are shown; more is of no use on a screen.
LONGEST = 100_000
_LONGEST_JSON = 1_000_000
_HEX_BYTES = 4_096
_PER_LINE = 16
_LINE = 160


def printable(text: str, *, lines: bool = False) -> str:
    """``text`` with everything that a terminal would obey, or hide, as an escape.

    Args:
        text: anything.
        lines: whether line ends may stay.
    """
    return "".join(
        each if each.isprintable() or (lines and each == "\n") else _escaped(each) for each in text
    )


def pretty(value: bytes | None) -> str:
    """A value to look at: JSON indented, other text with escapes, anything else as hex."""
    if value is None:
        return "(null)"
    if not value:
        return "(empty)"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _hex(value)
    return _cut(printable(_indented(text)[: LONGEST + 1], lines=True))


def short(value: bytes | None) -> str:
    """A key or the value of a header, on one line."""
    if value is None:
        return "(null)"
    try:
        return _cut(printable(value.decode()[: LONGEST + 1]))
    except UnicodeDecodeError:
        return "0x" + value[:_HEX_BYTES].hex()


def _indented(text: str) -> str:
    """JSON with indents as far as it is shown, because indents can outgrow the text by far."""
    if len(text) > _LONGEST_JSON:
        return text
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
        pieces: list[str] = []
        size = 0
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST:
                break
        return "".join(pieces)
    except (ValueError, RecursionError):
        return text


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice; indenting would hide one of the two")
    return found


def _hex(value: bytes) -> str:
    shown = value[:_HEX_BYTES]
    rows = [shown[start : start + _PER_LINE] for start in range(0, len(shown), _PER_LINE)]
    text = "\n".join(f"{place * _PER_LINE:08x}  {row.hex(' ')}" for place, row in enumerate(rows))
    left = len(value) - len(shown)
    return f"{text}\n… and {left} more bytes" if left else text


def _cut(text: str) -> str:
    return f"{text[:LONGEST]}\n… the rest is not shown" if len(text) > LONGEST else text


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()


def counted(number: int) -> str:
    """``1 letter``, ``2 letters``."""
    return f"{number} letter" if number == 1 else f"{number} letters"


def line(letter: Letter) -> str:
    """A letter on one line of a terminal."""
    error = printable(letter.error)
    said = f"{printable(letter.reason)}: {error}" if error else printable(letter.reason)
    again = f"replayed {letter.replays}x  " if letter.replays else ""
    return f"{printable(letter.id)}  {letter.time:%Y-%m-%d %H:%M:%S}  {again}{said[:_LINE]}"


def facts(letter: Letter) -> list[tuple[str, str]]:
    """What is known about a letter besides reason and error, as names and values."""
    return [
        ("Message", letter.position),
        ("Topic id", letter.topic_id),
        ("Group", letter.group),
        ("Attempts", str(letter.attempts)),
        ("Replays", str(letter.replays)),
        ("Size", f"{letter.size} bytes"),
    ]


def described(letter: Letter, content: Content | None) -> list[str]:
    """A letter and its message in full, as lines of a terminal."""
    lines = [
        f"Letter    {printable(letter.id)}",
        f"Written   {letter.time:%Y-%m-%d %H:%M:%S UTC}",
        *(f"{name:9} {printable(value)}" for name, value in facts(letter)),
        f"Reason    {printable(letter.reason)}",
        "Error",
        printable(letter.error, lines=True),
    ]
    if letter.withheld:
        lines.append(f"The letter is without its message, which was refused: {letter.withheld}")
    if content is None:
        return [*lines, "Its topic no longer has the message."]
    lines += ["Key", short(content.key), "Headers"]
    lines += [f"{printable(name)}: {short(value)}" for name, value in content.headers]
    return [*lines, "Value", pretty(content.value)]
