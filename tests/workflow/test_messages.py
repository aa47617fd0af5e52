import pytest

from kafka_worker.exceptions import Reject
from workflow.messages import StartWorkflow, decode, encode

RUN_ID = "6f1c0f3e-53a7-4b39-8f0e-3b1f0c1d2e3f"


def test_a_message_travels_as_plain_json() -> None:
    message = StartWorkflow(workflow="nightly-report", run_id=RUN_ID, payload={"day": 1})
    value = encode(message)
    assert value == (
        b'{"workflow":"nightly-report","run_id":"' + RUN_ID.encode() + b'","payload":{"day":1}}'
    )
    assert decode(value) == message


def test_a_field_of_a_later_version_is_borne() -> None:
    value = f'{{"workflow": "x", "run_id": "{RUN_ID}", "priority": 3}}'.encode()
    assert decode(value) == StartWorkflow(workflow="x", run_id=RUN_ID)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"", "truncated"),
        (b"not json", "malformed"),
        (b"\xff\xfe", "malformed|invalid"),
        (b"[]", "Expected `object`"),
        (b"{}", "workflow"),
        (b'{"workflow": "x"}', "run_id"),
        (b'{"workflow": "x", "run_id": "7"}', r"\$\.run_id"),
        (f'{{"workflow": "x", "run_id": "{RUN_ID.upper()}"}}'.encode(), r"\$\.run_id"),
        (f'{{"workflow": "", "run_id": "{RUN_ID}"}}'.encode(), r"\$\.workflow"),
        (f'{{"workflow": "a b", "run_id": "{RUN_ID}"}}'.encode(), r"\$\.workflow"),
        (f'{{"workflow": 1, "run_id": "{RUN_ID}"}}'.encode(), r"\$\.workflow"),
        (f'{{"workflow": "x", "run_id": "{RUN_ID}", "payload": []}}'.encode(), r"\$\.payload"),
        (b'{"workflow": "x", "payload": ' + b"[" * 100_000, "depth|recursion|truncated|object"),
        (b'{"workflow": "x", "extra": ' + b"[" * 100_000, "depth|recursion|truncated"),
    ],
)
def test_a_malformed_message_is_rejected_with_what_is_wrong(
    value: bytes | None, reason: str
) -> None:
    with pytest.raises(Reject) as rejected:
        decode(value)
    assert rejected.value.reason == "malformed"
    assert rejected.match(f"(?i){reason}")
