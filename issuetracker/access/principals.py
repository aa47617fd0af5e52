"""Who calls: a service, or a person who is logged in to the admin site."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from issuetracker.access.services import service_name, service_users

#: The component of a caller without a token that names none.
UNKNOWN_COMPONENT = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that calls the API.

    Attributes:
        name: of its service user; None without a token: then the component's.
    """

    name: str | None = None

    is_authenticated = True
    is_active = True
    pk = None

    def actor(self, component: str = UNKNOWN_COMPONENT) -> str:
        """The name under which it reports for ``component``; makes sure of the service user."""
        return self.name or service_users.ensure(component)

    def get_username(self) -> str:
        """The name of its user, as Django's users have it."""
        return self.name or service_name(UNKNOWN_COMPONENT)

    def has_perm(self, _permission: str) -> bool:
        """Services may report, comment, update and read."""
        return True


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

    def get_username(self) -> str:
        """The user name."""
        return self.user.get_username()

    def has_perm(self, permission: str) -> bool:
        """Whether Django gave the user the permission."""
        return bool(self.user.has_perm(permission))  # type: ignore[attr-defined]


Caller = Service | Person
