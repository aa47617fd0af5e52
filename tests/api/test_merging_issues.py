"""One issue is merged into another and taken out again; nothing is lost on the way."""

import uuid

import pytest
from django.test import Client

from issuetracker import accepting
from issuetracker.applying import Applied
from issuetracker.exceptions import StoreUnavailable
from issuetracker.merging import Delivery
from issuetracker.providers.redis import RedisHelperProvider
from issuetracker.publisher import IssuePublisher
from tests.api.working import history, listed, patch, read, report, update


def fault(number: int) -> dict[str, str]:
    return {"fingerprint": f"fault {number}", "component": "merging", "title": f"fault {number}"}


@pytest.fixture
def pair(api: Client, no_broker: IssuePublisher) -> tuple[str, str]:
    """One issue that is merged into another."""
    one, other = report(api, **fault(1)), report(api, **fault(2))
    update(api, one, merged_into=f"temp-{other}")
    return one, other


def test_the_other_counts_both_and_the_one_says_where_it_went(
    api: Client, pair: tuple[str, str]
) -> None:
    one, other = pair
    report(api, **fault(1))
    shown = read(api, other)
    assert (shown["count"], shown["total"]["count"]) == (1, 3)
    assert shown["total"]["first_seen"] < shown["first_seen"]
    assert shown["total"]["last_seen"] > shown["last_seen"]
    (merged,) = shown["merged_issues"]
    assert (merged["id"], merged["title"], merged["count"]) == (one, "fault 1", 2)
    assert read(api, one)["merged_into"] == other
    assert listed(api) == listed(api, "muted=any") == {other}
    assert history(api, one) == [{"merged_into": other, "status": "open"}]
    assert history(api, other) == [{"merged": one}]


def test_taken_out_again_each_is_as_it_was(api: Client, pair: tuple[str, str]) -> None:
    one, other = pair
    update(api, one, merged_into=None)
    assert listed(api) == {one, other}
    assert read(api, other)["merged_issues"] == []
    assert read(api, other)["total"]["count"] == 1
    assert history(api, other) == [{"merged": one}, {"unmerged": one}]


def test_what_is_merged_elsewhere_leaves_the_former(api: Client, pair: tuple[str, str]) -> None:
    one, other = pair
    third = report(api, **fault(3))
    update(api, one, merged_into=third)
    assert read(api, other)["merged"] == []
    assert read(api, third)["merged"] == [one]


def test_a_status_reaches_all_and_what_occurs_after_it_shows_again(
    api: Client, pair: tuple[str, str]
) -> None:
    one, other = pair
    update(api, other, status="resolved")
    assert read(api, one)["status"] == "resolved"
    assert listed(api, "status=open") == set()
    report(api, **fault(1))
    assert listed(api, "status=open") == {one}
    assert read(api, other)["total"]["regressed"] is True
    update(api, other, status="resolved")
    assert listed(api, "status=open") == set()
    assert read(api, other)["total"]["regressed"] is False


def test_rings_chains_and_what_is_not_there_are_refused(api: Client, pair: tuple[str, str]) -> None:
    one, other = pair
    third, deleted = report(api, **fault(3)), report(api, **fault(4))
    update(api, deleted, status="deleted")
    for issue_id, into in ((other, one), (other, third), (third, one), (third, deleted)):
        answer = patch(api, issue_id, merged_into=into)
        assert answer.status_code == 409, (issue_id, into)
    assert patch(api, third, merged_into=third).status_code == 409
    unknown = patch(api, third, merged_into=str(uuid.uuid4()))
    assert [error["pointer"] for error in unknown.json()["errors"]] == ["/merged_into"]
    both = patch(api, third, merged_into=other, status="resolved")
    assert [error["pointer"] for error in both.json()["errors"]] == ["/status"]


def test_what_is_merged_is_worked_on_where_it_went(api: Client, pair: tuple[str, str]) -> None:
    one, other = pair
    answer = patch(api, one, status="resolved")
    assert answer.status_code == 409
    assert other in answer.json()["detail"]


def test_a_merge_that_failed_half_way_hides_nothing_and_a_retry_completes_it(
    api: Client, no_broker: IssuePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, third = (report(api, **fault(number)) for number in (1, 2, 3))
    store_together = accepting._store_together

    def only_the_first(deliveries: list[Delivery]) -> Applied:
        if deliveries[0].change.issue_id == one:
            raise StoreUnavailable("gone after the first")
        return store_together(deliveries)

    event_id = str(uuid.uuid4())
    with monkeypatch.context() as broken:
        broken.setattr(accepting, "_store_together", only_the_first)
        assert patch(api, one, merged_into=other, event_id=event_id).status_code == 503
    assert listed(api) == {one, other, third}
    assert read(api, other)["merged_issues"] == []
    update(api, one, merged_into=other, event_id=event_id)
    assert read(api, other)["total"]["count"] == 2


def test_taking_out_that_failed_leaves_all_as_it_was(
    api: Client, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair

    def fail(_deliveries: list[Delivery]) -> Applied:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(accepting, "_store_together", fail)
        assert patch(api, one, merged_into=None).status_code == 503
    assert read(api, other)["merged"] == [one]
    assert read(api, other)["total"]["count"] == 2


def test_what_a_failed_merge_left_behind_keeps_nothing_from_being_merged(
    api: Client, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    store_together = accepting._store_together

    def only_the_one(deliveries: list[Delivery]) -> Applied:
        return store_together([each for each in deliveries if each.change.issue_id == one])

    with monkeypatch.context() as broken:
        broken.setattr(accepting, "_store_together", only_the_one)
        patch(api, one, merged_into=None)
    assert read(api, other)["merged"] == [one]
    third = report(api, **fault(3))
    update(api, other, merged_into=third)
    assert read(api, other)["merged_into"] == third
    assert read(api, third)["total"]["count"] == 2


def test_a_merge_that_is_on_its_way_shows_at_once(
    api: Client,
    publisher: IssuePublisher,
    recents: RedisHelperProvider,
) -> None:
    one, other = report(api, **fault(1)), report(api, **fault(2))
    update(api, one, merged_into=other)
    assert listed(api) == {other}
    shown = read(api, other)
    assert (shown["pending"], shown["total"]["count"]) == (True, 2)
    assert patch(api, other, merged_into=one).status_code == 409
