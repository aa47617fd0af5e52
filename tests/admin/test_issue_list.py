"""The list of issues in the admin site."""

import html
import re
import uuid
from datetime import UTC, datetime

import pytest
from django.test import Client

from issuetracker.messages import RaisedException, Updated
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, text_of, titles


def resolve(tracker: Tracker, issue_id: str) -> None:
    tracker.apply(
        Updated(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="anna",
            status="resolved",
        )
    )


def test_newest_activity_comes_first(admin: Client, tracker: Tracker) -> None:
    tracker.report("Older", ago=500)
    tracker.report("Newer", ago=100)
    assert titles(admin.get(LIST).content) == ["Newer", "Older"]


def test_a_row_says_state_priority_type_component_count_and_ages(
    admin: Client, tracker: Tracker
) -> None:
    for ago in (7200, 200):
        tracker.report(
            "Disk full",
            ago=ago,
            fingerprint="disk",
            component="storage",
            priority="critical",
            type="incident",
        )
    content = admin.get(LIST).content
    said = text_of(content)
    assert "incident in storage" in said
    assert "critical" in said
    assert re.search(r"seen 2 times", said.replace("2  times", "2 times"))
    assert "(2 h ago)" in said
    assert "(3 min ago)" in said
    assert re.search(rb'<time datetime="[^"]+\+00:00"', content)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", said)


def test_what_was_resolved_and_came_back_is_marked_as_regressed(
    admin: Client, tracker: Tracker
) -> None:
    issue_id = tracker.report("Again", fingerprint="again", ago=60)
    resolve(tracker, issue_id)
    assert 'class="badge status-resolved"' in admin.get(LIST).content.decode()
    tracker.report("Again", fingerprint="again", ago=-5)
    assert 'class="badge regressed"' in admin.get(LIST).content.decode()


@pytest.mark.parametrize(
    "filters",
    [
        "status=open",
        "status=open&status=in_progress",
        "priority=high",
        "type=exception",
        "component=prices",
        "tag=slow",
        "tag=slow+eu",
        "tag=slow&tag=eu",
        "context=region%3Deu+1&context=attempt%3D3",
        "reporter=service.prices",
        "assignee=",
        "within=1h",
        "since=2020-01-01T00:00",
        "until=2099-01-01T00:00Z",
        "q=time+read",
        "q=connecttimeout",
        "q=gateway",
        "is=new",
        "is=new&is=unassigned",
        "status=open&priority=high&type=exception&component=prices&tag=eu&within=24h&q=timeout",
    ],
)
def test_a_filter_keeps_what_matches(admin: Client, tracker: Tracker, filters: str) -> None:
    tracker.report(
        "Timeout while reading prices",
        priority="high",
        type="exception",
        component="prices",
        tags=["slow", "eu"],
        exception=[RaisedException(type="requests.ConnectTimeout", message="no gateway")],
        context={"region": "eu 1", "attempt": 3},
    )
    assert titles(admin.get(f"{LIST}?{filters}").content) == ["Timeout while reading prices"]


@pytest.mark.parametrize(
    "filters",
    [
        "status=resolved",
        "priority=low&priority=medium",
        "type=bug",
        "component=price",
        "tag=fast",
        "tag=slow+us",
        "context=region%3Deu",
        "reporter=service.api",
        "assignee=anna",
        "within=1h&component=other",
        "since=2099-01-01T00:00",
        "until=2020-01-01T00:00",
        "q=imeout",
        "is=regressed",
    ],
)
def test_a_filter_drops_what_does_not_match(admin: Client, tracker: Tracker, filters: str) -> None:
    tracker.report(
        "Timeout while reading prices",
        priority="high",
        type="exception",
        component="prices",
        tags=["slow", "eu"],
        exception=[RaisedException(type="requests.ConnectTimeout", message="no gateway")],
        context={"region": "eu 1", "attempt": 3},
    )
    content = admin.get(f"{LIST}?{filters}").content
    assert titles(content) == []
    assert "No issue matches these filters." in text_of(content)


def test_a_row_shows_the_last_day_as_bars_with_words(admin: Client, tracker: Tracker) -> None:
    for ago in (30, 7300, 7300, 100_000):
        tracker.report("Often", fingerprint="often", ago=ago)
    content = admin.get(LIST).content.decode()
    assert 'aria-label="3 reports in the last 24 hours, at most 2 in one"' in content
    path = re.search(r'<path d="([^"]*)"', content)
    assert path is not None
    assert path[1].count("M") == 2
    assert "v-24" in path[1]
    assert "v-12" in path[1]


