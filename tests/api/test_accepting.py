"""What a change is answered: in the log, past it in the store, or not accepted."""

# ruff: noqa: ARG002 - a stopped store looks at nothing

import threading
import time
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from issuetracker import accepting
from issuetracker.access import services
from issuetracker.exceptions import StoreUnavailable
from issuetracker.processes import PerProcess
from issuetracker.providers import get_store
from issuetracker.providers.base import Stored
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.publisher import IssuePublisher
from issuetracker.together import Together
from tests.brokers import MemoryBroker, publishing, read_topic
from tests.services import KafkaBroker, unique

ISSUES = "/api/v1/issues"
REPORT = {
    "title": "Test Issue",
    "description": "Test description",
    "type": "bug",
    "priority": "medium",
    "tags": ["test"],
    "component": "workflow-consumer",
}


def _post(api: Client, body: dict[str, Any], address: str = ISSUES) -> Any:
    return api.post(address, body, content_type="application/json")


class DownStore(DatabaseHelperProvider):
    """A store that answers nothing."""

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        raise StoreUnavailable("down")


class HangingStore(DatabaseHelperProvider):
    """A store that hangs, until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, Stored]:
        self.released.wait(20)
        raise StoreUnavailable("hung")


@pytest.fixture
def own_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer of this test's own, which a hanging store may keep for itself."""
    writer = PerProcess(lambda: Together(accepting._store_together, "the store"))
    monkeypatch.setattr(accepting, "_stored", writer)


def test_a_report_is_answered_202_with_the_id_it_keeps(
    api: Client, publisher: IssuePublisher
) -> None:
    answer = _post(api, REPORT)
    document = answer.json()
    assert answer.status_code == 202
    assert document["status"] == "accepted"
    assert document["id"].startswith("temp-")
    assert uuid.UUID(document["id"].removeprefix("temp-"))
    assert answer["Location"] == document["url"] == f"{ISSUES}/{document['id']}"


def test_the_accepted_report_is_on_the_topic_as_readable_json(
    api: Client, kafka: KafkaBroker
) -> None:
    topic = unique("issues")
    with publishing(kafka.bootstrap_servers, topic):
        issue_id = _post(api, REPORT).json()["id"].removeprefix("temp-")
    (message,) = read_topic(kafka.bootstrap_servers, topic, 1)
    assert message["kind"] == "reported"
    assert message["issue_id"] == issue_id
    assert message["actor"] == "service.workflow-consumer"
    assert message["issue"]["title"] == "Test Issue"


def test_an_acknowledged_report_is_not_written_past_the_log(
    api: Client, publisher: IssuePublisher
) -> None:
    issue_id = _post(api, REPORT).json()["id"].removeprefix("temp-")
    assert get_store().get(issue_id) is None


def test_without_a_broker_a_report_is_answered_201_and_stored(
    api: Client, no_broker: IssuePublisher
) -> None:
    answer = _post(api, REPORT)
    document = answer.json()
    stored = get_store().get(document["id"])
    assert (answer.status_code, document["status"]) == (201, "created")
    assert stored is not None
    assert (stored.title, stored.count, stored.tags) == ("Test Issue", 1, ["test"])
    assert stored.reporter == "service.workflow-consumer"


def test_a_report_sent_again_has_the_same_id_and_counts_once(
    api: Client, no_broker: IssuePublisher
) -> None:
    body = {**REPORT, "event_id": str(uuid.uuid4())}
    ids = {_post(api, body).json()["id"] for _ in range(3)}
    stored = get_store().get(ids.pop())
    assert not ids
    assert stored is not None
    assert stored.count == 1


def test_a_retry_has_the_same_id_whether_the_broker_is_there_or_not(
    api: Client, memory_broker: MemoryBroker, no_broker: IssuePublisher
) -> None:
    body = {**REPORT, "event_id": str(uuid.uuid4())}
    past_the_log = _post(api, body).json()["id"]
    with publishing(memory_broker.bootstrap_servers, unique("issues")):
        in_the_log = _post(api, body).json()["id"]
    assert in_the_log == f"temp-{past_the_log}"


def test_many_senders_of_one_report_at_once_make_one_issue_that_counts_once(
    api: Client, no_broker: IssuePublisher
) -> None:
    body = {**REPORT, "event_id": str(uuid.uuid4())}
    answers = _at_once(lambda: _post(Client(), body), 12)
    stored = get_store().get(answers[0].json()["id"])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert stored is not None
    assert stored.count == 1


