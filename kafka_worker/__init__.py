"""A worker for Kafka topics in Django, in the manner of Celery.

An app puts a handler into its module ``handlers``::

    @register
    class Invoices(MessageHandler):
        name = "invoices"
        topic = "shop.orders"
        group = "invoicing"

        def handle(self, message: Message) -> None: ...

and ``manage.py run_worker invoices`` consumes the topic until it is stopped. There are two kinds
of handler, both at least once: ``MessageHandler`` handles one message at a time, ``BatchHandler``
many in one call. Either may raise ``Unavailable`` (a part outside is down: keep the messages and
try again) and say that a message can never succeed (``Reject``, ``Rejected``), which puts it into
the topic's dead-letter topic. README.md beside this file shows a whole handler.

This package knows Kafka and Django, and nothing of the apps that use it.
"""

from kafka_worker.exceptions import (
    ConfigurationError,
    HandlerNotFound,
    Reject,
    Unavailable,
    WorkerError,
)
from kafka_worker.handlers import BatchHandler, Handler, MessageHandler, Part, Rejected
from kafka_worker.messages import Message
from kafka_worker.policies import BatchPolicy, RetryPolicy
from kafka_worker.registry import register

__all__ = [
    "BatchHandler",
    "BatchPolicy",
    "ConfigurationError",
    "Handler",
    "HandlerNotFound",
    "Message",
    "MessageHandler",
    "Part",
    "Reject",
    "Rejected",
    "RetryPolicy",
    "Unavailable",
    "WorkerError",
    "register",
]
