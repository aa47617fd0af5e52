"""The message that starts a workflow run, defined once."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kafka_worker.exceptions import Reject

TOPIC = "alphafusion.workflows"
GROUP = "workflow-consumer"

#: What workflows and steps may be called.
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$(?!\n)"
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$(?!\n)"


class StartWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """Starts a run, or goes on with it: however often it is delivered, there is one run.

    Attributes:
        workflow: name of a registered workflow.
        run_id: a canonical lower-case UUID, made once per run; the message's key.
        payload: what the workflow's steps are given.
    """

    workflow: Annotated[str, Meta(pattern=NAME_PATTERN)]
    run_id: Annotated[str, Meta(pattern=_UUID)]
    payload: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(StartWorkflow)


def encode(message: StartWorkflow) -> bytes:
    """The message as it travels."""
    return msgspec.json.encode(message)


def decode(value: bytes | None) -> StartWorkflow:
    """The message that a Kafka record's value holds.

    Raises:
        Reject: it holds none; the error says which field is wrong.
    """
    if value is None:
        raise Reject("malformed", "the record has no value")
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Reject("malformed", str(error)) from error
