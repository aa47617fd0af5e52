"""Workflows that leave traces in files, so that another process can see how far they are."""

import os
import time
from pathlib import Path

from workflow.registry import RetryPolicy, RunContext, step, workflow


def _note(context: RunContext) -> list[str]:
    journal = Path(os.environ["SAMPLE_FOLDER"]) / str(context.run_id)
    with journal.open("a") as file:
        file.write(f"{context.step}\n")
    return journal.read_text().split()


@workflow("sample-slow", retry=RetryPolicy(max_attempts=1))
class Slow:
    """Its second step hangs the first time it is run, and not the second time."""

    @step
    def first(self, context: RunContext) -> int:
        """Finishes."""
        _note(context)
        return 41

    @step
    def second(self, context: RunContext) -> int:
        """Hangs once."""
        if _note(context).count("second") == 1:
            time.sleep(300)
        return int(context.results["first"]) + 1


@workflow("sample-failing", retry=RetryPolicy(max_attempts=1))
def failing(context: RunContext) -> None:
    """Fails each time, with another text."""
    _note(context)
    raise RuntimeError(f"no luck in {context.run_id}")
