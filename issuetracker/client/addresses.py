"""Where the tracker is and what token it gets: argument, configuration, environment, default."""

import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

logger = logging.getLogger(__name__)

DEFAULT_URL = "http://issuetracker:6001"
URL_KEY = "services/issuetracker/url"
TOKEN_KEY = "services/issuetracker/token"  # noqa: S105 - a name


class Configuration(Protocol):
    """Anything that is asked for a value by its path."""

    def get(self, key: str, /) -> Any:  # noqa: ANN401 - whatever the configuration holds
        """The value, or None."""


def find_url(argument: str | None, config: Configuration | None) -> str:
    """The address: the first of argument, configuration, ISSUETRACKER_URL and the default."""
    url = (
        _text(argument)
        or configured(config, URL_KEY)
        or _text(os.environ.get("ISSUETRACKER_URL"))
        or DEFAULT_URL
    )
    return url if "://" in url else f"http://{url}"


def find_token(argument: str | None, config: Configuration | None) -> str | None:
    """The token: the first of argument, configuration and ISSUETRACKER_TOKEN, else None."""
    token = (
        _text(argument)
        or configured(config, TOKEN_KEY)
        or _text(os.environ.get("ISSUETRACKER_TOKEN"))
    )
    if token and not (token.isascii() and token.isprintable()):
        logger.error("The issue tracker's token has characters that no token has; it is not sent")
        return None
    return token or None


def configured(config: Configuration | None, key: str) -> str:
    """The text under ``key`` (``services/issuetracker/…``), or an empty text.

    A configuration is a nested mapping, a flat one with the whole path as its key, or anything
    with a ``get`` that takes the path.
    """
    if config is None:
        return ""
    try:
        value = config.get(key)
        if value is None and isinstance(config, Mapping):
            value = _nested(config, key.split("/"))
        return _text(value)
    except Exception as error:  # noqa: BLE001 - a foreign object; reporting must not break its service
        logger.warning("The configuration has no %s (%s)", key, type(error).__name__)
        return ""


def _nested(config: Mapping[str, Any], path: list[str]) -> object:
    value: object = config
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
