"""The stores of issues, and the one that the settings choose."""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from issuetracker.providers.base import StoreProvider

__all__ = ["StoreProvider", "get_store", "make_store"]


def make_store(config: dict[str, Any]) -> StoreProvider:
    """A store from its ``BACKEND`` and ``OPTIONS``.

    Raises:
        ImportError: ``BACKEND`` names no class.
    """
    backend = import_string(config["BACKEND"])
    store: StoreProvider = backend(**config.get("OPTIONS", {}))
    return store


@cache
def get_store() -> StoreProvider:
    """The process's store, as ``settings.ISSUETRACKER_STORE`` says. Made once."""
    return make_store(settings.ISSUETRACKER_STORE)
