"""What people may do: three of Django's own groups, each with what the one before it has.

A migration makes them once. What an administrator changes about them afterwards stays.
"""

from typing import Any

from django.apps import apps as installed

VIEWER, TRIAGER, ADMIN = "Viewer", "Triager", "Admin"

_VIEWER = ("issuetracker.view_issue", "workflow.view_run")
_TRIAGER = (*_VIEWER, "issuetracker.change_issue", "workflow.change_run")
_ADMIN = (
    *_TRIAGER,
    "issuetracker.delete_issue",
    "access.view_servicetoken",
    "access.add_servicetoken",
    "access.change_servicetoken",
    "access.view_auditentry",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
    "auth.delete_user",
    "auth.view_group",
)
#: The Django permissions of each role.
ROLES: dict[str, tuple[str, ...]] = {VIEWER: _VIEWER, TRIAGER: _TRIAGER, ADMIN: _ADMIN}


def make_roles(apps: Any, using: str) -> None:  # noqa: ANN401 - a migration's registry has no type
    """Make the groups where they are missing, and give them their permissions.

    Args:
        apps: Django's registry of apps, or a migration's.
        using: the database.
    """
    groups = apps.get_model("auth", "Group").objects.using(using)
    for name, permissions in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(
            *(_permission(apps, using, label) for label in permissions if _is_installed(label))
        )


def _is_installed(label: str) -> bool:
    return label.partition(".")[0] in installed.app_configs


def _permission(apps: Any, using: str, label: str) -> Any:  # noqa: ANN401 - as above
    """The permission; Django itself makes them only after the last migration."""
    app, _, codename = label.partition(".")
    action, _, model = codename.partition("_")
    kinds = apps.get_model("contenttypes", "ContentType").objects.using(using)
    kind, _ = kinds.get_or_create(app_label=app, model=model)
    name = installed.get_model(app, model)._meta.verbose_name  # noqa: SLF001 - Django's public API
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(using)
        .get_or_create(
            content_type=kind, codename=codename, defaults={"name": f"Can {action} {name}"}
        )
    )
    return permission
