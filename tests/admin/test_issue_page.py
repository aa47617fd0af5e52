"""The page of one issue in the admin site."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from issuetracker.messages import Commented, Frame, RaisedException, Updated
from tests.admin.conftest import Tracker
from tests.admin.pages import Tags, page_of, send, text_of

CHAIN = [
    RaisedException(
        type="reports.NotDelivered",
        message="2 totals have nowhere to go",
        frames=[
            Frame(file="lib/threading.py", line=975, function="run", own=False),
            Frame(file="lib/pool.py", line=58, function="work", own=False),
            Frame(
                file="reports.py",
                line=44,
                function="deliver",
                code="    send(totals)",
                before=["def deliver(totals):"],
                after=["    return True"],
                variables={"totals": "{'A-17': 1000}"},
            ),
        ],
    ),
    RaisedException(
        type="builtins.KeyError",
        message="'nightly'",
        relation="cause",
        frames=[Frame(file="reports.py", line=57, function="address_of", code="return table[key]")],
    ),
]


def moment() -> dict[str, Any]:
    return {"event_id": str(uuid.uuid4()), "time": datetime.now(UTC), "actor": "anna"}


def test_the_trace_shows_chain_frames_source_and_variables(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Report", exception=CHAIN)
    content = admin.get(page_of(issue_id)).content
    said = text_of(content)
    for part in (
        "reports.NotDelivered",
        "2 totals have nowhere to go",
        "2 calls in libraries",
        "deliver in reports.py , line 44",
        "43 def deliver(totals): 44 send(totals) 45 return True",
        "1 variable totals {'A-17': 1000}",
        "caused by builtins.KeyError",
    ):
        assert part in said, part
    assert content.count(b'<tr class="current"') == 2


def test_the_trace_as_text_reads_like_pythons_own(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Report", exception=CHAIN)
    content = admin.get(page_of(issue_id)).context["trace_text"]
    assert content == (
        "Traceback (most recent call last):\n"
        '  File "reports.py", line 57, in address_of\n'
        "    return table[key]\n"
        "KeyError: 'nightly'\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "lib/threading.py", line 975, in run\n'
        '  File "lib/pool.py", line 58, in work\n'
        '  File "reports.py", line 44, in deliver\n'
        "    send(totals)\n"
        "reports.NotDelivered: 2 totals have nowhere to go"
    )


def test_context_tags_and_people_are_shown_and_linked(admin: Client, tracker: Tracker) -> None:
    run_id = str(uuid.uuid4())
    issue_id = tracker.report(
        "Report",
        tags=["eu"],
        component="reports",
        context={"run_id": run_id, "region": "eu-1", "nested": {"depth": [1, 2]}},
    )
    content = admin.get(page_of(issue_id)).content.decode()
    assert content.count(f'href="/admin/workflow/run/{run_id}/change/"') == 2
    assert "eu-1" in content
    assert "&quot;depth&quot;: [" in content
    assert 'href="/admin/issuetracker/issue/?tag=eu"' in content
    assert 'href="/admin/issuetracker/issue/?context=region%3Deu-1"' in content
    assert 'href="/admin/issuetracker/issue/?component=reports"' in content
    assert 'href="/admin/issuetracker/issue/?reporter=service.reports"' in content
    assert f'href="/api/v1/issues/{issue_id}"' in content


def test_comments_history_and_occurrences_are_shown(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Twice", fingerprint="x", ago=900)
    tracker.report("Twice", fingerprint="x", ago=60, description="The second time")
    tracker.apply(Commented(issue_id=issue_id, body="Looking\ninto it", **moment()))
    tracker.apply(Updated(issue_id=issue_id, status="in_progress", assignee="anna", **moment()))
    said = text_of(admin.get(page_of(issue_id)).content)
    assert "anna , " in said
    assert "Looking into it" in said
    assert "The second time" in said
    assert "anna assigned it to anna, set status to in progress, " in said


def test_the_history_tells_mutes_and_merges_and_links_the_other_issue(
    admin: Client, tracker: Tracker
) -> None:
    one, other = tracker.report("One"), tracker.report("Other")
    for form in ({"mute_events": "1"}, {"unmute": "1"}, {"assignee": ""}, {"merged_into": other}):
        send(admin, one, **form)
    said = text_of(admin.get(page_of(one)).content)
    for part in (
        "root muted it for 1 more event,",
        "root unmuted it,",
        "root unassigned it,",
        f"merged it into issue {other[:8]}",
    ):
        assert part in said, part
    content = admin.get(page_of(other)).content
    assert f"root merged issue {one[:8]} into it" in text_of(content)
    assert f'href="{page_of(one)}">issue {one[:8]}' in content.decode()


def test_reports_of_the_last_48_hours_are_drawn(admin: Client, tracker: Tracker) -> None:
    for hours in (1, 1, 1, 30, 90):
        issue_id = tracker.report("Busy", fingerprint="x", ago=hours * 3600)
    content = admin.get(page_of(issue_id)).content
    bars = [each for tag, each in Tags(content).found if tag == "rect"]
    assert len(bars) == 2
    assert int(bars[0]["height"]) < int(bars[1]["height"])
    assert "4 reports in these 48 hours, at most 3 in one." in text_of(content)


def test_what_was_last_seen_long_ago_is_drawn_up_to_then(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Old", ago=90 * 86_400)
    content = admin.get(page_of(issue_id)).content
    assert "1 report in these 48 hours" in text_of(content)


def test_similar_issues_have_the_exception_or_the_component(
    admin: Client, tracker: Tracker
) -> None:
    raised = [RaisedException(type="reports.NotDelivered")]
    issue_id = tracker.report("NotDelivered: a", component="reports", exception=raised)
    same = tracker.report("NotDelivered: b", component="other", exception=raised)
    beside = tracker.report("Something else", component="reports")
    tracker.report("NotDelivered is only a word here", component="third")
    shown = admin.get(page_of(issue_id)).context["similar"]
    assert [(each.issue.id, each.why) for each in shown] == [
        (same, "also NotDelivered"),
        (beside, "also in reports"),
    ]


def test_a_comment_is_shown_as_markdown(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report()
    body = "**Not** `here`\n\n- [book](https://example.org/run)\n- second"
    tracker.apply(Commented(issue_id=issue_id, body=body, **moment()))
    content = admin.get(page_of(issue_id)).content.decode()
    assert "<p><strong>Not</strong> <code>here</code></p>" in content
    assert '<li><a href="https://example.org/run">book</a></li>' in content


def test_what_is_too_long_for_markdown_is_shown_as_text(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issuetracker.admin.detail.MARKDOWN_MOST", 8)
    issue_id = tracker.report()
    for body in ("*short*", "*later*"):
        tracker.apply(Commented(issue_id=issue_id, body=body, **moment()))
    content = admin.get(page_of(issue_id)).content.decode()
    assert "<em>short</em>" in content
    assert "*later*" in content


def test_long_lists_go_on_at_their_own_address(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issuetracker.admin.detail.DOCUMENTS", 2)
    issue_id = tracker.report("Busy")
    for number in range(3):
        tracker.apply(Commented(issue_id=issue_id, body=f"comment {number}", **moment()))
    first = admin.get(page_of(issue_id))
    assert "comment 2" not in text_of(first.content)
    second = admin.get(page_of(issue_id) + first.context["more_comments"].partition("#")[0])
    assert "comment 2" in text_of(second.content)
    assert "comment 0" not in text_of(second.content)
    assert admin.get(f"{page_of(issue_id)}?comments=nonsense").status_code == 302


def test_an_id_with_temp_shows_the_same_page(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Accepted")
    assert "Accepted" in text_of(admin.get(page_of(f"temp-{issue_id}")).content)


@pytest.mark.parametrize(
    "issue_id",
    [
        "00000000-0000-0000-0000-000000000000",
        "temp-00000000-0000-0000-0000-000000000000",
        "nonsense",
        "00000000000000000000000000000000",
        "{00000000-0000-0000-0000-000000000000}",
        "..",
        "%00",
        "x" * 3000,
    ],
)
def test_an_unknown_id_is_answered_with_a_way_back(
    admin: Client, tracker: Tracker, issue_id: str
) -> None:
    for answer in (
        admin.get(page_of(issue_id)),
        admin.get(f"{page_of(issue_id)}delete/"),
        admin.post(f"{page_of(issue_id)}comment/", {"body": "x"}),
        admin.post(f"{page_of(issue_id)}update/", {"status": "resolved"}),
    ):
        assert answer.status_code == 404
        assert 'href="/admin/issuetracker/issue/"' in answer.content.decode()


def test_a_stub_says_that_its_report_is_missing(admin: Client, tracker: Tracker) -> None:
    issue_id = str(uuid.uuid4())
    tracker.apply(Updated(issue_id=issue_id, status="resolved", **moment()))
    assert "its report has not arrived yet" in text_of(admin.get(page_of(issue_id)).content)
