"""What arrives at the tracker when somebody reports."""

import enum
import logging
import threading
import uuid
from pathlib import Path

import pytest

from issuetracker.client import IssueTrackerClient
from issuetracker.messages import NewIssue, new_issue_id
from tests.client.conftest import MakeClient
from tests.client.servers import Reply, Tracker


def test_a_report_arrives_as_the_api_wants_it(tracker: Tracker, make_client: MakeClient) -> None:
    answer = make_client(tracker.url, token="aft_1").log_issue(
        title="Test Issue",
        description="Test description",
        type="bug",
        priority="high",
        tags=["test"],
        component="workflow-consumer",
    )

    request = tracker.received[0]
    event_id = request.body.pop("event_id")
    assert request.body == {
        "title": "Test Issue",
        "description": "Test description",
        "priority": "high",
        "tags": ["test"],
        "component": "workflow-consumer",
    }
    assert (request.method, request.path) == ("POST", "/api/v1/issues")
    assert request.headers["Authorization"] == "Bearer aft_1"
    assert answer == f"temp-{new_issue_id(NewIssue('Test Issue'), event_id)}"


def test_an_issue_created_at_once_has_its_final_id(
    tracker: Tracker, make_client: MakeClient
) -> None:
    tracker.replies = [Reply(201, b'{"id": "0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"}')]
    assert make_client(tracker.url).log_issue("x") == "0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"


def test_without_a_token_none_is_sent(tracker: Tracker, make_client: MakeClient) -> None:
    make_client(tracker.url).log_issue("x")
    assert "Authorization" not in tracker.received[0].headers


def test_every_report_has_an_event_id_of_its_own(tracker: Tracker, make_client: MakeClient) -> None:
    client = make_client(tracker.url)
    client.log_issue("x")
    client.log_issue("x")
    assert len({uuid.UUID(issue["event_id"]) for issue in tracker.issues}) == 2


def test_a_callers_event_id_is_kept(tracker: Tracker, make_client: MakeClient) -> None:
    client = make_client(tracker.url)
    client.log_issue("x", event_id="0B5C4F0E-8A3F-4F4B-9D6C-0C7F5D1F6A11")
    client.log_issue("x", event_id="order 17")
    client.log_issue("x", event_id="order 17")
    first, second, third = (issue["event_id"] for issue in tracker.issues)
    assert first == "0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"
    assert second == third != first


def test_a_client_names_its_component_where_the_report_does_not(
    tracker: Tracker, make_client: MakeClient
) -> None:
    client = make_client(tracker.url, component="billing")
    client.log_issue("x")
    client.log_issue("x", component="ledger")
    assert [issue["component"] for issue in tracker.issues] == ["billing", "ledger"]


def test_an_exception_brings_its_title_trace_and_fingerprint(
    tracker: Tracker, make_client: MakeClient
) -> None:
    try:
        int("many")
    except ValueError as error:
        make_client(tracker.url).log_exception(error, context={"order": 17})

    issue = tracker.issues[0]
    assert issue["title"] == "ValueError: invalid literal for int() with base 10: 'many'"
    assert issue["type"] == "exception"
    assert issue["exception"][0]["frames"][-1]["function"].endswith("trace_and_fingerprint")
    assert issue["fingerprint"].startswith("exception:")
    assert issue["context"]["order"] == 17
    assert issue["context"]["thread"] == "MainThread"


def test_an_empty_fingerprint_keeps_an_exception_from_being_merged(
    tracker: Tracker, make_client: MakeClient
) -> None:
    make_client(tracker.url).log_exception(ValueError("x"), fingerprint="")
    assert "fingerprint" not in tracker.issues[0]


def test_a_comment_and_a_status_reach_their_issue(
    tracker: Tracker, make_client: MakeClient
) -> None:
    client = make_client(tracker.url)
    issue_id = client.log_issue("x") or ""
    assert client.add_comment(issue_id, "Looked at it.") is True
    assert client.update_issue_status(issue_id, "resolved") is True

    below = f"/api/v1/issues/{issue_id.removeprefix('temp-')}"
    comment, update = tracker.received[1:]
    assert (comment.method, comment.path) == ("POST", f"{below}/comments")
    assert comment.body.pop("event_id")
    assert comment.body == {"body": "Looked at it."}
    assert (update.method, update.path) == ("PATCH", below)
    assert update.body.pop("event_id")
    assert update.body == {"status": "resolved"}


