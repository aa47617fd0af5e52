"""Every malformed request gets its status, and each wrong field its pointer."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.publisher import IssuePublisher

ISSUES = "/api/v1/issues"
NOBODY = f"{ISSUES}/temp-00000000-0000-4000-8000-000000000000"
WELL = {"title": "Test Issue"}
CALL = {"file": "a.py", "line": 1, "function": "f"}


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def _raised(**frame: object) -> list[dict[str, Any]]:
    return [{"type": "E", "frames": [{**CALL, **frame}]}]


BODIES: list[tuple[str, object, int, set[str]]] = [
    ("empty", b"", 400, {""}),
    ("blank", b"  \n ", 400, {""}),
    ("not JSON", b"title=Test", 400, {""}),
    ("cut off", b'{"title": "Tes', 400, {""}),
    ("something after it", b'{"title": "a"} x', 400, {""}),
    ("a byte order mark", b'\xef\xbb\xbf{"title": "a"}', 400, {""}),
    ("Latin-1", '{"title": "Fehler über alles"}'.encode("latin-1"), 400, {""}),
    ("UTF-16", '{"title": "a"}'.encode("utf-16"), 400, {""}),
    ("half a surrogate pair", b'{"title": "\\ud800"}', 400, {""}),
    ("a list", [WELL], 400, {""}),
    ("a string", "Test Issue", 400, {""}),
    ("null", None, 400, {""}),
    ("a number", 5, 400, {""}),
    ("NaN", b'{"title": "a", "context": {"x": NaN}}', 400, {""}),
    ("Infinity", b'{"title": "a", "context": {"x": Infinity}}', 400, {""}),
    ("a number beyond any", b'{"title": "a", "context": {"x": 1e999}}', 400, {""}),
    ("nested without end", b'{"title": "a", "context": ' + b"[" * 50_000, 400, {""}),
    ("no title", {}, 400, {"/title"}),
    ("title null", {"title": None}, 400, {"/title"}),
    ("title a number", {"title": 7}, 400, {"/title"}),
    ("title empty", {"title": ""}, 400, {"/title"}),
    ("title only spaces", {"title": "   "}, 400, {"/title"}),
    ("title of two lines", {"title": "a\nb"}, 400, {"/title"}),
    ("title with a last line feed", {"title": "a\n"}, 400, {"/title"}),
    ("title with NUL", {"title": "a\x00"}, 400, {"/title"}),
    ("title too long", {"title": "x" * 201}, 400, {"/title"}),
    ("description too long", {**WELL, "description": "x" * 20_001}, 400, {"/description"}),
    ("description with NUL", {**WELL, "description": "\x00"}, 400, {"/description"}),
    ("an unknown type", {**WELL, "type": "defect"}, 400, {"/type"}),
    ("an unknown priority", {**WELL, "priority": "urgent"}, 400, {"/priority"}),
    ("priority a number", {**WELL, "priority": 1}, 400, {"/priority"}),
    ("component empty", {**WELL, "component": ""}, 400, {"/component"}),
    ("component with a space", {**WELL, "component": "a b"}, 400, {"/component"}),
    ("component with a path", {**WELL, "component": "../a"}, 400, {"/component"}),
    ("component too long", {**WELL, "component": "x" * 101}, 400, {"/component"}),
    ("tags a string", {**WELL, "tags": "test"}, 400, {"/tags"}),
    ("two wrong tags", {**WELL, "tags": ["ok", "", 5]}, 400, {"/tags/1", "/tags/2"}),
    ("too many tags, one wrong", {**WELL, "tags": ["t"] * 20 + [""]}, 400, {"/tags", "/tags/20"}),
    ("fingerprint empty", {**WELL, "fingerprint": ""}, 400, {"/fingerprint"}),
    ("fingerprint too long", {**WELL, "fingerprint": "x" * 201}, 400, {"/fingerprint"}),
    ("event id no UUID", {**WELL, "event_id": "1"}, 400, {"/event_id"}),
    (
        "event id in capitals",
        {**WELL, "event_id": "0B5C4F0E-8A3F-4F4B-9D6C-0C7F5D1F6A11"},
        400,
        {"/event_id"},
    ),
    ("an unknown field", {**WELL, "severity": "high"}, 400, {"/severity"}),
    ("a field with / and ~", {**WELL, "a/b~c": 1}, 400, {"/a~1b~0c"}),
    (
        "five fields at once",
        {"title": 1, "type": "x", "tags": [None], "component": "?", "extra": 0},
        400,
        {"/title", "/type", "/tags/0", "/component", "/extra"},
    ),
    ("exception no list", {**WELL, "exception": {}}, 400, {"/exception"}),
    ("exception without a type", {**WELL, "exception": [{}]}, 400, {"/exception/0/type"}),
    ("eleven exceptions", {**WELL, "exception": [{"type": "E"}] * 11}, 400, {"/exception"}),
    ("line negative", {**WELL, "exception": _raised(line=-1)}, 400, {"/exception/0/frames/0/line"}),
    (
        "a variable no string",
        {**WELL, "exception": _raised(variables={"a": 1})},
        400,
        {"/exception/0/frames/0/variables/a"},
    ),
    (
        "NUL in code, a variable and its name",
        {
            **WELL,
            "exception": _raised(
                code="a\x00", variables={"a": "\x00", "b\x00": "", "context": "\x00"}
            ),
        },
        400,
        {
            f"/exception/0/frames/0/{at}"
            for at in ("code", "variables/a", "variables/b\x00", "variables/context")
        },
    ),
    (
        "NUL beside another wrong field",
        {"title": "", "description": "\x00", "context": {"a": "\x00"}},
        400,
        {"/title", "/description"},
    ),
    ("context a list", {**WELL, "context": [1]}, 400, {"/context"}),
    ("context too large", {**WELL, "context": {"a": "x" * 33_000}}, 400, {"/context"}),
    ("context too deep", {**WELL, "context": _nested(31)}, 400, {"/context"}),
    (
        "context with too many keys",
        {**WELL, "context": {str(n): n for n in range(101)}},
        400,
        {"/context"},
    ),
    (
        "context too large beside a wrong title",
        {"title": "", "context": {"a": "x" * 33_000}},
        400,
        {"/title", "/context"},
    ),
    ("more than 512 KiB", {**WELL, "description": "x" * 600_000}, 413, set()),
]


def _send(api: Client, method: str, address: str, body: object, **extra: Any) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # Named twice, because Django's client leaves it out where the body is empty.
    extra.setdefault("CONTENT_TYPE", extra.setdefault("content_type", "application/json"))
    answer = api.generic(method, address, raw, **extra)
    assert answer["Content-Type"] == "application/problem+json", answer.content
    document = answer.json()
    assert document["status"] == answer.status_code
    return answer.status_code, document


def _pointers(document: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in document.get("errors", [])}


@pytest.mark.parametrize(
    ("body", "status", "pointers"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
def test_a_malformed_report_is_refused_with_each_wrong_field(
    api: Client, publisher: IssuePublisher, body: object, status: int, pointers: set[str]
) -> None:
    found, document = _send(api, "POST", ISSUES, body)
    assert (found, _pointers(document)) == (status, pointers)


@pytest.mark.parametrize(
    "report",
    [
        {**WELL, "context": {"a\x00": ["\x00"]}},
        {**WELL, "description": "\\u0000 is how JSON writes NUL"},
    ],
    ids=["NUL in free-form parts", "the letters that stand for NUL"],
)
def test_what_only_looks_malformed_is_accepted(
    api: Client, publisher: IssuePublisher, report: dict[str, Any]
) -> None:
    assert api.post(ISSUES, report, content_type="application/json").status_code == 202


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_a_body_that_is_not_sent_as_json_is_refused(
    api: Client, publisher: IssuePublisher, content_type: str
) -> None:
    status, _ = _send(api, "POST", ISSUES, WELL, content_type=content_type)
    assert status == 415


OTHERS: list[tuple[str, str, str, object, int, set[str]]] = [
    ("a comment without a body", "POST", f"{NOBODY}/comments", {}, 400, {"/body"}),
    ("a comment of spaces", "POST", f"{NOBODY}/comments", {"body": " \n"}, 400, {"/body"}),
    ("a comment too long", "POST", f"{NOBODY}/comments", {"body": "x" * 20_001}, 400, {"/body"}),
    ("a comment on nothing", "POST", f"{NOBODY}/comments", {"body": "x"}, 404, set()),
    ("a change of nothing", "PATCH", NOBODY, {"status": "resolved"}, 404, set()),
    ("a change that names nothing", "PATCH", NOBODY, {}, 400, {""}),
    ("a change to no status", "PATCH", NOBODY, {"status": "closed"}, 400, {"/status"}),
    ("a change to status null", "PATCH", NOBODY, {"status": None}, 400, {"/status"}),
    ("a change of the title", "PATCH", NOBODY, {"title": "x"}, 400, {"/title"}),
    (
        "a change of two wrong fields",
        "PATCH",
        NOBODY,
        {"priority": "x", "assignee": "a b"},
        400,
        {"/priority", "/assignee"},
    ),
    ("nothing by that id", "GET", NOBODY, b"", 404, set()),
    ("an id that is none", "GET", f"{ISSUES}/42", b"", 404, set()),
    ("comments of nothing", "GET", f"{NOBODY}/comments", b"", 404, set()),
    ("another address", "GET", "/api/v1/tickets", b"", 404, set()),
    ("another version", "POST", "/api/v2/issues", WELL, 404, set()),
    ("the root", "GET", "/api/", b"", 404, set()),
    ("deleting", "DELETE", ISSUES, b"", 405, set()),
    ("putting", "PUT", NOBODY, WELL, 405, set()),
    ("an unknown parameter", "GET", f"{ISSUES}?page=2", b"", 400, {"/page"}),
    ("limit zero", "GET", f"{ISSUES}?limit=0", b"", 400, {"/limit"}),
    ("limit too large", "GET", f"{ISSUES}?limit=201", b"", 400, {"/limit"}),
    ("limit no number", "GET", f"{ISSUES}?limit=many", b"", 400, {"/limit"}),
    ("limit twice", "GET", f"{ISSUES}?limit=1&limit=2", b"", 400, {"/limit"}),
    (
        "two wrong parameters",
        "GET",
        f"{ISSUES}?status=x&order=id",
        b"",
        400,
        {"/status/0", "/order"},
    ),
    ("a time that is null", "GET", f"{ISSUES}?until=null", b"", 400, {"/until"}),
    ("a time in seconds", "GET", f"{ISSUES}?since=1700000000", b"", 400, {"/since"}),
    ("a choice that is null", "GET", f"{ISSUES}?regressed=null", b"", 400, {"/regressed"}),
    ("a time without a zone", "GET", f"{ISSUES}?since=2026-01-01T00:00:00", b"", 400, {"/since"}),
    ("a time that is none", "GET", f"{ISSUES}?until=yesterday", b"", 400, {"/until"}),
    ("a cursor of nothing", "GET", f"{ISSUES}?cursor=abc", b"", 400, {"/cursor"}),
    ("an empty cursor", "GET", f"{ISSUES}?cursor=", b"", 400, {"/cursor"}),
    ("NUL in a parameter", "GET", f"{ISSUES}?q=%00", b"", 400, {"/q"}),
]


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "pointers"),
    [row[1:] for row in OTHERS],
    ids=[row[0] for row in OTHERS],
)
def test_every_other_malformed_request_gets_its_status(
    api: Client,
    publisher: IssuePublisher,
    method: str,
    address: str,
    body: object,
    status: int,
    pointers: set[str],
) -> None:
    found, document = _send(api, method, address, body)
    assert (found, _pointers(document)) == (status, pointers)


@pytest.mark.parametrize("debug", [True, False])
def test_a_host_that_is_not_served_gets_a_problem_document(
    api: Client, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug
    status, _ = _send(api, "GET", ISSUES, b"", headers={"host": "evil.example"})
    assert status == 400


def test_an_answer_names_at_most_a_hundred_wrong_fields(
    api: Client, publisher: IssuePublisher
) -> None:
    status, document = _send(api, "POST", ISSUES, {f"f{n}": 1 for n in range(5000)})
    assert status == 400
    assert len(document["errors"]) == 100
