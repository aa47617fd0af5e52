"""Messages that tests start runs with."""

import uuid
from typing import Any

from workflow.messages import StartWorkflow


def start(workflow: str, run_id: uuid.UUID | None = None, **payload: Any) -> StartWorkflow:
    """A message that starts a run; of a new id unless one is given."""
    return StartWorkflow(workflow=workflow, run_id=str(run_id or uuid.uuid4()), payload=payload)
