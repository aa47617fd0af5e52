"""The environment is read once, typed, and refused with the variable's name."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from django.core.exceptions import ImproperlyConfigured
from msgspec import Meta

from settings.environment import Environment, read_environment

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DJANGO_SECRET_KEY": "k" * 60,
    "DJANGO_ALLOWED_HOSTS": "issues.example.com, tracker",
    "ISSUETRACKER_STORE": "database",
    "ISSUETRACKER_ACCESS": "token",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "REDIS_URL": "redis://redis:6379/0",
}


def test_development_needs_nothing() -> None:
    environment = read_environment({"DJANGO_DEBUG": "1"})
    assert (environment.port, environment.issuetracker_store) == (6001, "")


def test_an_empty_value_counts_as_not_set() -> None:
    assert read_environment({"DJANGO_DEBUG": "true", "PORT": ""}).port == 6001


def test_production_starts_with_everything_named() -> None:
    environment = read_environment(PRODUCTION)
    assert environment.allowed_hosts == ["issues.example.com", "tracker"]


@pytest.mark.parametrize("missing", PRODUCTION)
def test_production_refuses_to_start_without(missing: str) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name != missing}
    with pytest.raises(ImproperlyConfigured, match=missing):
        read_environment(given)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "six", "int"),
        ("PORT", "70000", "65535"),
        ("ISSUETRACKER_STORE", "mongo", "mongo"),
        ("ISSUETRACKER_ACCESS", "anyone", "anyone"),
        ("DJANGO_DEBUG", "maybe", "bool"),
        ("LOG_FORMAT", "xml", "xml"),
        ("KAFKA_PARTITIONS", "0", "1"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name}: .*{says}"):
        read_environment({"DJANGO_DEBUG": "1", name: value})


def test_the_readme_has_a_row_for_every_variable_with_its_default_and_meaning() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", _readme(), re.MULTILINE)
    assert rows == [_row(field) for field in Environment.__struct_fields__]


def _readme() -> str:
    return (ROOT / "README.md").read_text()


def _row(field: str) -> tuple[str, str, str]:
    hint: Any = get_type_hints(Environment, include_extras=True)[field]
    meta = next(part for part in get_args(hint)[1:] if isinstance(part, Meta))
    position = Environment.__struct_fields__.index(field)
    default = Environment.__struct_defaults__[position]
    shown = f"`{default}`" if default not in ("", False) else "–"  # noqa: RUF001 - as in the table
    return field.upper(), shown, str(meta.description)


def test_nothing_else_reads_the_environment_for_a_setting() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("issuetracker", "workflow", "kafka_worker", "settings")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    }
    assert readers <= {
        "settings/environment.py",
        "settings/wsgi.py",  # names the settings module
        "settings/testing.py",  # switches to development before the settings are read
        # The client works without these settings.
        "issuetracker/client/addresses.py",
        # What terminals are told by: NO_COLOR and TERM.
        "issuetracker/cli/terminal.py",
        # prometheus-client's own switch, which it reads by itself too.
        "settings/health.py",
    }


def test_the_deployment_check_is_clean_under_production_settings() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**PRODUCTION, "PATH": "/usr/bin:/bin", "DJANGO_SECRET_KEY": "aZ3$" * 15 + "qwertyu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
