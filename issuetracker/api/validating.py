"""From what was sent to a struct; or every field that is wrong with it.

msgspec decodes in a microsecond and names the first error. Only when it refuses, the fields are
walked one by one, to name them all.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec
from django.http import QueryDict

from issuetracker.exceptions import FieldError, InvalidInput
from issuetracker.messages import MAX_CONTEXT_BYTES, NewIssue
from issuetracker.nul import PATTERN, find_nul

#: How deep objects and lists may be nested in a context.
MAX_CONTEXT_DEPTH = 30
_POINTER_LENGTH = 300
#: Levels of objects and lists in a body. Decoding takes a call for each, and the 2 MiB of stack
#: that a web server's thread has end between 6,000 and 7,000 of them (Python 3.13).
MAX_BODY_DEPTH = 3000
_WHOLE = re.compile(r"-?[0-9]{1,9}")
#: What opens or closes a level, and whole strings, in which nothing does.
_BRACKETS = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_ALLOWED = "Has characters that are not allowed here"

#: A type as a struct's field has it; Python has no narrower name for it.
Annotation: TypeAlias = Any
Struct = TypeVar("Struct", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode
_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}


def decode_body(raw: bytes, struct: type[Struct]) -> Struct:
    """The request body ``raw`` as ``struct``.

    Raises:
        InvalidInput: it is none; every wrong field is named.
    """
    if _is_nested_deeper(raw, MAX_BODY_DEPTH):
        raise InvalidInput([FieldError("", f"Nested deeper than {MAX_BODY_DEPTH} levels")])
    decoder = _decoders.get(struct)
    if decoder is None:
        decoder = _decoders[struct] = msgspec.json.Decoder(struct)
    try:
        decoded: Struct = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidInput(_errors_of_body(raw, struct)) from None
    _require_bearable(decoded, raw, "")
    return decoded


def decode_part(value: object, raw: bytes, struct: type[Struct], pointer: str) -> Struct:
    """A part of a request body, which is decoded already, as ``struct``.

    Args:
        value: the part.
        raw: the same as JSON.
        struct: what it is to be.
        pointer: where it stands in the body.

    Raises:
        InvalidInput: it is none; every wrong field is named.
    """
    try:
        converted = msgspec.convert(value, struct)
    except (msgspec.ValidationError, RecursionError):
        raise InvalidInput(_errors_of_value(value, raw, struct, pointer)) from None
    _require_bearable(converted, raw, pointer)
    return converted


def decode_query(query: QueryDict, struct: type[Struct]) -> Struct:
    """A query string as ``struct``: its list fields may be given several times.

    Raises:
        InvalidInput: it is none; every wrong parameter is named.
    """
    several, whole = _several(struct), _whole(struct)
    given: dict[str, Any] = {}
    errors = []
    for name, values in query.lists():
        if name not in several and len(values) > 1:
            errors.append(FieldError(_join("", name), "Give this parameter once"))
        given[name] = values if name in several else values[-1]
        if name in whole and _WHOLE.fullmatch(values[-1]):
            given[name] = int(values[-1])
    if not errors:
        # Strictly: msgspec would take "null" for nothing, and any number for a time.
        with suppress(msgspec.ValidationError):
            decoded = msgspec.convert(given, struct)
            _require_in_calendar(decoded)
            return decoded
    errors += _walk(given, struct, "")
    raise InvalidInput(errors)


def _require_in_calendar(query: msgspec.Struct) -> None:
    """Refuse times that have no counterpart in UTC, at either end of the calendar."""
    for name, value in msgspec.structs.asdict(query).items():
        if isinstance(value, datetime):
            try:
                value.astimezone(UTC)
            except OverflowError:
                error = FieldError(_join("", name), "Lies outside the years 1 to 9999 in UTC")
                raise InvalidInput([error]) from None


@functools.cache
def _several(struct: type[msgspec.Struct]) -> frozenset[str]:
    """The names of the fields that are lists."""
    fields = msgspec.structs.fields(struct)
    return frozenset(field.name for field in fields if _is_sequence(field.type))


@functools.cache
def _whole(struct: type[msgspec.Struct]) -> frozenset[str]:
    """The names of the fields that are whole numbers."""
    fields = msgspec.structs.fields(struct)
    return frozenset(field.name for field in fields if _split(field.type)[0] is int)


def _errors_of_body(raw: bytes, struct: type[msgspec.Struct]) -> list[FieldError]:
    if not raw.strip():
        return [FieldError("", "The body is empty")]
    try:
        value = msgspec.json.decode(raw)
    except UnicodeDecodeError:
        return [FieldError("", "The body is not UTF-8")]
    except RecursionError:
        return [FieldError("", "The body is nested too deep")]
    except msgspec.DecodeError as error:
        return [FieldError("", f"The body is not valid JSON: {error}")]
    return _errors_of_value(value, raw, struct, "")


def _errors_of_value(
    value: object, raw: bytes, struct: type[msgspec.Struct], pointer: str
) -> list[FieldError]:
    errors = list(_walk(value, struct, pointer))
    if struct is NewIssue and isinstance(value, dict) and isinstance(value.get("context"), dict):
        errors += _errors_of_context(value["context"], pointer)
    named = {error.pointer for error in errors}
    errors += [error for error in _errors_of_nul(raw, pointer) if error.pointer not in named]
    return errors or [FieldError(pointer, "The body is not valid")]


def _require_bearable(decoded: msgspec.Struct, raw: bytes, pointer: str) -> None:
    """Check what the types do not say; ``raw`` is ``decoded`` as JSON."""
    errors = _errors_of_nul(raw, pointer)
    if isinstance(decoded, NewIssue) and decoded.context:
        errors += _errors_of_context(decoded.context, pointer)
    if errors:
        raise InvalidInput(errors)


def _errors_of_nul(raw: bytes, pointer: str) -> list[FieldError]:
    try:
        paths = find_nul(raw)
    except RecursionError:
        return [FieldError(pointer, "It is nested too deep")]
    return [
        FieldError(functools.reduce(_join, path, pointer), f"{_NOT_ALLOWED} {PATTERN!r}")
        for path in paths
    ]


def _errors_of_context(context: dict[str, Any], report: str) -> list[FieldError]:
    pointer = f"{report}/context"
    if _is_deeper(context, MAX_CONTEXT_DEPTH):
        return [FieldError(pointer, f"Nested deeper than {MAX_CONTEXT_DEPTH} levels")]
    if len(_encode(context)) > MAX_CONTEXT_BYTES:
        return [FieldError(pointer, f"Longer than {MAX_CONTEXT_BYTES} bytes as JSON")]
    return []


def _is_nested_deeper(raw: bytes, levels: int) -> bool:
    if raw.count(b"[") + raw.count(b"{") <= levels:
        return False  # as of nearly every body: to go through one takes as long as all the rest
    depth = 0
    for token in _BRACKETS.finditer(raw):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > levels:
            return True
    return False


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False


def _walk(value: object, annotation: Annotation, pointer: str) -> Iterator[FieldError]:
    """Every error of ``value`` as an ``annotation``."""
    annotation = _meant(value, annotation)
    bare, limits = _split(annotation)
    if _is_struct(bare) and isinstance(value, dict):
        yield from _walk_fields(value, bare, pointer)
    elif _is_sequence(bare) and isinstance(value, list):
        yield from _leaf(value, _limited(list[Any], limits), pointer)
        for index, item in enumerate(value):
            yield from _walk(item, get_args(bare)[0], f"{pointer}/{index}")
    elif _origin(bare) is dict and isinstance(value, dict):
        yield from _leaf(value, _limited(dict[str, Any], limits), pointer)
        of_key, of_item = get_args(bare)
        for key, item in value.items():
            yield from _leaf(key, of_key, _join(pointer, key))
            yield from _walk(item, of_item, _join(pointer, key))
    else:
        yield from _leaf(value, annotation, pointer)


def _walk_fields(
    value: dict[str, Any], struct: type[msgspec.Struct], pointer: str
) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, field in fields.items():
        if name in value:
            yield from _walk(value[name], field.type, _join(pointer, name))
        elif field.required:
            yield FieldError(_join(pointer, name), "Is required")
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value.keys() - fields.keys():
            yield FieldError(_join(pointer, name), "Is not known here")


def _leaf(value: object, annotation: Annotation, pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        yield FieldError(pointer, _in_words(str(error).partition(" - at `")[0]))


def _in_words(message: str) -> str:
    if "matching regex" in message:
        return _NOT_ALLOWED + message.partition("matching regex")[2]
    return message


def _split(annotation: Annotation) -> tuple[Annotation, Sequence[object]]:
    if _origin(annotation) is Annotated:
        bare, *limits = get_args(annotation)
        return bare, limits
    return annotation, ()


def _origin(annotation: Annotation) -> object:
    return get_origin(annotation)


def _limited(bare: Annotation, limits: Sequence[object]) -> Annotation:
    return Annotated[(bare, *limits)] if limits else bare


def _meant(value: object, annotation: Annotation) -> Annotation:
    """The struct, or the list, that ``value`` is meant as where anything else may stand as well."""
    bare, _ = _split(annotation)
    if _origin(bare) not in (Union, UnionType):
        return annotation
    for choice in get_args(bare):
        if isinstance(value, dict) and _is_struct(choice):
            return choice
        if isinstance(value, list) and _is_sequence(choice):
            return choice
    return annotation


def _is_struct(bare: Annotation) -> bool:
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)


def _is_sequence(annotation: Annotation) -> bool:
    return _origin(_split(annotation)[0]) in (list, tuple)


def _join(pointer: str, name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"[:_POINTER_LENGTH]
