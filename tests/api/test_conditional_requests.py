"""What was read is not read again for nothing, and what changed meanwhile is not overwritten."""

import uuid

from django.test import Client

from issuetracker.publisher import IssuePublisher
from tests.api.working import ISSUES, patch, read, report, update

FAULT = {"fingerprint": "conditional", "component": "conditional"}


def tag_of(api: Client, issue_id: str) -> str:
    return str(api.get(f"{ISSUES}/{issue_id}")["ETag"])


def test_what_is_unchanged_comes_without_a_body(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api, **FAULT)
    address = f"{ISSUES}/{issue_id}"
    tag = tag_of(api, issue_id)
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = api.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    report(api, **FAULT)
    answer = api.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["count"]) == (200, 2)


def test_a_merged_issue_that_occurs_changes_the_tag(api: Client, no_broker: IssuePublisher) -> None:
    one, other = report(api, **FAULT), report(api)
    update(api, one, merged_into=other)
    tag = tag_of(api, other)
    report(api, **FAULT)
    assert tag_of(api, other) != tag


def test_a_change_made_meanwhile_is_not_overwritten(api: Client, no_broker: IssuePublisher) -> None:
    issue_id = report(api)
    tag = tag_of(api, issue_id)
    update(api, issue_id, priority="critical")
    answer = patch(api, issue_id, {"If-Match": tag}, priority="low")
    assert answer.status_code == 412
    assert answer["Content-Type"] == "application/problem+json"
    assert read(api, issue_id)["priority"] == "critical"
    fresh = tag_of(api, issue_id)
    assert patch(api, issue_id, {"If-Match": f'"x", {fresh}'}, priority="low").status_code == 200
    assert patch(api, issue_id, {"If-Match": "*"}, priority="high").status_code == 200


def test_further_reports_are_no_change_that_is_in_the_way(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api, **FAULT)
    tag = tag_of(api, issue_id)
    report(api, **FAULT)
    assert patch(api, issue_id, {"If-Match": tag}, status="resolved").status_code == 200


def test_a_comment_can_depend_on_nothing_having_been_said(
    api: Client, no_broker: IssuePublisher
) -> None:
    issue_id = report(api)
    address = f"{ISSUES}/{issue_id}/comments"
    sent = {"content_type": "application/json", "headers": {"If-Match": tag_of(api, issue_id)}}
    comment = {"body": "first", "event_id": str(uuid.uuid4())}
    codes = [
        api.post(address, body, **sent).status_code  # type: ignore[arg-type]
        for body in (comment, {"body": "second"}, comment)
    ]
    # The last is the first once more, sent again because its answer was lost.
    assert codes == [201, 412, 201]
    assert [one["body"] for one in api.get(address).json()["results"]] == ["first"]


def test_a_condition_on_an_unknown_issue_is_not_found(
    api: Client, no_broker: IssuePublisher
) -> None:
    answer = patch(api, str(uuid.uuid4()), {"If-Match": '"x"'}, status="resolved")
    assert answer.status_code == 404
