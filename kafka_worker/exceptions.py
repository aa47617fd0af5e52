"""What can go wrong in a worker.

::

    WorkerError
    ├── Reject               raised by a handler: this message can never succeed
    ├── Unavailable          raised by a handler: a part outside is down, keep the messages
    ├── ConfigurationError   a setting, a topic or a handler is wrong; a person has to act
    │   └── HandlerNotFound  no handler is registered under the name
    ├── FatalKafkaError      the Kafka client can not go on in this process
    ├── TimeLimitExceeded    one call of a handler took longer than its time limit
    └── Interrupted          the worker ended before the handler had finished

The last three end the process with a status other than 0. Nothing was committed for the messages
that were under way, so they are delivered again.
"""

from datetime import timedelta
from typing import ClassVar


class WorkerError(Exception):
    """The root of everything that this package raises."""


class Reject(WorkerError):
    """Raised by a message handler: the message goes to the dead-letter topic, without a retry.

    Args:
        reason: why, in a few words that do not differ from message to message.
        error: the particulars, such as the wrong field.
    """

    def __init__(self, reason: str, error: str = "") -> None:
        super().__init__(reason, error)
        self.reason = reason
        self.error = error

    def __str__(self) -> str:
        return f"{self.reason}: {self.error}" if self.error else self.reason


class Unavailable(WorkerError):
    """Raised by a handler: a part outside is down; the messages are kept and tried again.

    Args:
        what: the part, by a name that a person who reads the log knows.
        retry_after: the least time to wait before the next attempt, if the part has said so.

    Attributes:
        is_outage: whether a part is down, which readiness and metrics then say. False in a
            subclass for what only has to wait for its time.
    """

    is_outage: ClassVar[bool] = True

    def __init__(self, what: str, retry_after: timedelta | None = None) -> None:
        super().__init__(what, retry_after)
        self.what = what
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.what} is unavailable"


class ConfigurationError(WorkerError):
    """A setting, a topic or a handler is wrong; the message says what to change."""


class HandlerNotFound(ConfigurationError):
    """No handler is registered under the name; the message lists those that are."""


class FatalKafkaError(WorkerError):
    """The Kafka client can not go on in this process, for example because it was fenced."""


class TimeLimitExceeded(WorkerError):
    """One call of a handler took longer than the handler's time limit."""


class Interrupted(WorkerError):
    """The worker ended before the handler had finished with the messages it held."""