@pytest.mark.parametrize(
    ("issue_id", "status"), [("", "open"), ("1", "done"), (None, "open"), ("..", "open")]
)
def test_a_change_that_says_nothing_is_not_sent(
    tracker: Tracker, make_client: MakeClient, issue_id: str, status: str
) -> None:
    assert make_client(tracker.url).update_issue_status(issue_id, status) is False
    assert make_client(tracker.url).add_comment("1", " \n") is False
    assert tracker.received == []


def test_an_issue_id_cannot_lead_elsewhere(tracker: Tracker, make_client: MakeClient) -> None:
    make_client(tracker.url).add_comment("../../admin?x=1#\r\nX: y", "body")
    assert tracker.received[0].path == (
        "/api/v1/issues/..%2F..%2Fadmin%3Fx%3D1%23%20x%3A%20y/comments"
    )


def test_what_the_api_would_refuse_is_made_to_fit(
    tracker: Tracker, make_client: MakeClient
) -> None:
    class Level(enum.Enum):
        HIGH = "high"

    loop: dict[str, object] = {"password": "hunter2", "bytes": b"\xff", "nan": float("nan")}
    loop["self"] = loop
    answer = make_client(tracker.url).log_issue(
        "first\nline\x00 \ud800" + "x" * 500,
        "d\x00" * 20_000,
        "no such type",
        Level.HIGH,  # type: ignore[arg-type]
        ["a b", "", "-", "ok", "ok", *map(str, range(50))],
        "my service!",
        context=loop,
    )

    issue = tracker.issues[0]
    assert answer is not None
    assert issue["title"].startswith("first line� ?xxx")
    assert len(issue["title"]) == 200
    assert issue["description"].startswith("first\nline")
    assert issue["tags"][:2] == ["a-b", "ok"]
    assert len(issue["tags"]) == 20
    assert issue["component"] == "my-service"
    assert issue["priority"] == "high"
    assert issue["context"]["password"] == "[masked]"
    assert issue["context"]["nan"] == "nan"


def test_a_context_too_large_loses_its_largest_values(
    tracker: Tracker, make_client: MakeClient
) -> None:
    rows = [["x" * 1000] * 40] * 40
    assert make_client(tracker.url).log_issue("x", context={"order": 17, "rows": rows})
    context = tracker.issues[0]["context"]
    assert context["order"] == 17
    assert context["rows"].endswith("bytes left out)")


def test_a_body_too_long_loses_its_variables_first(
    tracker: Tracker, make_client: MakeClient
) -> None:
    def fail(depth: int) -> None:
        a = b = c = d = e = f = g = h = i = j = "漢" * 900  # noqa: F841
        k = l = m = n = o = p = q = r = s = t = "漢" * 900  # noqa: F841, E741
        if depth:
            fail(depth - 1)
        raise ValueError

    def chained(links: int) -> None:
        try:
            if links:
                chained(links - 1)
        finally:
            fail(45)

    client = make_client(tracker.url)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        chained(3)
    assert client.log_exception(caught.value, with_variables=True)
    frames = tracker.issues[0]["exception"][0]["frames"]
    assert len(frames) > 40
    assert not any("variables" in frame for frame in frames)


def test_one_connection_serves_many_reports(tracker: Tracker, make_client: MakeClient) -> None:
    client = make_client(tracker.url)
    for _ in range(5):
        client.log_issue("x")
    assert tracker.connections == 1


def test_many_threads_report_through_one_client(tracker: Tracker, make_client: MakeClient) -> None:
    client = make_client(tracker.url)
    answers: list[str | None] = []

    def report() -> None:
        answers.extend(client.log_issue(f"{threading.get_ident()} {n}") for n in range(20))

    threads = [threading.Thread(target=report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers) - {None}) == 160
    assert client.sent == 160


def test_a_log_handler_that_reports_does_not_go_round_in_circles(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client("http://127.0.0.1:1")

    class Reporting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            client.log_issue(record.getMessage())

    root, handler = logging.getLogger("issuetracker"), Reporting()
    root.addHandler(handler)
    try:
        assert client.log_issue("x") is None
    finally:
        root.removeHandler(handler)
    assert client.failed == 1


def test_a_report_that_fails_is_named_in_the_log_without_its_content(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client("http://127.0.0.1:1", token="aft_secret")
    event_id = str(uuid.uuid4())
    client.log_issue("Stock is negative", "for Jane Doe", event_id=event_id)
    assert "Stock is negative" in caplog.text
    assert event_id in caplog.text
    assert "Jane Doe" not in caplog.text
    assert "aft_secret" not in caplog.text


def test_a_client_closes_its_connections(tracker: Tracker) -> None:
    before = _open_files()
    with IssueTrackerClient(tracker.url) as client:
        client.log_issue("x")
    assert client.sent == 1
    assert _open_files() <= before + 1  # the server's end may close a moment later


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
