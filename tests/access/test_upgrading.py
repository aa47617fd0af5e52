"""What migrations make of a database of the version before, and of a new one."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system import ROOT

Manage = Callable[..., str]

_SHOW_ROLES = """
import json
from django.contrib.auth.models import Group, Permission
names = {
    group.name: sorted(group.permissions.values_list("codename", flat=True))
    for group in Group.objects.all()
}
print(json.dumps([names, list(Permission.objects.values_list("content_type_id", "codename"))]))
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "test.sqlite3"


@pytest.fixture
def manage(database: Path) -> Manage:
    """Runs ``manage.py`` on a database of its own; what it wrote to standard output."""
    environment = {**os.environ, "DJANGO_DEBUG": "1", "DATABASE_URL": f"sqlite:///{database}"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_tokens_that_there_are_stay_and_may_do_everything(manage: Manage, database: Path) -> None:
    manage("migrate", "auth", "--verbosity", "0")
    manage("migrate", "access", "0001", "--verbosity", "0")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, "
            "first_name, last_name, email, date_joined) "
            "VALUES ('service.web', '!', 0, 0, 1, '', '', '', '2026-01-01')"
        )
        connection.execute(
            "INSERT INTO access_servicetoken (user_id, name, digest, prefix, created_at) "
            "VALUES (1, 'production', ?, 'aft_12345678', '2026-01-01')",
            [hashlib.sha256(b"aft_12345678secret").hexdigest()],
        )
    connection.close()
    manage("migrate", "--verbosity", "0")
    listed = manage("list_service_tokens").splitlines()[1]
    assert " ".join(listed.split()) == (
        "aft_12345678 web good report, read, write, delete never never production"
    )


def test_a_new_database_has_the_roles_with_the_permissions_that_there_are(manage: Manage) -> None:
    manage("migrate", "--verbosity", "0")
    roles, permissions = json.loads(manage("shell", "--no-imports", "-c", _SHOW_ROLES))
    assert set(roles) == {"Viewer", "Triager", "Admin"}
    assert roles["Viewer"] == ["view_issue", "view_run"]
    assert set(roles["Triager"]) == {"view_issue", "view_run", "change_issue", "change_run"}
    assert "delete_issue" in roles["Admin"]
    assert len(permissions) == len({tuple(permission) for permission in permissions})


def test_what_an_administrator_took_from_a_role_stays_taken(manage: Manage, database: Path) -> None:
    manage("migrate", "--verbosity", "0")
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM auth_group_permissions")
    connection.close()
    manage("migrate", "--verbosity", "0")
    roles, _ = json.loads(manage("shell", "--no-imports", "-c", _SHOW_ROLES))
    assert roles["Admin"] == []
