"""How each part that this process needs is, as the probes and the overview tell it."""

import logging
from typing import Literal

from issuetracker.bounded import NoAnswer, bounded
from issuetracker.exceptions import StoreUnavailable
from issuetracker.providers import get_store
from issuetracker.providers.redis import get_recents
from issuetracker.publisher import get_publisher

logger = logging.getLogger(__name__)

PING_SECONDS = 1.0

PartState = Literal["ready", "warming", "down", "absent"]


def states_of_parts() -> dict[str, PartState]:
    """The state of the publisher, the store and the recent view; about a second at most."""
    return {
        "publisher": get_publisher().state,
        "store": _state_of_store(),
        "recents": _state_of_recents(),
    }


def _state_of_store() -> PartState:
    try:
        bounded(get_store().ping, seconds=PING_SECONDS)
    except (StoreUnavailable, NoAnswer) as error:
        logger.warning("The store does not answer: %s", error)
        return "down"
    return "ready"


def _state_of_recents() -> PartState:
    recents = get_recents()
    if not recents.is_configured:
        return "absent"
    return "ready" if recents.ping() else "down"
