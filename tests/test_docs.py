"""What the documents list is what there is."""

import re
from pathlib import Path

from django.core.management import get_commands
from django.urls import URLPattern, get_resolver

ROOT = Path(__file__).resolve().parent.parent
OWN_APPS = {"kafka_worker", "workflow", "issuetracker", "issuetracker.access"}


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z_]+)[^|]*` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    own = {name for name, app in get_commands().items() if app in OWN_APPS}
    assert set(listed) == own


def test_the_readme_names_every_address_of_the_api() -> None:
    text = (ROOT / "README.md").read_text()
    for pattern in get_resolver("issuetracker.api.urls").url_patterns:
        assert isinstance(pattern, URLPattern)
        last = str(pattern.pattern).rstrip("/").rpartition("/")[2]
        # "issues/<id>" ends in its parameter.
        assert ("{id}" if last.startswith("<") else last) in text, pattern


def test_the_architecture_names_every_folder_of_code() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {f for f in folders if f"`{f}/`" not in text} == set()


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    inside = text.split("Inside `issuetracker/`:")[1].split("\n\n")[1]
    for name in re.findall(r"`([a-z_/]+(?:\.py|/))`", inside):
        assert any((ROOT / "issuetracker" / folder / name).exists() for folder in ("", "providers"))
