"""What an app writes: a handler of one message at a time, or of batches.

A handler says which topic it reads in which consumer group, and what to do. The worker calls
``setup``, then ``handle`` again and again in one thread of its own, then ``close``. Delivery is at
least once: a message may come again after a crash or a rebalance, and a handler has to bear that.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from kafka_worker.messages import Message
from kafka_worker.policies import BatchPolicy, RetryPolicy


@dataclass(frozen=True, slots=True)
class Part:
    """A part outside that a handler needs, such as a database.

    Attributes:
        name: what people call it.
        ask: returns if the part answers, raises whatever it likes if not. It runs in a thread of
            its own, at the same time as ``handle``.
        required: whether the handler can do nothing without it.
    """

    name: str
    ask: Callable[[], object]
    required: bool = True


class Handler:
    """What both kinds of handler have in common; derive from one of the two below.

    Attributes:
        name: the name under which ``manage.py run_worker NAME`` finds it.
        topic: the topic it reads.
        group: the consumer group in which several workers share the topic's partitions.
        retry: how failures are tried again.
        time_limit: the longest that one call of ``handle`` may take. Past it the process ends and
            the messages are delivered again, because a thread can not be stopped from outside.
    """

    name: ClassVar[str] = ""
    topic: ClassVar[str] = ""
    group: ClassVar[str] = ""
    retry: RetryPolicy = RetryPolicy()
    time_limit: timedelta = timedelta(minutes=5)

    def setup(self) -> None:
        """Prepare, once, before anything is consumed.

        Raises:
            ConfigurationError: the handler could never do its work; the worker does not start.
        """

    def parts(self) -> Sequence[Part]:
        """The parts outside that it needs; they are asked when somebody wants to know.

        Called once, before ``setup``.
        """
        return ()

    def close(self) -> None:
        """Let go of what ``setup`` or ``handle`` has opened; called once, at the end."""


class MessageHandler(Handler, ABC):
    """Handles one message at a time, in the order of each partition."""

    @abstractmethod
    def handle(self, message: Message) -> None:
        """Handle one message; when this returns, the message counts as done.

        Raises:
            Reject: the message can never succeed; it goes to the dead-letter topic.
            Unavailable: a part outside is down; the same message comes again, without a limit.
            Exception: anything else is a failure; it is tried again as ``retry`` says, and then
                goes to the dead-letter topic with the error.
        """


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message of a batch that can never succeed.

    Attributes:
        message: the message, as it was in the batch.
        reason: why, in a few words that do not differ from message to message.
        error: the particulars.
    """

    message: Message
    reason: str
    error: str = ""


class BatchHandler(Handler, ABC):
    """Handles many messages in one call, for stores that like few large writes.

    Attributes:
        batch: how large batches are and how often they come.
    """

    batch: BatchPolicy = BatchPolicy()

    @abstractmethod
    def handle(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        """Handle a batch; when this returns, every message counts as done.

        Args:
            batch: at least one message; those of one partition are in order.

        Returns:
            Those that can never succeed; they go to the dead-letter topic. If the process ends
            before they are there, the batch comes again, and they have to be returned again.

        Raises:
            Unavailable: a part outside is down; the whole batch is kept and comes again, without
                the messages of partitions which another worker has taken over meanwhile.
            Exception: anything else is a failure; the batch is tried again as ``retry`` says, then
                halved, and halved again, until the one message that fails is found. That one goes
                to the dead-letter topic with the error.
        """
