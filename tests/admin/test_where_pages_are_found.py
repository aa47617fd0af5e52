"""The admin's pages are found where addresses are needed, and in no other process."""

import os
import subprocess
import sys

from django.core.checks import Tags, run_checks
from django.urls import reverse

from tests.system import ROOT


def test_the_pages_are_found_and_pass_djangos_checks() -> None:
    assert reverse("admin:issuetracker_issue_changelist") == "/admin/issuetracker/issue/"
    assert run_checks(tags=[Tags.admin]) == []


def test_a_consumer_imports_none_of_them() -> None:
    code = (
        "import sys, django; django.setup(); import issuetracker.consumer, workflow.processor;"
        "from django.core.checks import run_checks; from kafka_worker.command import WorkerCommand;"
        "run_checks(tags=WorkerCommand.requires_system_checks);"
        "own = ('issuetracker.', 'kafka_worker.', 'workflow.');"
        "print([n for n in sys.modules if n.startswith(own) and '.admin' in n])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings.testing"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
