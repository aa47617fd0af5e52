"""Real databases of a test's own, in place of the suite's in-memory one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connections

from settings.base import database


@contextmanager
def default_database(url: str) -> Iterator[None]:
    """Make the database at ``url`` Django's default one in every thread, with workflow's tables."""
    before, wrapper = connections.settings["default"], connections["default"]
    configured = connections.configure_settings({"default": database(url)})
    connections.settings["default"] = configured["default"]
    del connections["default"]
    try:
        call_command("migrate", "workflow", verbosity=0, skip_checks=True)
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = wrapper
