"""Users and roles in the admin site.

As Django has them, but for two things: what changes in somebody's roles is in the audit log, and
who is no superuser can neither make one nor get hold of one's account.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import admin as django_admin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from issuetracker.access import audit

if TYPE_CHECKING:
    _UserForm = ModelForm[User]
    _GroupForm = ModelForm[Group]
    _FormSets = list[BaseModelFormSet[Any, Any]]
    _UserAdmin = django_admin.UserAdmin[User]
else:
    # Django's forms take no parameters when the program runs.
    _UserForm = _GroupForm = ModelForm
    _FormSets = list
    _UserAdmin = django_admin.UserAdmin

_FOR_SUPERUSERS = ("is_superuser", "user_permissions")


class UserAdmin(_UserAdmin):
    """People and service users."""

    list_display = ("username", "roles", "is_staff", "is_active", "last_login")
    list_filter = ("groups", "is_staff", "is_superuser", "is_active")

    def roles(self, user: User) -> str:
        """The groups, and whether they matter."""
        names = sorted(group.name for group in user.groups.all())
        return ", ".join([*names, *(["superuser"] if user.is_superuser else [])]) or "-"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the groups, which the list shows."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """What only a superuser sets."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if _is_superuser(request) else (*fields, *_FOR_SUPERUSERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's account, its password included, is for superusers."""
        return super().has_change_permission(request, obj) and _is_within(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The same."""
        return super().has_delete_permission(request, obj) and _is_within(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: _UserForm, change: bool) -> None:
        """Remember the roles there were, for when the new ones are saved."""
        before = roles_of(User.objects.get(pk=obj.pk)) if change else ""
        request.roles_before = before  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(
        self,
        request: HttpRequest,
        form: _UserForm,
        formsets: _FormSets,
        change: bool,
    ) -> None:
        """Write what has changed to the audit log."""
        super().save_related(request, form, formsets, change)
        user = form.instance
        before = request.roles_before  # type: ignore[attr-defined]
        _note(request, f"user {user.get_username()}", before, roles_of(user))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Write the roles that go with the user to the audit log."""
        before = roles_of(obj)
        super().delete_model(request, obj)
        _note(request, f"user {obj.get_username()}", before, "deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """The same for each of several."""
        gone = [(user.get_username(), roles_of(user)) for user in queryset]
        super().delete_queryset(request, queryset)
        for name, before in gone:
            _note(request, f"user {name}", before, "deleted")


class RoleAdmin(django_admin.GroupAdmin):
    """The groups: what each role may do."""

    def save_model(self, request: HttpRequest, obj: Group, form: _GroupForm, change: bool) -> None:
        """Remember the permissions there were."""
        request.roles_before = _permissions_of(obj) if change else ""  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(
        self,
        request: HttpRequest,
        form: _GroupForm,
        formsets: _FormSets,
        change: bool,
    ) -> None:
        """Write what has changed to the audit log."""
        super().save_related(request, form, formsets, change)
        before = request.roles_before  # type: ignore[attr-defined]
        _note(request, f"role {form.instance}", before, _permissions_of(form.instance))

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        """Write the permissions that go with the role to the audit log."""
        before = _permissions_of(obj)
        super().delete_model(request, obj)
        _note(request, f"role {obj}", before, "deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        """The same for each of several."""
        gone = [(str(group), _permissions_of(group)) for group in queryset]
        super().delete_queryset(request, queryset)
        for name, before in gone:
            _note(request, f"role {name}", before, "deleted")


def roles_of(user: User) -> str:
    """What decides what ``user`` may do, in one line: ``Triager, superuser``."""
    flags = {
        "superuser": user.is_superuser,
        "not staff": not user.is_staff,
        "switched off": not user.is_active,
    }
    names = sorted(group.name for group in user.groups.all())
    own = sorted(permission.codename for permission in user.user_permissions.all())
    return ", ".join([*names, *own, *(flag for flag, holds in flags.items() if holds)])


def _permissions_of(group: Group) -> str:
    return ", ".join(sorted(group.permissions.values_list("codename", flat=True)))


def _note(request: HttpRequest, subject: str, before: str, after: str) -> None:
    if before != after:
        detail = f"{after or 'nothing'} (before: {before or 'nothing'})"
        audit.record_request(request, audit.Action.ROLES_CHANGED, subject, detail)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _is_within(request: HttpRequest, user: User | None) -> bool:
    return _is_superuser(request) or user is None or not user.is_superuser
