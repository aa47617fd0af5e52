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


def test_the_page_for_people_has_no_inline_script_and_needs_no_other_host(api: Client) -> None:
    answer = api.get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert not re.search(r"(src|href)=.?(https?:)?//", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "style=" not in page
    for name in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
        assert finders.find(name), name
