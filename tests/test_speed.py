"""A guard: each hot path costs no more than a multiple of plain work done in the same test.

Ratios of processor time, so that neither the machine nor what else runs on it matters. The bounds
are about two and a half times what was measured: what fails here is a clear step back. How fast
it all is, `make bench` says.
"""

import io
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django.fixtures import Settings

from benchmarks import reports
from issuetracker.api.validating import decode_body
from issuetracker.consumer import delivery_of
from issuetracker.issues import Issue
from issuetracker.merging import merge
from issuetracker.messages import TOPIC, NewIssue, Reported
from issuetracker.providers.firestore_channel import CommitRequest
from issuetracker.providers.firestore_documents import write_issue
from kafka_worker import Message
from settings.base import cache
from tests.brokers import MemoryBroker, publishing
from tests.services import unique

_BATCH = 500


def _read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"length": %d}' % len(request.body), content_type="application/json")


urlpatterns = [path("api/v1/issues", _read)]


def cost(work: Callable[[], object], *, times: int = 7) -> float:
    """Seconds of processor time of ``work``, all threads together: the least of several times."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def test_validating_a_report_costs_a_multiple_of_parsing_its_json() -> None:
    body = reports.body(reports.LARGE)

    def parse() -> None:
        for _ in range(50):
            json.loads(body)

    def validate() -> None:
        for _ in range(50):
            decode_body(body, NewIssue)

    assert cost(validate) < 8 * cost(parse)


def test_merging_a_storm_costs_a_multiple_of_parsing_its_messages() -> None:
    messages = [_message(change, place) for place, change in enumerate(reports.storm(_BATCH))]

    def merged() -> Issue:
        return merge(None, [delivery_of(message) for message in messages]).issue

    assert merged().count == _BATCH
    assert cost(merged) < 7 * cost(lambda: _parse(messages))


def test_making_documents_of_new_issues_costs_a_multiple_of_parsing_their_messages() -> None:
    messages = [_message(change, place) for place, change in enumerate(reports.distinct(_BATCH))]

    def documents() -> list[bytes]:
        return [_part(merge(None, [delivery_of(message)]).issue) for message in messages]

    assert len(documents()) == _BATCH
    assert cost(documents) < 32 * cost(lambda: _parse(messages))


@pytest.mark.django_db(transaction=True)
def test_accepting_a_report_costs_a_multiple_of_a_view_that_reads_it(settings: Settings) -> None:
    settings.CACHES = {"default": cache("")}
    settings.ISSUETRACKER_ACCESS = "local"
    broker = MemoryBroker()
    body = reports.body(reports.SMALL)
    with publishing(broker.bootstrap_servers, unique("issues")):
        accepting = _requests(202, body)
        accepted = cost(accepting)
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    assert accepted < 35 * cost(_requests(200, body))


def _part(issue: Issue) -> bytes:
    request = CommitRequest()
    write_issue(request.writes.add().update, f"issues/{issue.id}", issue)
    part: bytes = request.SerializeToString()
    return part


def _parse(messages: Sequence[Message]) -> None:
    for message in messages:
        json.loads(message.value or b"")


def _message(change: Reported, offset: int) -> Message:
    return Message(
        topic=TOPIC,
        topic_id="topic",
        partition=0,
        offset=offset,
        key=change.issue_id.encode(),
        value=msgspec.json.encode(change),
        headers=(),
        timestamp=datetime(2026, 11, 23, tzinfo=UTC),
    )


def _requests(status: int, body: bytes) -> Callable[[], None]:
    """Sends a hundred requests through Django, as a server does; made with the present settings."""
    handler = WSGIHandler()

    def send() -> None:
        for _ in range(100):
            response = handler(_environ(body), _start_response)
            response.close()
            assert response.status_code == status

    return send


def _start_response(
    _status: str, _headers: list[tuple[str, str]], _failure: object = None, /
) -> Callable[[bytes], object]:
    return lambda _body: None


def _environ(body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/issues",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
