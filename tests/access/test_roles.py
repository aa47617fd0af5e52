"""What viewers, triagers and administrators may see and do, in the admin site and over the API."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from issuetracker.access.models import AuditEntry
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token
from issuetracker.providers import get_store
from tests.access.conftest import somebody
from tests.admin.conftest import Tracker
from workflow.models import Run

pytestmark = pytest.mark.usefixtures("roles")

ROLES = ("", "Viewer", "Triager", "Admin")
#: Who may open each page: from this role on.
PAGES = {
    "/admin/issuetracker/issue/": "Viewer",
    "/admin/issuetracker/issue/news/?after=2026-01-01T00:00:00Z": "Viewer",
    "/admin/issuetracker/issue/{issue}/": "Viewer",
    "/admin/issuetracker/issue/{issue}/delete/": "Admin",
    "/admin/workflow/run/": "Viewer",
    "/admin/workflow/run/{run}/change/": "Viewer",
    "/admin/workflow/run/{run}/history/": "Viewer",
    "/admin/access/servicetoken/": "Admin",
    "/admin/access/servicetoken/add/": "Admin",
    "/admin/access/servicetoken/{token}/": "Admin",
    "/admin/access/servicetoken/{token}/revoke/": "Admin",
    "/admin/access/auditentry/": "Admin",
    "/admin/auth/user/": "Admin",
    "/admin/auth/user/add/": "Admin",
    "/admin/auth/user/{user}/change/": "Admin",
    "/admin/auth/user/{user}/password/": "Admin",
    "/admin/auth/user/{user}/delete/": "Admin",
    "/admin/auth/group/": "Admin",
    "/api/v1/issues": "Viewer",
    "/api/v1/issues/{issue}": "Viewer",
    "/api/v1/issues/{issue}/comments": "Viewer",
    "/api/v1/issues/{issue}/occurrences": "Viewer",
    "/api/v1/issues/{issue}/history": "Viewer",
}


@pytest.fixture
def tracker(transactional_db: None) -> Tracker:
    return Tracker()


@pytest.fixture
def addresses(tracker: Tracker) -> dict[str, Any]:
    """What stands in the pages' addresses."""
    return {
        "issue": tracker.report("Broken"),
        "run": Run.objects.create(workflow="nightly-report", status="failed").pk,
        "token": create_token(make_service_user("web"))[0].pk,
        "user": User.objects.create_user("someone", is_staff=True).pk,
    }


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_from_its_role_on(role: str, page: str, addresses: dict[str, Any]) -> None:
    answer = somebody("ada", role).get(page.format(**addresses))
    may = ROLES.index(role) >= ROLES.index(PAGES[page])
    assert answer.status_code == (200 if may else 403)


def _comment(client: Client, issue: str) -> Any:
    form = {"body": "Seen", "event_id": str(uuid.uuid4())}
    return client.post(f"/admin/issuetracker/issue/{issue}/comment/", form)


def _resolve(client: Client, issue: str) -> Any:
    form = {"status": "resolved", "event_id": str(uuid.uuid4())}
    return client.post(f"/admin/issuetracker/issue/{issue}/update/", form)


def _delete(client: Client, issue: str) -> Any:
    form = {"event_id": str(uuid.uuid4())}
    return client.post(f"/admin/issuetracker/issue/{issue}/delete/", form)


def _delete_by_update(client: Client, issue: str) -> Any:
    form = {"status": "deleted", "event_id": str(uuid.uuid4())}
    return client.post(f"/admin/issuetracker/issue/{issue}/update/", form)


def _delete_by_update_with_a_space(client: Client, issue: str) -> Any:
    form = {"status": " deleted", "event_id": str(uuid.uuid4())}
    return client.post(f"/admin/issuetracker/issue/{issue}/update/", form)


def _api(client: Client, method: str, path: str, body: str) -> Any:
    return client.generic(method, f"/api/v1/issues{path}", body, content_type="application/json")


def _api_report(client: Client, _issue: str) -> Any:
    return _api(client, "POST", "", '{"title": "By hand"}')


def _api_comment(client: Client, issue: str) -> Any:
    return _api(client, "POST", f"/{issue}/comments", '{"body": "Seen"}')


def _api_assign(client: Client, issue: str) -> Any:
    return _api(client, "PATCH", f"/{issue}", '{"assignee": "ada"}')


def _api_delete_many(client: Client, issue: str) -> Any:
    return _api(client, "PATCH", "", f'{{"ids": ["{issue}"], "status": "deleted"}}')


def _api_delete(client: Client, issue: str) -> Any:
    return _api(client, "PATCH", f"/{issue}", '{"status": "deleted"}')


CHANGES: dict[Callable[[Client, str], Any], str] = {
    _comment: "Triager",
    _resolve: "Triager",
    _delete: "Admin",
    _delete_by_update: "Admin",
    _delete_by_update_with_a_space: "Admin",
    _api_report: "Triager",
    _api_comment: "Triager",
    _api_assign: "Triager",
    _api_delete: "Admin",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ROLES)
def test_a_change_is_made_from_its_role_on(
    role: str, change: Callable[[Client, str], Any], addresses: dict[str, Any]
) -> None:
    issue_id = addresses["issue"]
    before = get_store().get(issue_id)
    answer = change(somebody("ada", role), issue_id)
    may = ROLES.index(role) >= ROLES.index(CHANGES[change])
    assert (answer.status_code in {200, 201, 302}) == may, answer.content
    if not may:
        assert answer.status_code == 403
        assert get_store().get(issue_id) == before
    deleted = AuditEntry.objects.filter(action="issue_deleted", actor="ada")
    assert deleted.count() == int(may and "delete" in change.__name__)


