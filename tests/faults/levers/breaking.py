"""Breaks a process at an exact place while a file says so."""

import os
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from issuetracker import working
from issuetracker.api import views
from kafka_worker.subscription import Subscription

#: While this file is there, a consumer dies between the store's write and its commit.
DIE_BEFORE_COMMIT = "die-before-commit"
#: The seconds in this file are added to the API's clock.
CLOCK = "clock"


def install(folder: Path) -> None:
    """Look at the files in ``folder`` from now on."""
    _die_before_commit(folder / DIE_BEFORE_COMMIT)
    _shift_clock(folder / CLOCK)


def _die_before_commit(switch: Path) -> None:
    commit = Subscription.commit

    def dying(self: Subscription, offsets: Mapping[int, int], *rest: object) -> None:
        if switch.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, offsets, *rest)  # type: ignore[arg-type]

    Subscription.commit = dying  # type: ignore[method-assign, assignment]


def _shift_clock(file: Path) -> None:
    class ShiftedClock:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            shift = float(file.read_text()) if file.exists() else 0.0
            return datetime.now(zone) + timedelta(seconds=shift)

    for module in (views, working):
        module.datetime = ShiftedClock  # type: ignore[attr-defined]
