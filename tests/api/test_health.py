"""What orchestrators and collectors are told."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker import parts
from issuetracker.exceptions import StoreUnavailable
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.publisher import IssuePublisher, publishers


class DownStore(DatabaseHelperProvider):
    """A store that does not answer."""

    def ping(self) -> None:
        raise StoreUnavailable("down")


def _ready(api: Client) -> tuple[int, dict[str, Any]]:
    answer = api.get("/readyz")
    return answer.status_code, answer.json()


def test_a_process_that_answers_is_alive(api: Client) -> None:
    answer = api.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_ready_when_it_can_accept_reports(api: Client, publisher: IssuePublisher) -> None:
    status, document = _ready(api)
    assert status == 200
    assert document == {
        "status": "ready",
        "parts": {"publisher": "ready", "store": "ready", "recents": "absent"},
    }


def test_it_is_not_ready_while_the_producer_warms_up(api: Client) -> None:
    warming = IssuePublisher("127.0.0.1:9", "nowhere")
    before = publishers.replace(warming)
    try:
        status, document = _ready(api)
    finally:
        publishers.replace(before)
    assert (status, document["parts"]["publisher"]) == (503, "warming")


def test_without_the_broker_it_is_ready_by_its_store_and_says_so(
    api: Client, no_broker: IssuePublisher
) -> None:
    status, document = _ready(api)
    assert (status, document["status"], document["parts"]["publisher"]) == (200, "degraded", "down")


def test_without_broker_and_store_it_is_not_ready(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "get_store", DownStore)
    status, document = _ready(api)
    assert (status, document["parts"]["store"]) == (503, "down")


def test_without_redis_it_is_ready_and_says_that_it_is_degraded(
    api: Client, publisher: IssuePublisher, settings: Settings
) -> None:
    cache = {**settings.CACHES["default"], "BACKEND": "django_redis.cache.RedisCache"}
    settings.CACHES = {"default": {**cache, "LOCATION": "redis://127.0.0.1:9/0"}}
    status, document = _ready(api)
    assert (status, document["status"], document["parts"]["recents"]) == (200, "degraded", "down")


def test_probes_are_answered_whatever_name_they_call(api: Client) -> None:
    for address in ("/livez", "/readyz", "/metrics"):
        assert api.get(address, headers={"host": "10.1.2.3:6001"}).status_code in (200, 503)


def test_probes_change_nothing(api: Client) -> None:
    answer = api.post("/livez")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_accepted_reports_are_counted(api: Client, no_broker: IssuePublisher) -> None:
    def count() -> float:
        lines = api.get("/metrics").content.decode().splitlines()
        wanted = 'issuetracker_accepted_total{kind="reported",where="store"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))

    before = count()
    api.post("/api/v1/issues", {"title": "Test Issue"}, content_type="application/json")
    assert count() == before + 1
