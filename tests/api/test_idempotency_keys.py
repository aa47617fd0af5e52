"""A request with an ``Idempotency-Key``, sent again, changes nothing and has the same answer."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings
from redis import Redis

from issuetracker import accepting
from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token, tokens
from issuetracker.api import reporting, views
from issuetracker.exceptions import PublishUnknown, StoreUnavailable
from issuetracker.providers.redis import get_recents
from issuetracker.publisher import IssuePublisher
from settings.base import cache as cache_at
from tests.api.working import ISSUES, history, listed, read, report
from tests.services import RedisServer

BULK = f"{ISSUES}/bulk"
REPORT = {"title": "Test Issue", "fingerprint": "same"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """No key is, nor that Redis was away."""
    cache.clear()
    get_recents.cache_clear()
    yield
    cache.clear()
    get_recents.cache_clear()


def key() -> str:
    return f'"{uuid.uuid4()}"'


def send(
    api: Client, key: str, body: object = REPORT, address: str = ISSUES, method: str = "post"
) -> Any:
    headers = {"Idempotency-Key": key}
    return getattr(api, method)(address, body, content_type="application/json", headers=headers)


def count(api: Client) -> int:
    return sum(issue["count"] for issue in api.get(ISSUES).json()["results"])


def test_the_same_request_has_the_same_answer_and_counts_once(
    api: Client, no_broker: IssuePublisher
) -> None:
    mine = key()
    first, again = send(api, mine), send(api, mine)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first["Location"] == again["Location"]
    assert again["Content-Type"] == "application/json"
    assert count(api) == 1
    send(api, key())
    assert count(api) == 2


def test_one_that_is_on_its_way_keeps_its_temporary_id(
    api: Client, publisher: IssuePublisher
) -> None:
    mine = key()
    first, again = send(api, mine), send(api, mine)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["id"].startswith("temp-")


@pytest.mark.parametrize("body", [REPORT, {"title": "Without a fingerprint"}])
def test_it_counts_once_even_when_nothing_is_remembered(
    api: Client, no_broker: IssuePublisher, body: dict[str, str]
) -> None:
    mine = key()
    first = send(api, mine, body)
    cache.clear()
    again = send(api, mine, body)
    assert first.json() == again.json()
    assert count(api) == 1


def test_a_redis_that_is_away_costs_no_request(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.CACHES = {"default": cache_at("redis://127.0.0.1:1/0")}
    mine = key()
    first, again = send(api, mine), send(api, mine)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    settings.CACHES = {"default": cache_at("")}
    assert count(api) == 1


def test_redis_remembers_for_every_web_process(
    api: Client, no_broker: IssuePublisher, settings: Settings, redis_server: RedisServer
) -> None:
    settings.CACHES = {"default": cache_at(redis_server.url)}
    mine = key()
    first = send(api, mine)
    assert send(api, mine).content == first.content
    assert send(api, mine, {"title": "Other"}).status_code == 422
    redis = Redis.from_url(redis_server.url)
    (name,) = redis.scan_iter("*idempotency:*")
    assert 86_000 < redis.ttl(name) <= 86_400


def test_the_key_of_another_request_is_refused(api: Client, no_broker: IssuePublisher) -> None:
    mine = key()
    address = send(api, mine).json()["url"]
    for other in (
        send(api, mine, {**REPORT, "title": "Other"}),
        send(api, mine, REPORT, BULK),
        send(api, mine, {"body": "Other"}, f"{address}/comments"),
        send(api, mine, {"status": "resolved"}, address, "patch"),
    ):
        assert other.status_code == 422
        assert other["Content-Type"] == "application/problem+json"
    assert count(api) == 1


def test_another_request_is_not_lost_when_nothing_is_remembered(
    api: Client, no_broker: IssuePublisher
) -> None:
    mine = key()
    send(api, mine)
    cache.clear()
    assert send(api, mine, {**REPORT, "title": "Other"}).status_code == 201
    assert count(api) == 2


def test_the_same_request_at_the_same_time_is_told_to_come_again(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = key()
    meanwhile: list[Any] = []

    def accept(change: Any, **options: Any) -> Any:
        meanwhile.append(send(api, mine))
        return accepting.accept(change, **options)

    monkeypatch.setattr(views, "accept", accept)
    assert send(api, mine).status_code == 201
    (answer,) = meanwhile
    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"
    assert count(api) == 1


@pytest.mark.parametrize(
    "wrong", ["", '""', '"', 'a"b', "two words", "a,b", '"a";p=1', '"a\\b"', "ä", "x" * 256]
)
def test_what_is_no_key_is_named(api: Client, no_broker: IssuePublisher, wrong: str) -> None:
    answer = send(api, wrong)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["errors"][0]["detail"]
    assert count(api) == 0


def test_quotes_are_no_part_of_the_key(api: Client, no_broker: IssuePublisher) -> None:
    assert send(api, '"report-7"').content == send(api, "report-7").content
    assert send(api, '"a \\"b\\""').status_code == 201
    assert count(api) == 2


def test_each_caller_has_keys_of_its_own(
    api: Client, no_broker: IssuePublisher, settings: Settings
) -> None:
    settings.ISSUETRACKER_ACCESS = "token"
    tokens.forget()
    for service in ("billing", "web"):
        _, secret = create_token(make_service_user(service), "test")
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "one"}
        body = {**REPORT, "title": service}
        answer = api.post(ISSUES, body, content_type="application/json", headers=headers)
        assert answer.status_code == 201
    settings.ISSUETRACKER_ACCESS = "local"
    assert count(api) == 2


def test_what_failed_may_be_sent_again(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = key()
    assert send(api, mine, {"title": 7}).status_code == 400
    with monkeypatch.context() as patched:

        def fail(*_: object, **__: object) -> None:
            raise StoreUnavailable("down")

        patched.setattr(views, "accept", fail)
        assert send(api, mine).status_code == 503
    assert send(api, mine).status_code == 201


def test_many_reports_count_once(api: Client, no_broker: IssuePublisher) -> None:
    mine = key()
    body = {"issues": [{"title": "One"}, REPORT, REPORT, {"title": 7}]}
    first = send(api, mine, body, BULK)
    assert send(api, mine, body, BULK).content == first.content
    cache.clear()
    assert send(api, mine, body, BULK).content == first.content
    assert count(api) == 3


def test_reports_that_nothing_took_are_taken_when_the_rest_is_sent_again(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = key()
    body = {"issues": [{"title": "One"}, {"title": "Two"}]}
    with monkeypatch.context() as patched:

        def half(changes: Any, **options: Any) -> list[Any]:
            taken = accepting.accept_all(changes[:1], **options)
            return [*taken, StoreUnavailable("down")]

        patched.setattr(reporting, "accept_all", half)
        first = send(api, mine, body, BULK).json()["results"]
    assert [each["code"] for each in first] == [201, 503]
    again = send(api, mine, body, BULK).json()["results"]
    assert [each["code"] for each in again] == [201, 201]
    assert first[0] == again[0]
    assert count(api) == 2


def test_a_comment_is_written_once(api: Client, no_broker: IssuePublisher) -> None:
    address = f"{ISSUES}/{report(api)}/comments"
    mine = key()
    first = send(api, mine, {"body": "Seen it."}, address)
    again = send(api, mine, {"body": "Seen it."}, address)
    cache.clear()
    known = send(api, mine, {"body": "Seen it."}, address.replace("issues/", "issues/temp-"))
    assert first.content == again.content == known.content
    assert len(api.get(address).json()["results"]) == 1


def test_a_change_is_made_once_though_it_stands_in_its_own_way(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api)
    tag = api.get(f"{ISSUES}/{issue_id}")["ETag"]
    mine = key()

    def change() -> Any:
        return api.patch(
            f"{ISSUES}/{issue_id}",
            {"status": "resolved"},
            content_type="application/json",
            headers={"Idempotency-Key": mine, "If-Match": tag},
        )

    answers = [change(), change()]
    cache.clear()
    answers.append(change())
    assert [answer.status_code for answer in answers] == [200] * 3
    assert history(api, issue_id) == [{"status": "resolved"}]


def test_a_change_of_many_is_made_once(api: Client, no_broker: IssuePublisher) -> None:
    ids = [report(api), report(api)]
    mine = key()
    for _ in range(2):
        answer = send(api, mine, {"ids": ids, "priority": "high"}, ISSUES, "patch")
        assert [each["code"] for each in answer.json()["results"]] == [200, 200]
        cache.clear()
    assert [history(api, issue_id) for issue_id in ids] == [[{"priority": "high"}]] * 2


def test_the_bodys_own_event_id_is_what_counts(api: Client, no_broker: IssuePublisher) -> None:
    event_id = str(uuid.uuid4())
    body = {**REPORT, "event_id": event_id}
    first = send(api, key(), body)
    assert send(api, key(), body).json() == first.json()
    assert count(api) == 1


def test_reading_needs_no_key(api: Client, no_broker: IssuePublisher) -> None:
    answer = api.get(ISSUES, headers={"Idempotency-Key": '"'})
    assert answer.status_code == 200
    assert json.loads(answer.content)["results"] == []
    assert listed(api) == set()


def test_an_acknowledgement_that_came_too_late_is_no_second_report(
    api: Client, no_broker: IssuePublisher, publisher: IssuePublisher, monkeypatch: Any
) -> None:
    mine = key()

    def unknown(change: Any, then: Any) -> None:
        raise PublishUnknown("too late")

    monkeypatch.setattr(publisher, "publish_issue", unknown)
    stored = send(api, mine)
    assert stored.status_code == 201
    assert send(api, mine).content == stored.content
    assert read(api, stored.json()["id"])["count"] == 1
