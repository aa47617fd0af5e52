"""Who calls: a service, or a person who is logged in to the admin site."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from issuetracker.access.permissions import EVERYTHING, OF_PEOPLE, Permission, in_order
from issuetracker.access.services import service_name, service_users

#: The component of a caller without a token that names none.
UNKNOWN_COMPONENT = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that calls the API.

    Attributes:
        name: of its service user; None without a token: then the component's.
        permissions: what its token may do; everything where no token is asked for.
    """

    name: str | None = None
    permissions: frozenset[Permission] = EVERYTHING

    is_authenticated = True
    is_active = True
    pk = None

    def actor(self, component: str = UNKNOWN_COMPONENT) -> str:
        """The name under which it reports for ``component``; makes sure of the service user."""
        return self.name or service_users.ensure(component)

    def actors(self, components: Iterable[str]) -> dict[str, str]:
        """The same for each of several components."""
        if self.name:
            return dict.fromkeys(components, self.name)
        return service_users.ensure_all(components)

    def get_username(self) -> str:
        """The name of its user, as Django's users have it."""
        return self.name or service_name(UNKNOWN_COMPONENT)

    def may(self, permission: Permission) -> bool:
        """Whether its token allows it."""
        return permission in self.permissions

    def refusal(self, permission: Permission) -> str:
        """What the token lacks and has, for whoever runs the service."""
        has = ", ".join(in_order(self.permissions)) or "none"
        return (
            f"The token lacks the permission “{permission}”; it has: {has}. "
            "An administrator makes a token that has it."
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff with a session.

    Attributes:
        user: the Django user.
    """

    user: AbstractBaseUser

    is_authenticated = True

    def actor(self, _component: str = "") -> str:
        """The user name."""
        return self.user.get_username()

    def actors(self, components: Iterable[str]) -> dict[str, str]:
        """The user name, by each component."""
        return dict.fromkeys(components, self.actor())

    def get_username(self) -> str:
        """The user name."""
        return self.user.get_username()

    def may(self, permission: Permission) -> bool:
        """Whether Django gave the user a permission that allows it."""
        return any(self.user.has_perm(name) for name in OF_PEOPLE[permission])  # type: ignore[attr-defined]

    def refusal(self, permission: Permission) -> str:
        """What the user lacks, and who can change that."""
        return (
            f"Your user lacks the permission {OF_PEOPLE[permission][0]}. "
            "An administrator gives it with a role."
        )


Caller = Service | Person
