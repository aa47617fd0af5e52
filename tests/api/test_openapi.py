"""The OpenAPI document says what the API does; the page for people needs no other host."""

import json
import re
import uuid
from typing import Any

import jsonschema
import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.validation import validate_schema
from pytest_django.fixtures import Settings

from issuetracker.publisher import IssuePublisher

DIALECT = jsonschema.Draft202012Validator


@pytest.fixture
def document(api: Client) -> dict[str, Any]:
    answer = api.get("/api/v1/schema")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    return dict(json.loads(answer.content))


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def _check(document: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    DIALECT({**schema, "components": document["components"]}).validate(value)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    assert document["openapi"].startswith("3.1")


def test_every_endpoint_is_described(document: dict[str, Any]) -> None:
    found = {f"{method.upper()} {path}" for method, path, _ in _operations(document)}
    one = "/api/v1/issues/{issue_id}"
    assert found == {
        "POST /api/v1/issues",
        "GET /api/v1/issues",
        "PATCH /api/v1/issues",
        "GET /api/v1/issues/export",
        "POST /api/v1/issues/bulk",
        f"GET {one}",
        f"PATCH {one}",
        f"GET {one}/comments",
        f"POST {one}/comments",
        f"GET {one}/occurrences",
        f"GET {one}/history",
    }


def test_every_operation_has_an_id_problems_and_examples_that_are_valid(
    document: dict[str, Any],
) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(set(ids)) == len(ids)
    for method, path, operation in _operations(document):
        answers = {code: answer for code, answer in operation["responses"].items() if code != "304"}
        contents = [answer["content"] for answer in answers.values()]
        assert operation.get("requestBody", {}).get("required", True)
        contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
        for content in contents:
            for media in content.values():
                assert media["examples"], f"{method} {path} has no example"
                for example in media["examples"].values():
                    _check(document, media["schema"], example["value"])
        assert "application/problem+json" in operation["responses"]["503"]["content"]


def test_what_the_api_answers_is_what_the_document_says(
    api: Client, no_broker: IssuePublisher, document: dict[str, Any]
) -> None:
    report = {"title": "Test Issue", "exception": [{"type": "E"}], "context": {"a": [1, None]}}
    created = api.post("/api/v1/issues", report, content_type="application/json")
    address = created.json()["url"]
    template = "/api/v1/issues/{issue_id}"
    calls = [
        ("post", "/api/v1/issues", created),
        ("get", "/api/v1/issues", api.get("/api/v1/issues")),
        ("get", template, api.get(address)),
        (
            "patch",
            template,
            api.patch(address, {"status": "resolved"}, content_type="application/json"),
        ),
        (
            "post",
            f"{template}/comments",
            api.post(f"{address}/comments", {"body": "x"}, content_type="application/json"),
        ),
        ("get", f"{template}/comments", api.get(f"{address}/comments")),
        ("get", f"{template}/history", api.get(f"{address}/history")),
        ("get", f"{template}/occurrences", api.get(f"{address}/occurrences")),
        ("get", template, api.get("/api/v1/issues/00000000-0000-4000-8000-000000000000")),
        ("get", "/api/v1/issues", api.get("/api/v1/issues?limit=0")),
        (
            "patch",
            "/api/v1/issues",
            api.patch(
                "/api/v1/issues",
                {"ids": [created.json()["id"], str(uuid.uuid4())], "mute": {"events": 3}},
                content_type="application/json",
            ),
        ),
        (
            "patch",
            template,
            api.patch(address, {"status": "ignored"}, content_type="application/json"),
        ),
        (
            "patch",
            template,
            api.patch(
                address,
                {"mute": None},
                content_type="application/json",
                headers={"If-Match": '"x"'},
            ),
        ),
        ("post", "/api/v1/issues", api.post("/api/v1/issues", {}, content_type="text/plain")),
    ]
    for method, path, answer in calls:
        described = document["paths"][path][method]["responses"][str(answer.status_code)]
        media = described["content"][answer["Content-Type"]]
        _check(document, media["schema"], answer.json())


#: Of every answer of a web server, or of Django.
COMMON_HEADERS = {
    *("content-type", "content-length", "allow", "vary", "cache-control"),
    *("x-frame-options", "x-content-type-options", "referrer-policy", "set-cookie"),
    *("cross-origin-opener-policy", "content-security-policy"),
}


def test_every_header_of_an_answer_is_described(
    api: Client, no_broker: IssuePublisher, document: dict[str, Any], settings: Settings
) -> None:
    settings.ISSUETRACKER_RATE_LIMIT = 1
    one = "/api/v1/issues/{issue_id}"
    created = api.post("/api/v1/issues", {"title": "x"}, content_type="application/json")
    address = created.json()["url"]
    calls = [
        ("post", "/api/v1/issues", created),
        ("get", one, api.get(address)),
        ("get", one, api.get(address, headers={"If-None-Match": "*"})),
        (
            "post",
            f"{one}/comments",
            api.post(f"{address}/comments", {"body": "x"}, content_type="application/json"),
        ),
        ("get", "/api/v1/issues/export", api.get("/api/v1/issues/export")),
        (
            "post",
            "/api/v1/issues/bulk",
            api.post("/api/v1/issues/bulk", {"issues": [1]}, content_type="application/json"),
        ),
        ("get", one, api.get(address, headers={"Authorization": "Bearer x"})),
    ]
    while (answer := api.get("/api/v1/issues")).status_code == 200:
        calls.append(("get", "/api/v1/issues", answer))
    calls.append(("get", "/api/v1/issues", answer))
    assert {call[2].status_code for call in calls} == {200, 201, 202, 304, 401, 429}
    for method, path, answer in calls:
        described = document["paths"][path][method]["responses"][str(answer.status_code)]
        sent = {name.lower() for name in answer.headers} - COMMON_HEADERS
        assert sent <= {name.lower() for name in described["headers"]}, f"{method} {path}"
        answer.close()


def test_a_token_or_a_session_is_enough(document: dict[str, Any]) -> None:
    assert all(
        operation["security"] == [{"serviceToken": []}, {"session": []}]
        for _, _, operation in _operations(document)
    )


def test_the_page_for_people_has_no_inline_script_and_needs_no_other_host(api: Client) -> None:
    answer = api.get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert not re.search(r"(src|href)=.?(https?:)?//", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "style=" not in page
    for name in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
        assert finders.find(name), name
