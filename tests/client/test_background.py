"""Reports that are sent from a thread of their own."""

import threading
import time
import uuid

import pytest

from issuetracker.client import background
from issuetracker.messages import NewIssue, new_issue_id
from tests.client.conftest import MakeClient
from tests.client.servers import (
    Reply,
    Tracker,
    conversing,
    free_port,
    running_tracker,
    silent,
)


@pytest.fixture
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(background, "_LONGEST_PAUSE", 0.05)


def test_reporting_returns_at_once_with_the_id_that_the_issue_gets(
    tracker: Tracker, make_client: MakeClient
) -> None:
    client = make_client(tracker.url, background=True)
    plain = client.log_issue("plain", event_id=(event_id := str(uuid.uuid4())))
    merged = client.log_issue("merged", fingerprint="f", component="billing")
    assert client.flush(5)
    assert plain == f"temp-{new_issue_id(NewIssue('plain'), event_id)}"
    issue = NewIssue("merged", component="billing", fingerprint="f")
    assert merged == f"temp-{new_issue_id(issue, '')}"
    assert [issue["title"] for issue in tracker.issues] == ["plain", "merged"]
    assert (client.sent, client.failed, client.dropped) == (2, 0, 0)


def test_nobody_waits_for_a_tracker_that_hangs(make_client: MakeClient) -> None:
    with conversing(silent) as url:
        client = make_client(url, background=True)
        started = time.monotonic()
        assert all(client.log_issue("x") for _ in range(200))
        assert time.monotonic() - started < 1.0
        assert client.flush(0.1) is False
        assert time.monotonic() - started < 1.5


def test_comments_and_statuses_are_sent_in_their_turn(
    tracker: Tracker, make_client: MakeClient
) -> None:
    client = make_client(tracker.url, background=True)
    issue_id = client.log_issue("x") or ""
    assert client.add_comment(issue_id, "Looked at it.")
    assert client.update_issue_status(issue_id, "resolved")
    assert client.flush(5)
    assert [request.method for request in tracker.received] == ["POST", "POST", "PATCH"]


def test_the_thread_is_started_with_the_first_report_only(
    tracker: Tracker, make_client: MakeClient
) -> None:
    before = set(threading.enumerate())
    client = make_client(tracker.url, background=True)
    assert set(threading.enumerate()) == before
    client.log_issue("x")
    found = set(threading.enumerate()) - before
    assert "issuetracker-sender" in {thread.name for thread in found}


@pytest.mark.usefixtures("_quick_retries")
def test_what_waits_is_sent_when_the_tracker_is_back(make_client: MakeClient) -> None:
    port = free_port()
    client = make_client(f"http://127.0.0.1:{port}", background=True)
    answers = [client.log_issue(f"issue {number}") for number in range(20)]
    time.sleep(0.2)
    with running_tracker(port) as tracker:
        assert client.flush(5)
        titles = [issue["title"] for issue in tracker.issues]
    assert titles == [f"issue {number}" for number in range(20)]
    assert len(set(answers)) == 20
    assert (client.sent, client.failed, client.dropped) == (20, 0, 0)


@pytest.mark.usefixtures("_quick_retries")
def test_a_report_that_was_tried_again_keeps_its_event_id(
    tracker: Tracker, make_client: MakeClient
) -> None:
    tracker.replies = [Reply(503), Reply(500), Reply(429)]
    client = make_client(tracker.url, background=True)
    client.log_issue("x")
    assert client.flush(5)
    assert len(tracker.issues) == 4
    assert len({issue["event_id"] for issue in tracker.issues}) == 1
    assert (client.sent, client.failed) == (1, 0)


@pytest.mark.usefixtures("_quick_retries")
def test_the_tracker_is_left_alone_for_as_long_as_it_asks(
    tracker: Tracker, make_client: MakeClient
) -> None:
    tracker.replies = [Reply(503, headers={"Retry-After": "1"})]
    client = make_client(tracker.url, background=True)
    started = time.monotonic()
    client.log_issue("x")
    assert client.flush(0.5) is False
    assert len(tracker.received) == 1
    assert client.flush(5)
    assert time.monotonic() - started > 0.95


