"""The same is set of many issues in one request; each has its own answer."""

import uuid
from typing import Any

import pytest
from django.test import Client

from issuetracker import reading
from issuetracker.exceptions import StoreUnavailable
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.publisher import IssuePublisher
from tests.api.working import ISSUES, history, listed, read, report, update
from tests.brokers import MemoryBroker, publishing
from tests.services import unique


def bulk(api: Client, ids: list[str], **fields: Any) -> Any:
    return api.patch(ISSUES, {"ids": ids, **fields}, content_type="application/json")


def test_each_issue_has_its_own_answer(api: Client, no_broker: IssuePublisher) -> None:
    opened, deleted = report(api), report(api)
    update(api, deleted, status="deleted")
    unknown = str(uuid.uuid4())
    answer = bulk(api, [f"temp-{opened}", deleted, unknown, opened], status="resolved")
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [(each["id"], each["status"], each["code"]) for each in results] == [
        (opened, "updated", 200),
        (deleted, "refused", 409),
        (unknown, "refused", 404),
    ]
    assert "open" in results[1]["detail"]
    assert read(api, opened)["status"] == "resolved"


def test_a_request_sent_again_repeats_nothing(api: Client, no_broker: IssuePublisher) -> None:
    ids = [report(api) for _ in range(3)]
    event_id = str(uuid.uuid4())
    for _ in range(2):
        bulk(api, ids, priority="high", event_id=event_id)
    assert [history(api, issue_id) for issue_id in ids] == [[{"priority": "high"}]] * 3


def test_what_is_wrong_with_all_of_it_is_one_error(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api)
    wrong = {
        "/ids": bulk(api, [], status="resolved"),
        "/ids/0": bulk(api, ["x"], status="resolved"),
        "": bulk(api, [issue_id]),
        "/mute": bulk(api, [issue_id], mute={}),
        "/assignee": bulk(api, [issue_id], assignee="nobody"),
        "/stat": bulk(api, [issue_id], stat="open"),
    }
    for pointer, answer in wrong.items():
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    too_many = bulk(api, [str(uuid.uuid4()) for _ in range(501)], status="open")
    assert too_many.status_code == 400
    merging = bulk(api, [str(uuid.uuid4()) for _ in range(101)], merged_into=issue_id)
    assert [error["pointer"] for error in merging.json()["errors"]] == ["/ids"]


def test_many_are_merged_into_one(api: Client, no_broker: IssuePublisher) -> None:
    target, *others = (report(api) for _ in range(5))
    answer = bulk(api, [target, *others], merged_into=target)
    assert [each["code"] for each in answer.json()["results"]] == [409, 200, 200, 200, 200]
    assert listed(api) == {target}
    assert read(api, target)["total"]["count"] == 5


def test_five_hundred_go_to_the_log_together(
    api: Client,
    memory_broker: MemoryBroker,
    recents: RedisHelperProvider,
) -> None:
    topic = unique("issues")
    with publishing(memory_broker.bootstrap_servers, topic):
        ids = [report(api, component="bulk") for _ in range(500)]
        answer = bulk(api, ids, status="resolved")
    assert {each["code"] for each in answer.json()["results"]} == {202}
    assert read(api, ids[-1])["status"] == "resolved"
    messages = memory_broker.messages(topic, 1000)
    changes = {one["event_id"]: one["issue_id"] for one in messages if one["kind"] == "updated"}
    assert sorted(changes.values()) == sorted(ids)


def test_nothing_durable_is_one_answer_to_come_again(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down(DatabaseHelperProvider):
        def get_many(self, issue_ids: object) -> Any:  # noqa: ARG002 - a stopped store
            raise StoreUnavailable("down")

    monkeypatch.setattr(reading, "get_store", Down)
    answer = bulk(api, [str(uuid.uuid4())], status="resolved")
    assert answer.status_code == 503
    assert "Retry-After" in answer