def test_many_reports_of_one_fault_at_once_are_all_counted(
    api: Client, no_broker: IssuePublisher
) -> None:
    body = {**REPORT, "fingerprint": unique("fault")}
    answers = _at_once(lambda: _post(Client(), body), 20)
    stored = get_store().get(answers[0].json()["id"])
    assert {answer.status_code for answer in answers} == {201}
    assert stored is not None
    assert stored.count == 20


def test_without_broker_and_store_the_answer_is_503_and_says_when_to_retry(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "get_store", DownStore)
    answer = _post(api, REPORT)
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) > 0


def test_a_store_that_hangs_is_answered_503_well_within_the_clients_two_seconds(
    api: Client, no_broker: IssuePublisher, own_writer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = HangingStore()
    monkeypatch.setattr(accepting, "get_store", lambda: store)
    began = time.monotonic()
    answers = [_post(api, REPORT), _post(api, REPORT)]
    took = time.monotonic() - began
    store.released.set()
    assert [answer.status_code for answer in answers] == [503, 503]
    assert took < 2 * 1.7


def test_the_service_user_of_a_new_component_is_made_and_cannot_log_in(
    api: Client, publisher: IssuePublisher
) -> None:
    component = unique("component")
    _post(api, {**REPORT, "component": component})
    user = User.objects.get(username=f"service.{component}")
    assert not user.has_usable_password()
    assert [group.name for group in user.groups.all()] == ["Services"]


def test_many_first_reports_of_one_component_make_one_service_user(
    api: Client, publisher: IssuePublisher
) -> None:
    component = unique("component")
    answers = _at_once(lambda: _post(Client(), {**REPORT, "component": component}), 8)
    assert {answer.status_code for answer in answers} == {202}
    assert User.objects.filter(username=f"service.{component}").count() == 1


def test_a_database_that_makes_no_service_user_costs_no_report(
    api: Client, publisher: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_component: str) -> User:
        raise DatabaseError("down")

    monkeypatch.setattr(services, "make_service_user", fail)
    monkeypatch.setattr(services.service_users, "_paused_until", 0.0)
    component = unique("component")
    assert _post(api, {**REPORT, "component": component}).status_code == 202
    assert not User.objects.filter(username=f"service.{component}").exists()
    monkeypatch.undo()
    monkeypatch.setattr(services.service_users, "_paused_until", 0.0)
    assert _post(api, {**REPORT, "component": component}).status_code == 202
    assert User.objects.filter(username=f"service.{component}").exists()


def test_a_comment_and_a_change_past_the_log_are_stored(
    api: Client, no_broker: IssuePublisher
) -> None:
    address = _post(api, REPORT).json()["url"]
    comment = _post(api, {"body": "Seen again."}, f"{address}/comments")
    change = api.patch(address, {"status": "resolved"}, content_type="application/json")
    issue = api.get(address).json()
    comments = api.get(f"{address}/comments").json()["results"]
    assert (comment.status_code, comment.json()["status"]) == (201, "created")
    assert (change.status_code, change.json()["status"]) == (200, "updated")
    assert (issue["status"], issue["comment_count"]) == ("resolved", 1)
    assert [found["body"] for found in comments] == ["Seen again."]


def test_a_comment_and_a_change_of_a_stored_issue_go_through_the_log(
    api: Client, memory_broker: MemoryBroker, no_broker: IssuePublisher
) -> None:
    address = _post(api, REPORT).json()["url"]
    topic = unique("issues")
    with publishing(memory_broker.bootstrap_servers, topic):
        comment = _post(api, {"body": "Seen again."}, f"{address}/comments")
        change = api.patch(
            address, {"priority": "high", "assignee": None}, content_type="application/json"
        )
    messages = {one["kind"]: one for one in memory_broker.messages(topic, 2)}
    assert (comment.status_code, comment.json()["status"]) == (202, "accepted")
    assert (change.status_code, change.json()["status"]) == (202, "accepted")
    assert messages["commented"]["body"] == "Seen again."
    assert (messages["updated"]["priority"], messages["updated"]["assignee"]) == ("high", None)
    assert "status" not in messages["updated"]


def _at_once(call: Any, times: int) -> list[Any]:
    found: list[Any] = []
    start = threading.Barrier(times)

    def run() -> None:
        start.wait()
        found.append(call())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
