"""A whole list as a file: every issue once, as in the list, and never cut without saying so."""

import csv
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from issuetracker.api import exporting
from issuetracker.api.answers import IssueSummary
from issuetracker.exceptions import StoreUnavailable
from issuetracker.publisher import IssuePublisher
from issuetracker.reading import ReadPage, list_issues
from tests.api.working import ISSUES, listed, report, update

EXPORT = f"{ISSUES}/export"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAUSES", (0.0, 0.0))


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    content: str = answer.getvalue().decode()
    answer.close()
    return content


def json_lines(api: Client, **query: object) -> list[dict[str, Any]]:
    content = text(api.get(f"{EXPORT}?{urlencode(query, doseq=True)}"))
    return [json.loads(line) for line in content.splitlines()]


def csv_rows(api: Client, **query: object) -> list[dict[str, str]]:
    content = text(api.get(f"{EXPORT}?{urlencode({**query, 'format': 'csv'}, doseq=True)}"))
    return list(csv.DictReader(content.splitlines(keepends=True)))


def test_a_line_of_json_is_the_object_in_the_list(api: Client, no_broker: IssuePublisher) -> None:
    report(api, title="Größer", tags=["db", "prod"], component="billing")
    assert json_lines(api) == api.get(ISSUES).json()["results"]


def test_every_page_of_the_store_is_there_once(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    ids = [report(api) for _ in range(5)]
    assert [issue["id"] for issue in json_lines(api)] == ids
    assert [row["id"] for row in csv_rows(api)] == ids
    assert [issue["id"] for issue in json_lines(api, order="-first_seen")] == ids[::-1]


def test_the_filters_of_the_list_hold(api: Client, no_broker: IssuePublisher) -> None:
    wanted = report(api, component="billing", priority="high", tags=["db"])
    report(api, component="billing")
    report(api, priority="high", tags=["db"])
    query: dict[str, object] = {"component": "billing", "priority": "high", "tag": "db"}
    assert {issue["id"] for issue in json_lines(api, **query)} == {wanted}
    assert listed(api, urlencode(query)) == {wanted}


def test_no_issue_is_left_out_because_it_changed_meanwhile(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    ids = [report(api) for _ in range(6)]
    lines = iter(api.get(EXPORT))
    first = next(lines)
    for issue_id in (ids[0], ids[4]):
        update(api, issue_id, priority="critical")
    found = [json.loads(line) for line in (first + b"".join(lines)).splitlines()]
    assert [issue["id"] for issue in found] == ids


def test_a_row_of_csv_has_the_documented_columns(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api, title='a "quoted", title', tags=["db", "prod"])
    (row,) = csv_rows(api)
    (shown,) = json_lines(api)
    assert tuple(row) == exporting.COLUMNS
    assert set(exporting.COLUMNS) == set(IssueSummary.__struct_fields__)
    assert row["id"] == issue_id
    assert row["title"] == 'a "quoted", title'
    assert row["tags"] == "db prod"
    assert (row["regressed"], row["assignee"], row["count"]) == ("false", "", "1")
    assert row["first_seen"] == shown["first_seen"]


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", '@SUM("a")', "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(api: Client, no_broker: IssuePublisher, title: str) -> None:
    report(api, title=title)
    assert [row["title"] for row in csv_rows(api)] == [f"'{title}"]
    assert [issue["title"] for issue in json_lines(api)] == [title]


@pytest.mark.parametrize("begin", ["\t", "\r", "\n", "="])
def test_nor_one_that_begins_with_a_tab_or_a_line_end(begin: str) -> None:
    assert exporting._cell(f"{begin}1") == f"'{begin}1"


def test_it_is_a_file_with_a_name(api: Client, no_broker: IssuePublisher) -> None:
    for form, media_type in (("csv", "text/csv"), ("jsonl", "application/jsonl")):
        answer = api.get(f"{EXPORT}?format={form}")
        assert answer["Content-Type"].startswith(media_type)
        assert answer["Content-Disposition"].startswith('attachment; filename="issues-')
        assert answer["Content-Disposition"].endswith(f'.{form}"')
        answer.close()


def test_pages_are_read_as_they_are_sent(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        report(api)
    asked = _pages_of(monkeypatch, size=2, good=99)
    answer = api.get(EXPORT)
    lines = iter(answer)
    next(lines)
    assert len(asked) == 1
    next(lines)
    assert len(asked) == 2
    answer.close()


def test_a_short_failure_midway_costs_nothing(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [report(api) for _ in range(5)]
    _pages_of(monkeypatch, size=2, good=1, failing=2)
    assert [issue["id"] for issue in json_lines(api)] == ids


@pytest.mark.parametrize("error", [StoreUnavailable("down"), ValueError("unexpected")])
def test_a_cut_file_says_so_in_its_last_line(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ids = [report(api) for _ in range(5)]
    _pages_of(monkeypatch, size=2, good=1, error=error)
    *whole, last = json_lines(api)
    assert [issue["id"] for issue in whole] == ids[:2]
    assert last["incomplete"] is True
    assert "not complete" in last["detail"]
    _pages_of(monkeypatch, size=2, good=1, error=error)
    *rows, end = csv_rows(api)
    assert [row["id"] for row in rows] == ids[:2]
    assert end["id"] == "incomplete"
    assert set(end) == set(exporting.COLUMNS)


def test_the_last_hour_alone_is_no_export(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "list_issues", lambda *_, **__: ReadPage(degraded=True))
    answer = api.get(EXPORT)
    assert answer.status_code == 503
    assert "Retry-After" in answer
    assert answer["Content-Type"] == "application/problem+json"


def test_only_so_many_are_written_at_a_time(api: Client, no_broker: IssuePublisher) -> None:
    written = [api.get(EXPORT) for _ in range(exporting.AT_ONCE)]
    refused = api.get(EXPORT)
    assert refused.status_code == 503
    assert "ask again" in refused.json()["detail"]
    written[0].close()
    assert text(api.get(EXPORT)) == ""
    for answer in written[1:]:
        answer.close()


@pytest.mark.parametrize("query", ["limit=5", "cursor=x", "format=xml", "order=title", "what=1"])
def test_what_is_wrong_is_named(api: Client, no_broker: IssuePublisher, query: str) -> None:
    answer = api.get(f"{EXPORT}?{query}")
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        f"/{query.split('=', maxsplit=1)[0]}"
    ]


def _pages_of(
    monkeypatch: pytest.MonkeyPatch,
    *,
    size: int,
    good: int,
    failing: int = 99,
    error: Exception | None = None,
) -> list[object]:
    """Pages of ``size``, the first ``good`` of which are given; then ``failing`` tries fail."""
    asked: list[object] = []

    def page(query: Any, *, limit: int, cursor: str | None) -> ReadPage:
        asked.append(cursor)
        if good < len(asked) <= good + failing:
            raise error or StoreUnavailable("down")
        return list_issues(query, limit=limit, cursor=cursor)

    monkeypatch.setattr(exporting, "PAGE", size)
    monkeypatch.setattr(exporting, "list_issues", page)
    return asked
