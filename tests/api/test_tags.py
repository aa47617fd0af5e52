"""People add and remove tags; reports that come later, or earlier, do not undo it."""

from typing import Any

import pytest
from django.test import Client

from issuetracker.planning import TAGS_MOST
from issuetracker.publisher import IssuePublisher
from tests.api.working import ISSUES, patch, read, report, update
from tests.test_merging import merged, reported, updated


def test_tags_are_added_and_removed(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api, tags=["db", "eu"])
    update(api, issue_id, add_tags=["slow"], remove_tags=["eu", "never-there"])
    assert read(api, issue_id)["tags"] == ["db", "slow"]
    listed = api.get(ISSUES, {"tag": ["slow", "db"]}).json()["results"]
    assert [issue["id"] for issue in listed] == [issue_id]
    assert api.get(ISSUES, {"tag": "eu"}).json()["results"] == []
    entries = api.get(f"{ISSUES}/{issue_id}/history").json()["results"]
    assert [entry["changes"] for entry in entries] == [
        {"add_tags": ["slow"], "remove_tags": ["eu", "never-there"]}
    ]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"add_tags": ["db"], "remove_tags": ["db"]}, "/remove_tags", "at once: db"),
        ({"add_tags": []}, "/add_tags", "length >= 1"),
        ({"add_tags": ["with space"]}, "/add_tags/0", "match"),
        ({"remove_tags": "db"}, "/remove_tags", "array"),
        ({"add_tags": [f"t{number}" for number in range(21)]}, "/add_tags", "length <= 20"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    api: Client, no_broker: IssuePublisher, body: dict[str, Any], pointer: str, said: str
) -> None:
    answer = patch(api, report(api), **body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]


def test_an_issue_has_so_many_tags_and_no_more(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api)
    for start in range(0, TAGS_MOST, 10):
        update(api, issue_id, add_tags=[f"t{start + number}" for number in range(10)])
    answer = patch(api, issue_id, add_tags=["one-more"])
    assert answer.status_code == 409
    assert f"{TAGS_MOST} tags at most" in answer.json()["detail"]
    update(api, issue_id, add_tags=["one-more"], remove_tags=["t0"])
    assert len(read(api, issue_id)["tags"]) == TAGS_MOST


def test_a_report_that_turns_out_to_be_the_first_brings_its_tags_beside_those_of_people() -> None:
    added = updated(9, 3, add_tags=["slow"], remove_tags=["db"])
    issue = merged(reported(2, 2, tags=["db", "late"]), added).issue
    assert issue.tags == ["late", "slow"]
    issue = merged(reported(1, 1, tags=["db", "early"]), issue=issue).issue
    assert issue.tags == ["early", "slow"]
    assert merged(updated(10, 4, add_tags=["db"]), issue=issue).issue.tags == [
        "db",
        "early",
        "slow",
    ]


def test_of_a_tag_what_was_said_last_holds() -> None:
    removed, added = updated(2, 2, remove_tags=["db"]), updated(3, 1, add_tags=["db"])
    assert merged(reported(1), removed, added).issue.tags == []
    assert merged(added, reported(1), removed).issue.tags == []


def test_an_occurrence_keeps_the_tags_that_its_report_had() -> None:
    issue = merged(reported(2, 2, tags=["db"]), updated(3, 3, add_tags=["slow"])).issue
    (occurrence,) = merged(reported(1, 1, tags=["eu"]), issue=issue).put
    assert getattr(occurrence, "tags", None) == ["db"]
