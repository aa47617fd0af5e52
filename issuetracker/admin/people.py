"""Who can be given an issue."""

from django.contrib.auth import get_user_model

#: A longer list is no help to choose from; whoever is not in it is assigned on the issue's page.
_MOST = 200


def staff() -> list[str]:
    """The names of those who can log in to the admin site."""
    users = get_user_model()._default_manager.filter(is_active=True, is_staff=True)  # noqa: SLF001
    return list(users.order_by("username").values_list("username", flat=True)[:_MOST])


def assignable(username: str) -> list[str]:
    """The same, oneself first."""
    return [username, *(name for name in staff() if name != username)]
