"""From what was sent to a struct; or every field that is wrong with it.

msgspec decodes in a microsecond and names the first error. Only when it refuses, the fields are
walked one by one, to name them all.
"""

import functools
from collections.abc import Iterator, Sequence
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
    decoder = _decoders.get(struct)
    if decoder is None:
        decoder = _decoders[struct] = msgspec.json.Decoder(struct)
    try:
        decoded: Struct = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidInput(_errors_of_body(raw, struct)) from None
    errors = _errors_of_nul(raw)
    if isinstance(decoded, NewIssue) and decoded.context:
        errors += _errors_of_context(decoded.context)
    if errors:
        raise InvalidInput(errors)
    return decoded


def decode_query(query: QueryDict, struct: type[Struct]) -> Struct:
    """A query string as ``struct``: its list fields may be given several times.

    Raises:
        InvalidInput: it is none; every wrong parameter is named.
    """
    several = {field.name for field in msgspec.structs.fields(struct) if _is_sequence(field.type)}
    given: dict[str, Any] = {}
    errors = []
    for name, values in query.lists():
        if name not in several and len(values) > 1:
            errors.append(FieldError(_join("", name), "Give this parameter once"))
        given[name] = values if name in several else values[-1]
    errors += _walk(given, struct, "", strict=False)
    if errors:
        raise InvalidInput(errors)
    return msgspec.convert(given, struct, strict=False)


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
    errors = list(_walk(value, struct, "", strict=True))
    if struct is NewIssue and isinstance(value, dict) and isinstance(value.get("context"), dict):
        errors += _errors_of_context(value["context"])
    named = {error.pointer for error in errors}
    errors += [error for error in _errors_of_nul(raw) if error.pointer not in named]
    return errors or [FieldError("", "The body is not valid")]


def _errors_of_nul(raw: bytes) -> list[FieldError]:
    return [
        FieldError(functools.reduce(_join, path, ""), f"{_NOT_ALLOWED} {PATTERN!r}")
        for path in find_nul(raw)
    ]


def _errors_of_context(context: dict[str, Any]) -> list[FieldError]:
    pointer = "/context"
    if _is_deeper(context, MAX_CONTEXT_DEPTH):
        return [FieldError(pointer, f"Nested deeper than {MAX_CONTEXT_DEPTH} levels")]
    if len(_encode(context)) > MAX_CONTEXT_BYTES:
        return [FieldError(pointer, f"Longer than {MAX_CONTEXT_BYTES} bytes as JSON")]
    return []


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False


def _walk(
    value: object, annotation: Annotation, pointer: str, *, strict: bool
) -> Iterator[FieldError]:
    """Every error of ``value`` as an ``annotation``."""
    bare, limits = _split(annotation)
    if isinstance(value, dict):
        bare = _struct_among(bare)
    if _is_struct(bare) and isinstance(value, dict):
        yield from _walk_fields(value, bare, pointer, strict=strict)
    elif _is_sequence(bare) and isinstance(value, list):
        yield from _leaf(value, _limited(list[Any], limits), pointer, strict=strict)
        for index, item in enumerate(value):
            yield from _walk(item, get_args(bare)[0], f"{pointer}/{index}", strict=strict)
    elif _origin(bare) is dict and isinstance(value, dict):
        yield from _leaf(value, _limited(dict[str, Any], limits), pointer, strict=strict)
        of_key, of_item = get_args(bare)
        for key, item in value.items():
            yield from _leaf(key, of_key, _join(pointer, key), strict=strict)
            yield from _walk(item, of_item, _join(pointer, key), strict=strict)
    else:
        yield from _leaf(value, annotation, pointer, strict=strict)


def _walk_fields(
    value: dict[str, Any], struct: type[msgspec.Struct], pointer: str, *, strict: bool
) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, field in fields.items():
        if name in value:
            yield from _walk(value[name], field.type, _join(pointer, name), strict=strict)
        elif field.required:
            yield FieldError(_join(pointer, name), "Is required")
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value.keys() - fields.keys():
            yield FieldError(_join(pointer, name), "Is not known here")


def _leaf(
    value: object, annotation: Annotation, pointer: str, *, strict: bool
) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, annotation, strict=strict)
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


def _struct_among(bare: Annotation) -> Annotation:
    """The struct that an object may be, where anything else may stand as well."""
    if _origin(bare) not in (Union, UnionType):
        return bare
    return next(filter(_is_struct, get_args(bare)), bare)


def _is_struct(bare: Annotation) -> bool:
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)


def _is_sequence(annotation: Annotation) -> bool:
    return _origin(_split(annotation)[0]) in (list, tuple)


def _join(pointer: str, name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"[:_POINTER_LENGTH]