@pytest.mark.parametrize(("role", "status"), [("Triager", 403), ("Admin", 202)])
def test_deleting_many_at_once_needs_the_permission_and_is_noted_too(
    role: str, status: int, addresses: dict[str, Any]
) -> None:
    answer = _api_delete_many(somebody("ada", role), addresses["issue"])
    assert answer.status_code == status
    deleted = AuditEntry.objects.filter(action="issue_deleted", actor="ada")
    assert deleted.count() == int(role == "Admin")


def test_the_api_names_the_permission_that_a_person_lacks(addresses: dict[str, Any]) -> None:
    answer = _api_delete(somebody("ada", "Triager"), addresses["issue"])
    assert answer["Content-Type"] == "application/problem+json"
    assert "lacks the permission issuetracker.delete_issue" in answer.json()["detail"]
    assert "WWW-Authenticate" not in answer


@pytest.mark.parametrize(("role", "there"), [("Triager", False), ("Admin", True)])
def test_the_issue_page_offers_deletion_to_who_may(
    role: str, there: bool, addresses: dict[str, Any]
) -> None:
    page = somebody("ada", role).get(f"/admin/issuetracker/issue/{addresses['issue']}/")
    assert (b"Delete\xe2\x80\xa6" in page.content) == there


def test_a_role_without_staff_status_opens_nothing(addresses: dict[str, Any]) -> None:
    client = somebody("ada", "Admin")
    User.objects.filter(username="ada").update(is_staff=False)
    assert client.get("/admin/issuetracker/issue/").status_code == 302
    assert client.get("/api/v1/issues").status_code == 401


def test_every_role_has_the_permissions_of_the_one_before(addresses: dict[str, Any]) -> None:
    found = [
        set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))
        for name in ROLES[1:]
    ]
    assert set() < found[0] < found[1] < found[2]


def test_the_roles_have_the_permissions_that_django_makes(addresses: dict[str, Any]) -> None:
    """A migration makes them first; Django must not make them a second time."""
    names = Permission.objects.values_list("content_type__app_label", "codename")
    assert len(set(names)) == len(names)


def _user_form(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "username": name,
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        **fields,
    }


def test_an_administrator_gives_a_role_and_the_audit_log_says_so(
    addresses: dict[str, Any],
) -> None:
    viewer, triager = (Group.objects.get(name=name) for name in ("Viewer", "Triager"))
    someone = User.objects.get(username="someone")
    someone.groups.add(viewer)
    answer = somebody("ada", "Admin").post(
        f"/admin/auth/user/{someone.pk}/change/",
        _user_form("someone", is_staff="on", groups=[triager.pk]),
    )
    assert answer.status_code == 302
    entry = AuditEntry.objects.get(action="roles_changed")
    assert (entry.actor, entry.subject) == ("ada", "user someone")
    assert entry.detail == "Triager (before: Viewer)"


def test_an_administrator_makes_no_superuser(addresses: dict[str, Any]) -> None:
    someone = User.objects.get(username="someone")
    answer = somebody("ada", "Admin").post(
        f"/admin/auth/user/{someone.pk}/change/",
        _user_form(
            "someone",
            is_staff="on",
            is_superuser="on",
            user_permissions=[Permission.objects.get(codename="delete_group").pk],
        ),
    )
    assert answer.status_code == 302
    someone.refresh_from_db()
    assert not someone.is_superuser
    assert not someone.user_permissions.exists()


@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_an_administrator_gets_hold_of_no_superuser(page: str, roles: None) -> None:
    root = User.objects.create_superuser("root", "", "secret")
    client = somebody("ada", "Admin")
    form = _user_form("root", password1="mine-now-12", password2="mine-now-12", post="yes")
    assert client.post(f"/admin/auth/user/{root.pk}/{page}/", form).status_code == 403
    root.refresh_from_db()
    assert root.check_password("secret")


def test_an_administrator_deletes_no_superuser_among_others(roles: None) -> None:
    root = User.objects.create_superuser("root", "", "secret")
    form = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    somebody("ada", "Admin").post("/admin/auth/user/", form)
    assert User.objects.filter(username="root").exists()


def test_new_and_deleted_users_and_changed_roles_are_in_the_audit_log(roles: None) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "", "secret"))
    client.post(
        "/admin/auth/user/add/",
        {
            "username": "new",
            "usable_password": "true",
            "password1": "a-long-1",
            "password2": "a-long-1",
        },
    )
    new = User.objects.get(username="new")
    client.post(f"/admin/auth/user/{new.pk}/delete/", {"post": "yes"})
    viewer = Group.objects.get(name="Viewer")
    client.post(f"/admin/auth/group/{viewer.pk}/change/", {"name": "Viewer", "permissions": []})
    found = AuditEntry.objects.filter(action="roles_changed").order_by("pk")
    assert [(entry.subject, entry.detail) for entry in found] == [
        ("user new", "not staff (before: nothing)"),
        ("user new", "deleted (before: not staff)"),
        ("role Viewer", "nothing (before: view_issue, view_run)"),
    ]
