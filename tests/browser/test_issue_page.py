"""Working on an issue from its page, in a real browser: muting, merging, Markdown."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, Visit
from tests.browser.test_every_page import WINDOWS

pytestmark = pytest.mark.browser

COMMENT = """The queue **was full**, see `queue.py`:

1. stop the sender
2. empty it

> as in [the runbook](https://example.org/runbook)

```
empty --all
```"""


def test_a_mute_is_set_and_ended_with_the_keyboard(visit: Visit, site: Site) -> None:
    issue_id = site.stored(site.report("Mute me", component="muting"))["id"]
    visit.issue(issue_id)
    page = visit.page
    visit.tab_to("summary:text('Mute')")
    page.keyboard.press("Enter")
    visit.tab_to("#mute-events")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator(".headline .muted")).to_have_text("muted for 3 more events")
    visit.issues("?component=muting")
    assert visit.titles() == []
    visit.issue(issue_id)
    page.get_by_role("button", name="Unmute").click()
    expect(page.locator(".headline .muted")).to_have_count(0)
    page.get_by_text("Mute…").click()
    page.get_by_role("button", name="Mute for 1 hour").click()
    expect(page.locator(".headline .muted")).to_contain_text("muted until")
    expect(page.locator("#history li")).to_have_count(3)


def test_issues_are_merged_by_address_and_taken_apart(visit: Visit, site: Site) -> None:
    one, other = (site.report(title, component="merging") for title in ("Copy", "Original"))
    site.stored(one)
    site.stored(other)
    visit.issue(other)
    page = visit.page
    address = page.url
    visit.issue(one)
    page.get_by_text("Merge…").click()
    page.get_by_label("Into the issue").fill(address)
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("link", name="Original").click()
    expect(page.locator("#merged")).to_contain_text("Copy")
    expect(page.locator(".headline")).to_contain_text("seen 2 times")
    page.get_by_role("link", name="Copy").click()
    expect(page.locator("#similar")).to_have_count(0)
    visit.shoot("merged-issue")
    page.get_by_role("button", name="Take it out again").click()
    expect(page.get_by_role("button", name="Resolve")).to_be_visible()
    visit.issues("?component=merging")
    assert set(visit.titles()) == {"Copy", "Original"}


def test_a_status_that_is_taken_meanwhile_is_said_not_set(visit: Visit, site: Site) -> None:
    issue_id = site.report("Two at once")
    visit.issue(issue_id)
    with visit.page.context.new_page() as another:
        another.goto(visit.page.url)
        another.get_by_role("button", name="Resolve").click()
        expect(another.locator(".headline .status-resolved")).to_be_visible()
    visit.page.get_by_role("button", name="Ignore").click()
    expect(visit.page.locator(".messagelist")).to_contain_text("resolved cannot become ignored")
    expect(visit.page.locator(".headline .status-resolved")).to_be_visible()


@pytest.mark.parametrize("window", WINDOWS)
def test_a_worked_on_issue_is_readable_in_every_window(
    visitor: Visitor, site: Site, window: str
) -> None:
    visit = visitor(**WINDOWS[window])
    frame = {"file": "queue.py", "line": 12, "function": "push", "code": "    put(item)"}
    raised = [
        {
            "type": "queue.Full",
            "message": "no room",
            "frames": [
                {**frame, "file": "lib/pool.py", "own": False},
                {**frame, "variables": {"item": "{'id': 17}", "size": "1000"}},
            ],
        }
    ]
    for title in ("Full: no room", "Full: no room at all"):
        report = {"component": f"page-{window}", "exception": raised, "tags": ["eu", "db:main"]}
        for _ in range(2):
            issue_id = site.report(title, fingerprint=title, **report)
    visit.issue(site.stored(issue_id)["id"])
    page = visit.page
    page.get_by_label("Add a comment").fill(COMMENT)
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator(".markdown ol li")).to_have_count(2)
    page.get_by_role("button", name="Assign to me").click()
    page.get_by_text("Mute…").click()
    page.get_by_text("Merge…").click()
    expect(page.locator("#similar li").first).to_contain_text("Full: no room")
    expect(page.locator("#activity rect")).to_have_count(1)
    visit.shoot(f"worked-on-issue-{window}")
    assert not visit.scrolls_sideways()
    assert visit.complaints == []
