"""Which handlers there are.

An app puts its handlers into a module ``handlers`` and decorates each with ``@register``; the
modules of all installed apps are imported when Django starts.
"""

from typing import TypeVar

from django.utils.module_loading import autodiscover_modules

from kafka_worker.exceptions import ConfigurationError, HandlerNotFound
from kafka_worker.handlers import Handler

HandlerClass = TypeVar("HandlerClass", bound=type[Handler])

#: Tag of the system checks that a worker makes at its start, besides those of models.
CHECKED = "kafka_worker"

_handlers: dict[str, type[Handler]] = {}


def register(handler_class: HandlerClass) -> HandlerClass:
    """Register a handler under its ``name``; usable as a class decorator.

    Raises:
        ConfigurationError: the name, topic or group is missing, or the name is another handler's.
    """
    for attribute in ("name", "topic", "group"):
        if not getattr(handler_class, attribute):
            raise ConfigurationError(f"{handler_class.__qualname__} has no {attribute!r}")
    known = _handlers.setdefault(handler_class.name, handler_class)
    if known is not handler_class:
        raise ConfigurationError(
            f"{handler_class.__qualname__} and {known.__qualname__} are both named "
            f"{handler_class.name!r}; give one of them another name"
        )
    return handler_class


def get(name: str) -> type[Handler]:
    """The handler registered under ``name``.

    Raises:
        HandlerNotFound: there is none; the message lists the names there are.
    """
    try:
        return _handlers[name]
    except KeyError:
        known = ", ".join(names()) or "none"
        raise HandlerNotFound(f"No handler is named {name!r}. Registered: {known}") from None


def names() -> list[str]:
    """The names of all registered handlers, sorted."""
    return sorted(_handlers)


def autodiscover() -> None:
    """Import the module ``handlers`` of every installed app."""
    autodiscover_modules("handlers")
