"""Service users: the name under which a service reports, and a user to give tokens to."""

import logging
import time
from collections.abc import Iterable

import msgspec
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction

from issuetracker.bounded import NoAnswer, bounded
from issuetracker.messages import Component

logger = logging.getLogger(__name__)

GROUP = "Services"
PREFIX = "service."
#: Names remembered as made; whoever invents names without end makes lookups, not memory.
NAMES_REMEMBERED = 10_000
SERVICES_OFFERED = 300
_NAMES = (
    "A component's name has at most 100 letters, digits, dots, dashes and underscores, and begins "
    "with a letter or a digit."
)
#: Seconds a report waits for its service user to be made; it does not need the user.
WAIT_SECONDS = 0.3
#: Seconds without another try after the database failed.
PAUSE_SECONDS = 5.0


def service_name(component: str) -> str:
    """The user name of the service that ``component`` is."""
    return PREFIX + component


def checked_component(name: str) -> str:
    """``name``, if a report could have it as its component.

    Raises:
        ValueError: it could not; the message says what a name may have.
    """
    try:
        return msgspec.convert(name, Component)
    except msgspec.ValidationError as error:
        raise ValueError(_NAMES) from error


def make_service_user(component: str) -> User:
    """The service user of ``component``, created where there is none; it cannot log in.

    Raises:
        DatabaseError: the database did not do it.
    """
    users = get_user_model().objects
    name = service_name(component)
    user = users.filter(username=name).first()
    if user is not None:
        return user
    with transaction.atomic():
        # Two processes that do this at once get one user: the name is unique in the database.
        user, created = users.get_or_create(
            username=name, defaults={"password": make_password(None)}
        )
        group, _ = Group.objects.get_or_create(name=GROUP)
        user.groups.add(group)
    if created:
        logger.info("Created a service user", extra={"user": name})
    return user


def known_services() -> list[str]:
    """Names of components that have a service user, to choose from; the first few hundred."""
    names = get_user_model().objects.filter(username__startswith=PREFIX).order_by("username")
    return [
        name.removeprefix(PREFIX)
        for name in names.values_list("username", flat=True)[:SERVICES_OFFERED]
    ]


class ServiceUsers:
    """Makes sure of service users without letting a report wait for the database."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._paused_until = 0.0

    def ensure(self, component: str) -> str:
        """The name of the component's service user, which exists afterwards if at all possible.

        A database that is down costs the user, not the report: the next report tries again.
        """
        name = service_name(component)
        if name not in self._made and time.monotonic() >= self._paused_until:
            self._make(component, name)
        return name

    def ensure_all(self, components: Iterable[str]) -> dict[str, str]:
        """The same for several, by component.

        Users for which there is no time come into being with a later report.
        """
        until = time.monotonic() + WAIT_SECONDS
        return {
            component: self.ensure(component)
            if time.monotonic() < until
            else service_name(component)
            for component in set(components)
        }

    def _make(self, component: str, name: str) -> None:
        try:
            bounded(make_service_user, component, seconds=WAIT_SECONDS)
        except (DatabaseError, NoAnswer) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("Could not make sure of service user %s: %s", name, error)
            return
        if len(self._made) >= NAMES_REMEMBERED:
            self._made.clear()
        self._made.add(name)


service_users = ServiceUsers()
