"""Many reports in one request: each is checked, accepted and answered by itself."""

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker import accepting
from issuetracker.access import services
from issuetracker.access.permissions import Permission
from issuetracker.access.services import make_service_user, service_users
from issuetracker.access.tokens import create_token, tokens
from issuetracker.exceptions import StoreUnavailable
from issuetracker.messages import MAX_BODY_BYTES, MAX_BULK_BYTES
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.publisher import IssuePublisher
from tests.api.working import ISSUES, listed, read
from tests.brokers import MemoryBroker, publishing
from tests.services import unique

BULK = f"{ISSUES}/bulk"


def bulk(api: Client, issues: object, headers: dict[str, str] | None = None) -> Any:
    return api.post(BULK, {"issues": issues}, content_type="application/json", headers=headers)


def results(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 202, answer.content
    return list(answer.json()["results"])


def test_each_report_has_its_own_answer_in_order(api: Client, no_broker: IssuePublisher) -> None:
    found = results(bulk(api, [{"title": "One"}, {"title": "Two", "component": "billing"}]))
    assert [(each["status"], each["code"]) for each in found] == [("created", 201)] * 2
    assert [read(api, each["id"])["title"] for each in found] == ["One", "Two"]
    assert found[1]["url"] == f"{ISSUES}/{found[1]['id']}"
    assert read(api, found[1]["id"])["reporter"] == "service.billing"


def test_a_wrong_report_is_named_and_stops_no_other(api: Client, no_broker: IssuePublisher) -> None:
    wrong = [
        {"title": 7, "tags": ["ok", "not ok"]},
        {},
        "no report",
        {"title": "x", "stat": "open"},
        {"title": "x", "context": {"a": "b" * 40_000}},
        {"title": "x", "description": "d" * 20_000, "exception": [{"type": "E"}] * 11},
    ]
    found = results(bulk(api, [{"title": "First"}, *wrong, {"title": "Last"}]))
    assert [each["code"] for each in found] == [201, *[400] * len(wrong), 201]
    pointers = [{error["pointer"] for error in each.get("errors", [])} for each in found[1:-1]]
    assert pointers == [
        {"/issues/1/title", "/issues/1/tags/1"},
        {"/issues/2/title"},
        {"/issues/3"},
        {"/issues/4/stat"},
        {"/issues/5/context"},
        {"/issues/6/exception"},
    ]
    assert listed(api) == {found[0]["id"], found[-1]["id"]}


def test_what_is_wrong_with_all_of_it_is_one_error(api: Client, no_broker: IssuePublisher) -> None:
    for issues in ([], "x", None, [{"title": "x"}] * 501):
        answer = bulk(api, issues)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/issues"]
    assert api.post(BULK, b"{", content_type="application/json").status_code == 400
    assert api.post(BULK, b"[]", content_type="application/json").status_code == 400


def test_a_report_with_nul_is_refused_by_itself(api: Client, no_broker: IssuePublisher) -> None:
    nul = {"title": "x", "description": "a\0b", "exception": [{"type": "E", "message": "\0"}]}
    free = {"title": "x", "context": {"a\0": "\0"}}
    refused, stored = results(bulk(api, [nul, free]))
    assert (refused["code"], stored["code"]) == (400, 201)
    named = {error["pointer"] for error in refused["errors"]}
    assert named == {"/issues/0/description", "/issues/0/exception/0/message"}
    (wrong,) = results(bulk(api, [{"title": "", "description": "\0"}]))
    named = {error["pointer"] for error in wrong["errors"]}
    assert named == {"/issues/0/title", "/issues/0/description"}


def test_a_body_may_be_longer_than_a_single_reports(api: Client, no_broker: IssuePublisher) -> None:
    large = {"title": "Large", "description": "d" * 20_000}
    assert {each["code"] for each in results(bulk(api, [large] * 40))} == {201}
    assert len(json.dumps([large] * 40)) > MAX_BODY_BYTES
    frames = [{"file": "f", "line": 1, "function": "x" * 500, "variables": {"v": "y" * 1000}}] * 50
    too_large = {"title": "x", "exception": [{"type": "E", "frames": frames}] * 8}
    assert [each["code"] for each in results(bulk(api, [too_large, {"title": "x"}]))] == [413, 201]
    answer = api.post(BULK, b" " * (MAX_BULK_BYTES + 1), content_type="application/json")
    assert answer.status_code == 413
    assert str(MAX_BULK_BYTES) in answer.json()["detail"]


def test_reports_sent_again_count_once(api: Client, no_broker: IssuePublisher) -> None:
    issues = [
        {"title": "x", "fingerprint": "same", "event_id": str(uuid.uuid4())} for _ in range(3)
    ]
    first, again = (results(bulk(api, issues)) for _ in range(2))
    assert first == again
    assert read(api, first[0]["id"])["count"] == 3


def test_five_hundred_wait_for_the_log_together_and_show_at_once(
    api: Client,
    memory_broker: MemoryBroker,
    recents: RedisHelperProvider,
) -> None:
    topic = unique("issues")
    with publishing(memory_broker.bootstrap_servers, topic) as publisher:
        publisher._wait = 10  # the machine may be busy
        found = results(bulk(api, [{"title": f"Issue {number}"} for number in range(500)]))
    assert {(each["status"], each["code"]) for each in found} == {("accepted", 202)}
    shown = read(api, found[-1]["id"])
    assert (shown["title"], shown["pending"]) == ("Issue 499", True)
    messages = memory_broker.messages(topic, 500)
    assert {message["issue_id"] for message in messages} == {
        each["id"].removeprefix("temp-") for each in found
    }


def test_nothing_durable_is_one_answer_to_come_again(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down(DatabaseHelperProvider):
        def get_many(self, issue_ids: object) -> Any:  # noqa: ARG002 - a stopped store
            raise StoreUnavailable("down")

    monkeypatch.setattr(accepting, "get_store", Down)
    answer = bulk(api, [{"title": "x"}, {"title": "y"}])
    assert answer.status_code == 503
    assert "Retry-After" in answer
    assert [each["code"] for each in results(bulk(api, [{"title": "x"}, {}]))] == [503, 400]


def test_it_needs_the_permission_to_report(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "token"
    tokens.forget()
    user = make_service_user("importer")
    assert bulk(api, [{"title": "x"}]).status_code == 401
    for permission, status in ((Permission.READ, 403), (Permission.REPORT, 202)):
        _, secret = create_token(user, "test", permissions=[permission])
        headers = {"Authorization": f"Bearer {secret}"}
        assert bulk(api, [{"title": "x", "component": "a"}], headers).status_code == status


def test_a_service_user_is_made_once_for_all_of_its_reports(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(service_users, "_made", set())
    real = service_users._make

    def make(component: str, name: str) -> None:
        made.append(component)
        real(component, name)

    monkeypatch.setattr(service_users, "_make", make)
    issues = [{"title": "x", "component": name} for name in ("a", "b", "a", "a", "b")]
    assert {each["code"] for each in results(bulk(api, issues))} == {201}
    assert sorted(made) == ["a", "b"]
    assert User.objects.filter(username__in=["service.a", "service.b"]).count() == 2


def test_service_users_for_which_there_is_no_time_hold_no_report_up(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_users, "_made", set())
    monkeypatch.setattr(services, "WAIT_SECONDS", 0.0)
    issues = [{"title": "x", "component": f"part-{number}"} for number in range(100)]
    found = results(bulk(api, issues))
    assert {each["code"] for each in found} == {201}
    assert read(api, found[7]["id"])["reporter"] == "service.part-7"
    assert not User.objects.filter(username__startswith="service.part-").exists()
