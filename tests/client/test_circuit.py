"""When the tracker is away, only the first few calls wait for it."""

import time

import pytest

from issuetracker.client.circuit import Circuit
from tests.client.conftest import MakeClient
from tests.client.servers import Reply, Tracker, conversing, free_port, running_tracker, silent


def test_the_hundredth_exception_does_not_wait(make_client: MakeClient) -> None:
    with conversing(silent) as url:
        client = make_client(url, timeout=0.2)
        started = time.monotonic()
        assert [client.log_issue("x") for _ in range(100)] == [None] * 100
        assert 0.55 < time.monotonic() - started < 1.5
    assert client.failed == 100


def test_after_the_cool_down_one_call_tries_and_its_success_closes_the_circuit(
    make_client: MakeClient,
) -> None:
    port = free_port()
    client = make_client(f"http://127.0.0.1:{port}", cool_down=0.3)
    for _ in range(3):
        client.log_issue("x")
    with running_tracker(port) as tracker:
        assert client.log_issue("too early") is None
        time.sleep(0.35)
        assert client.log_issue("probe") is not None
        assert client.log_issue("after it") is not None
        assert [issue["title"] for issue in tracker.issues] == ["probe", "after it"]


def test_a_state_is_logged_once_when_it_changes(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "issuetracker.client.circuit")
    port = free_port()
    client = make_client(f"http://127.0.0.1:{port}", cool_down=0.05)
    for _ in range(10):
        client.log_issue("x")
        time.sleep(0.01)
    with running_tracker(port):
        time.sleep(0.06)
        client.log_issue("x")
        client.log_issue("x")
    said = [record.message for record in caplog.records if record.name.endswith("circuit")]
    assert len(said) == 2
    assert said[0].startswith("The issue tracker does not take reports (ConnectionRefusedError")
    assert said[1] == "The issue tracker answers again"


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_asked_to_wait_waits(tracker: Tracker, make_client: MakeClient, status: int) -> None:
    tracker.replies = [Reply(status, headers={"Retry-After": "1"})]
    client = make_client(tracker.url)
    started = time.monotonic()
    assert client.log_issue("x") is None
    assert client.log_issue("x") is None
    assert len(tracker.received) == 1
    time.sleep(max(0.0, started + 1.1 - time.monotonic()))
    assert client.log_issue("x") is not None


@pytest.mark.parametrize("asked", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "1e9", "٣"])
def test_a_wait_that_is_no_number_of_seconds_is_not_understood(
    tracker: Tracker, make_client: MakeClient, asked: str
) -> None:
    tracker.replies = [Reply(503, headers={"Retry-After": asked.encode().decode("latin-1")})]
    client = make_client(tracker.url)
    assert client.log_issue("x") is None
    assert client.log_issue("x") is not None


def test_a_refused_report_does_not_open_the_circuit(
    tracker: Tracker, make_client: MakeClient
) -> None:
    tracker.replies = [Reply(400)] * 5
    client = make_client(tracker.url)
    for _ in range(5):
        client.log_issue("x")
    assert client.log_issue("x") is not None


def test_failures_count_only_in_a_row() -> None:
    circuit = Circuit(threshold=2)
    for _ in range(3):
        circuit.note_failure("away")
        circuit.note_answer()
    assert not circuit.is_open


def test_one_probe_is_let_through_in_each_cool_down() -> None:
    circuit = Circuit(threshold=1, cool_down=0.1)
    circuit.note_failure("away")
    assert [circuit.allows_call() for _ in range(3)] == [False] * 3
    time.sleep(0.11)
    assert [circuit.allows_call() for _ in range(3)] == [True, False, False]
