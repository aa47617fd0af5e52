"""What an installed package brings."""

import tomllib
from importlib import import_module

from issuetracker.cli import main
from tests.system import ROOT


def test_the_package_s_script_is_the_command() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["issuetracker"].partition(":")
    assert getattr(import_module(module), name) is main
