"""What the record of a run keeps of an exception."""

import traceback
from dataclasses import dataclass

from workflow.values import storable_text


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An exception, as text that every database can keep.

    Attributes:
        error_type: its qualified name.
        error_message: its type and message, as Python prints them last.
        error_trace: the whole traceback, with what caused it.
    """

    error_type: str
    error_message: str
    error_trace: str

    @classmethod
    def of(cls, error: BaseException) -> "ErrorRecord":
        """The record of ``error``, whatever its own methods do."""
        return cls(
            type_name(error)[:200],
            storable_text("".join(traceback.format_exception_only(error)).strip()),
            storable_text("".join(traceback.format_exception(error))),
        )

    @property
    def fields(self) -> dict[str, str]:
        """The columns of the same names."""
        return {
            "error_type": self.error_type,
            "error_message": self.error_message,
            "error_trace": self.error_trace,
        }


def type_name(error: BaseException) -> str:
    """``module.qualified_name`` of the exception's type; built-in ones without their module."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def without_frames_of(file: str, error: Exception) -> Exception:
    """``error`` with a traceback that begins in the step, not in the ``file`` that called it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == file:
        trace = trace.tb_next
    return error.with_traceback(trace or error.__traceback__)
