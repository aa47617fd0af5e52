"""What is nested beyond any use, and times at the ends of the calendar, have a clear answer."""

import base64
import json

import msgspec
import pytest
from django.test import Client

from issuetracker.api.validating import MAX_BODY_DEPTH
from issuetracker.publisher import IssuePublisher
from tests.admin.conftest import admin  # noqa: F401 - a fixture
from tests.admin.pages import LIST, text_of
from tests.api.working import ISSUES, report


def nested(levels: int, inside: str = "1") -> str:
    return "[" * levels + inside + "]" * levels


def send(api: Client, body: str, path: str = ISSUES) -> tuple[int, str]:
    answer = api.post(path, body, content_type="application/json")
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize("levels", [MAX_BODY_DEPTH + 1, 7_000, 200_000])
@pytest.mark.parametrize("field", ["x", "title", "context"])
def test_what_is_nested_too_deep_is_refused_before_it_is_read(
    api: Client, no_broker: IssuePublisher, levels: int, field: str
) -> None:
    code, said = send(api, f'{{"title": "x", "{field}": {nested(levels)}}}')
    assert code == 400
    assert f"Nested deeper than {MAX_BODY_DEPTH} levels" in said


def test_brackets_in_texts_and_side_by_side_are_no_nesting(
    api: Client, no_broker: IssuePublisher
) -> None:
    text = '[{\\"' * 2000
    assert send(api, json.dumps({"title": "x", "description": text}))[0] == 201
    many = {"a": [[n] for n in range(4000)]}
    assert send(api, json.dumps({"title": "x", "context": many}))[0] == 201
    assert send(api, '{"title": "[' + "[" * 4000)[0] == 400


@pytest.mark.parametrize("inside", ["1", '"\\u0000"'])
def test_deep_nesting_in_one_of_many_reports_stops_no_other(
    api: Client, no_broker: IssuePublisher, inside: str
) -> None:
    deep = f'{{"title": "x", "x": {nested(600, inside)}}}'
    body = f'{{"issues": [{deep}, {{"title": "Good"}}]}}'
    code, said = send(api, body, f"{ISSUES}/bulk")
    assert code == 202
    assert [each["code"] for each in json.loads(said)["results"]] == [400, 201]


@pytest.mark.parametrize("name", ["since", "until", "first_since"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_calendar_is_refused_by_name(
    api: Client, no_broker: IssuePublisher, name: str, moment: str
) -> None:
    answer = api.get(ISSUES, {name: moment})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]


def test_a_cursor_with_such_a_time_is_none(api: Client, no_broker: IssuePublisher) -> None:
    report(api), report(api)
    following = api.get(ISSUES, {"limit": 1}).json()["next"]
    cursor = following.split("cursor=")[1].split("&")[0]
    position = msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=="))
    position[1] = "0001-01-01T00:00:00+14:00"
    forged = base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode().rstrip("=")
    assert api.get(f"{ISSUES}?limit=1&cursor={forged}").status_code == 400


@pytest.mark.parametrize(
    "query", ["since=0001-01-01T00:00%2B14:00", "component=%00", "reporter=a%00", "assignee=%00a"]
)
def test_a_list_of_the_admin_leaves_such_a_filter_out(admin: Client, query: str) -> None:  # noqa: F811
    answer = admin.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert "that filter is left out" in text_of(answer.content)
