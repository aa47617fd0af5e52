"""The form of the log lines: text for people, JSON for collectors."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_OWN = ("issuetracker", "kafka_worker", "workflow", "settings")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the ``extra`` fields, the trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Render ``record``; what JSON cannot express is rendered by ``str``."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(extra_fields(record))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time with zone, level, logger, message, and the ``extra`` fields as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Render ``record``."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        extra = "".join(f" {name}={value}" for name, value in extra_fields(record).items())
        line = f"{time} {record.levelname:7} {record.name}: {record.getMessage()}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller gave as ``extra``, without the attributes every record has."""
    return {
        name: value
        for name, value in vars(record).items()
        if name not in _STANDARD and name not in ("request", "server_time", "status_code")
    }


def logging_config(form: str, level: str) -> dict[str, Any]:
    """Django's ``LOGGING``: everything to standard error in one form.

    Args:
        form: ``text`` or ``json``.
        level: the least level that is written. Of other packages nothing below INFO: there,
            database queries would show what people have written.
    """
    others = "INFO" if level == "DEBUG" else level
    formatter = {"text": "settings.logs.TextFormatter", "json": "settings.logs.JsonFormatter"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter[form]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": others},
        "loggers": {
            "django": {"handlers": [], "level": others, "propagate": True},
            **{name: {"level": level} for name in _OWN},
        },
    }
