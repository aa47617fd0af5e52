"""What is installed when Django starts."""

import os
from pathlib import Path

from django.apps import AppConfig


class LeversConfig(AppConfig):
    """Reads the two variables once, at start."""

    name = "tests.faults.levers"
    label = "fault_levers"

    def ready(self) -> None:
        """Install what the variables name."""
        # They import models, which are there only now.
        from tests.faults.levers import breaking, leaving_out  # noqa: PLC0415

        breaking.install(Path(os.environ["FAULTS_FOLDER"]))
        without = os.environ.get("FAULTS_WITHOUT")
        if without:
            leaving_out.MECHANISMS[without]()