def test_every_filter_link_keeps_the_other_filters(admin: Client, tracker: Tracker) -> None:
    tracker.report("One", priority="high", component="api")
    content = admin.get(f"{LIST}?priority=high&component=api").content.decode()
    link = re.search(r'<a href="([^"]*)"[^>]*>open</a>', content)
    assert link is not None
    followed = admin.get(LIST + html.unescape(link[1])).content
    assert titles(followed) == ["One"]
    for chip in ("status: open", "priority: high", "component: api"):
        assert chip in text_of(followed)


def test_a_wrong_filter_is_named_and_left_out(admin: Client, tracker: Tracker) -> None:
    tracker.report("Still here")
    for wrong in ("status=broken", "within=1y", "since=yesterday", "order=title", "q=" + "x" * 201):
        content = admin.get(f"{LIST}?{wrong}").content
        assert "that filter is left out" in text_of(content), wrong
        assert titles(content) == ["Still here"]


def test_pages_follow_each_other_without_gap_or_repetition(admin: Client, tracker: Tracker) -> None:
    for number in range(60):
        tracker.report(f"Issue {number:02}", ago=number)
    first = admin.get(LIST + "?priority=medium").content
    following = re.search(r'href="([^"]*)" rel="next"', first.decode())
    assert following is not None
    second = admin.get(LIST + html.unescape(following[1])).content
    assert titles(first) + titles(second) == [f"Issue {number:02}" for number in range(60)]
    assert 'rel="next"' not in second.decode()
    assert 'href="?priority=medium" rel="first"' in second.decode()


def test_a_cursor_that_is_none_leads_to_the_first_page(admin: Client, tracker: Tracker) -> None:
    tracker.report("Here")
    answer = admin.get(f"{LIST}?priority=medium&cursor=nonsense", follow=True)
    assert answer.redirect_chain == [("?priority=medium", 302)]
    assert titles(answer.content) == ["Here"]
    assert "That page of the list is gone" in text_of(answer.content)


def test_columns_order_the_list(admin: Client, tracker: Tracker) -> None:
    for _ in range(3):
        tracker.report("Often", fingerprint="often", ago=900)
    tracker.report("Once", ago=10)
    assert titles(admin.get(LIST + "?order=-count").content) == ["Often", "Once"]
    assert titles(admin.get(LIST + "?order=first_seen").content) == ["Often", "Once"]
    assert titles(admin.get(LIST + "?order=-first_seen").content) == ["Once", "Often"]


def test_an_empty_list_says_what_to_do(admin: Client, tracker: Tracker) -> None:
    said = text_of(admin.get(LIST).content)
    assert "No issues yet." in said
    assert "manage.py start_workflow nightly-report" in said
    assert "http://testserver/api/v1/issues" in said


def test_news_are_counted_since_what_the_page_shows(admin: Client, tracker: Tracker) -> None:
    tracker.report("Shown", ago=100)
    content = admin.get(LIST + "?priority=medium").content.decode()
    address = re.search(r'data-address="([^"]*)"', content)
    assert address is not None
    news = LIST + html.unescape(address[1])
    nothing = admin.get(news).json()
    assert (nothing["new"], nothing["changed"]) == (0, 0)
    tracker.report("New", ago=1)
    tracker.report("New, but filtered out", ago=1, priority="low")
    first = admin.get(news).json()
    assert (first["new"], first["changed"]) == (1, 0)
    assert nothing["latest"] < first["latest"]
    tracker.report("Old, and seen again", fingerprint="old", ago=200)
    tracker.report("Old, and seen again", fingerprint="old", ago=1)
    second = admin.get(news).json()
    assert (second["new"], second["changed"]) == (1, 1)


def test_news_want_a_time(admin: Client, tracker: Tracker) -> None:
    for wrong in ("", "?after=x", "?after=2026-11-23T09:30:00"):
        assert admin.get(f"{LIST}news/{wrong}").status_code == 400


def test_later_pages_ask_for_no_news(admin: Client, tracker: Tracker) -> None:
    tracker.report("Here")
    assert "data-address" not in admin.get(LIST + "?order=-count").content.decode()


def test_deleted_issues_show_only_when_asked_for(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Gone")
    tracker.apply(
        Updated(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="anna",
            status="deleted",
        )
    )
    assert titles(admin.get(LIST).content) == []
    assert titles(admin.get(LIST + "?status=deleted").content) == ["Gone"]
