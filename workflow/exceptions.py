"""Everything the workflow app raises, in one tree.

::

    WorkflowError
    ├── InvalidWorkflow     a workflow is registered wrongly; raised when its module is imported
    ├── UnknownWorkflow     no installed app registers a workflow of this name
    ├── InvalidStart        this run cannot be started, or started again, as it was asked
    ├── NotPublished        the broker did not acknowledge the message that starts a run
    ├── UnusableValue       a payload or a step's result that cannot be kept as JSON
    └── StepInterrupted     the process ended during a step more often than is allowed

And what tells the worker to keep the message and to come back later::

    kafka_worker.exceptions.Unavailable
    └── NotNow
        ├── RunBusy         another process works on the run
        ├── RetryDue        a step failed and is tried again later
        └── LeaseLost       another process has taken the run over
"""

from datetime import timedelta

from kafka_worker.exceptions import Unavailable


class WorkflowError(Exception):
    """Whatever goes wrong in this app."""


class InvalidWorkflow(WorkflowError):
    """A workflow is registered wrongly: a name taken twice, no steps, an async step."""


class UnknownWorkflow(WorkflowError):
    """No installed app registers a workflow of this name."""


class InvalidStart(WorkflowError):
    """This run cannot be started, or started again, as it was asked."""


class NotPublished(WorkflowError):
    """The broker did not acknowledge the message; it may have it or not. Sending again is safe."""


class UnusableValue(WorkflowError):
    """A payload or a step's result that cannot be kept as JSON."""


class StepInterrupted(WorkflowError):
    """The process ended during a step more often than its retry policy allows."""


class NotNow(Unavailable):
    """The run cannot go on right now.

    Args:
        reason: why, for the log.
        retry_after: when to come back.
    """

    is_outage = False

    def __init__(self, reason: str, retry_after: timedelta) -> None:
        super().__init__(reason, retry_after)
        self.wait = retry_after

    def __str__(self) -> str:
        return self.what


class RunBusy(NotNow):
    """Another process works on the run, or did until it was killed and its lease has yet to end."""


class RetryDue(NotNow):
    """A step failed; its next attempt comes after ``retry_after``."""


class LeaseLost(NotNow):
    """Another process took the run over; what this one found out about it no longer counts."""
