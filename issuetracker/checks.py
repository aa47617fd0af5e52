"""System checks: what ``manage.py check`` says about the configuration of this app."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from issuetracker.providers import get_store
from kafka_worker.registry import CHECKED


@register(CHECKED)
def check_store(**_: Any) -> list[CheckMessage]:  # noqa: ANN401 - Django's signature
    """Let the configured store say what is wrong with its configuration."""
    try:
        store = get_store()
    except (ImportError, TypeError) as error:
        hint = "BACKEND is the dotted path of a store, OPTIONS its keyword arguments."
        return [Error(f"ISSUETRACKER_STORE: {error}", hint=hint, id="issuetracker.E001")]
    return store.check()