@pytest.mark.usefixtures("_quick_retries")
def test_a_refused_report_is_given_up_and_the_next_is_sent(
    tracker: Tracker, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    tracker.replies = [Reply(400)]
    client = make_client(tracker.url, background=True)
    client.log_issue("refused")
    client.log_issue("taken")
    assert client.flush(5)
    assert [issue["title"] for issue in tracker.issues] == ["refused", "taken"]
    assert (client.sent, client.failed) == (1, 1)
    assert "(HTTP status 400): refused" in caplog.text


@pytest.mark.usefixtures("_quick_retries")
def test_a_report_that_breaks_the_tracker_does_not_hold_the_others_for_ever(
    tracker: Tracker, make_client: MakeClient
) -> None:
    tracker.replies = [Reply(500)] * 5
    client = make_client(tracker.url, background=True)
    client.log_issue("poison")
    client.log_issue("fine")
    assert client.flush(10)
    assert [issue["title"] for issue in tracker.issues] == ["poison"] * 5 + ["fine"]
    assert (client.sent, client.failed) == (1, 1)


def test_a_full_queue_drops_counts_and_says_so_without_flooding_the_log(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with conversing(silent) as url:
        client = make_client(url, background=True, queue_size=10)
        answers = [client.log_issue(f"issue {number}") for number in range(500)]
        assert sum(answer is not None for answer in answers) == 10
        assert client.dropped == 490
        lines = [record.message for record in caplog.records]
        assert any("(the queue is full): issue 10" in line for line in lines)
        assert len(lines) < 30
        client.close(0)
    assert "480 more reports did not reach the issue tracker" in caplog.text
    assert client.dropped == 500


def test_closing_sends_what_waits(tracker: Tracker, make_client: MakeClient) -> None:
    client = make_client(tracker.url, background=True)
    with client:
        for _ in range(30):
            client.log_issue("x")
    assert len(tracker.issues) == 30
    assert client.log_issue("too late") is None
    assert client.dropped == 1


def test_closing_takes_no_longer_than_the_drain_timeout(make_client: MakeClient) -> None:
    with conversing(silent) as url:
        client = make_client(url, background=True, drain_timeout=0.3)
        client.log_issue("x")
        started = time.monotonic()
        client.close()
        assert time.monotonic() - started < 0.9
    assert (client.sent, client.dropped) == (0, 1)


def test_the_thread_ends_when_the_client_is_closed(
    tracker: Tracker, make_client: MakeClient
) -> None:
    before = set(threading.enumerate())
    client = make_client(tracker.url, background=True)
    client.log_issue("x")
    found = set(threading.enumerate()) - before
    (sender,) = (thread for thread in found if thread.name == "issuetracker-sender")
    client.close()
    sender.join(5)
    assert not sender.is_alive()


def test_flushing_shortens_the_pause_between_tries(make_client: MakeClient) -> None:
    port = free_port()
    client = make_client(f"http://127.0.0.1:{port}", background=True)
    client.log_issue("x")
    time.sleep(1.2)  # by now the pauses are seconds long
    with running_tracker(port):
        started = time.monotonic()
        assert client.flush(5)
        assert time.monotonic() - started < 0.8


def test_where_no_thread_is_to_be_had_the_caller_sends(
    tracker: Tracker, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "issuetracker-sender":
            raise RuntimeError("can't start new thread")
        start(thread)

    # Exhausting the machine's threads for real would hit the tests beside this one.
    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = make_client(tracker.url, background=True)
    client.log_issue("x")
    assert (client.sent, len(tracker.issues)) == (1, 1)


def test_a_client_that_does_not_wait_has_nothing_to_flush(
    tracker: Tracker, make_client: MakeClient
) -> None:
    assert make_client(tracker.url).flush(0) is True
