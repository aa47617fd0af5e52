"""Changing an issue, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, Visit

pytestmark = pytest.mark.browser


def test_a_comment_shows_at_once_and_a_double_click_makes_one(visit: Visit, site: Site) -> None:
    issue_id = site.report("Discuss me")
    visit.issue(issue_id)
    page = visit.page
    page.get_by_label("Add a comment").fill("Looking into <b>it</b>.\nMore soon.")
    page.get_by_role("button", name="Add comment").dblclick(no_wait_after=True)
    expect(page.locator(".comment .markdown")).to_have_text(["Looking into <b>it</b>.\nMore soon."])
    expect(page.get_by_text("Your comment was added.")).to_be_visible()
    site.stored(issue_id)
    page.reload()
    expect(page.locator(".comment")).to_have_count(1)


def test_status_priority_and_assignee_change_and_are_remembered(visit: Visit, site: Site) -> None:
    issue_id = site.report("Work on me")
    visit.issue(issue_id)
    page = visit.page
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("Assignee set to anna.")).to_be_visible()
    page.get_by_label("Priority").select_option("critical")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".headline .priority-critical")).to_be_visible()
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".headline .status-resolved")).to_be_visible()
    expect(page.locator("#history li")).to_have_count(3)
    stored = site.stored(issue_id)
    assert (stored["status"], stored["priority"], stored["assignee"]) == (
        "resolved",
        "critical",
        "anna",
    )


def test_tags_are_added_and_removed(visit: Visit, site: Site) -> None:
    issue_id = site.report("Tag me", component="labels", tags=["eu"])
    visit.issue(issue_id)
    page = visit.page
    page.get_by_label("More tags").fill("db sluggish")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tags db, sluggish added.")).to_be_visible()
    page.get_by_role("button", name="Remove the tag eu").click()
    expect(page.get_by_text("Tag eu removed.")).to_be_visible()
    expect(page.locator("dl.facts .tag")).to_have_text(["db", "sluggish"])
    expect(page.locator("#history li").last).to_contain_text("anna removed the tag eu")
    visit.shoot("tags")
    assert visit.violations() == []
    page.locator("dl.facts").get_by_role("link", name="sluggish").click()
    expect(page.locator("#result_list a.title")).to_have_text(["Tag me"])


def test_deleting_asks_first_and_can_be_undone(visit: Visit, site: Site) -> None:
    issue_id = site.report("Delete me", component="attic")
    visit.issue(issue_id)
    page = visit.page
    page.get_by_role("link", name="Delete…").click()
    visit.shoot("delete")
    page.get_by_role("link", name="No, take me back").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page).to_have_url(re.compile(r"/issue/$"))
    visit.issues("?component=attic")
    assert visit.titles() == []
    visit.issues("?component=attic&status=deleted")
    page.get_by_role("link", name="Delete me").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".headline .status-open")).to_be_visible()
    visit.issues("?component=attic")
    assert visit.titles() == ["Delete me"]


def test_the_keyboard_is_enough(visit: Visit, site: Site) -> None:
    site.report("Only by keyboard", component="keys")
    page = visit.page
    visit.issues("?component=keys")
    visit.tab_to("#searchbar")
    page.keyboard.type("keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=keyboard**")
    visit.tab_to("#result_list a.title")
    page.keyboard.press("Enter")
    page.wait_for_url("**/issue/*-*/")
    visit.tab_to("#comment-body")
    page.keyboard.type("Typed")
    visit.tab_to("#comments input[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator(".comment .markdown")).to_have_text(["Typed"])
    visit.tab_to("button[value=resolved]")
    assert page.locator("button[value=resolved]").evaluate(
        "element => getComputedStyle(element).outlineStyle"
    ) not in {"none", ""}
    page.keyboard.press("Enter")
    expect(page.locator(".headline .status-resolved")).to_be_visible()


def test_everything_works_without_scripts(visitor: Visitor, site: Site) -> None:
    issue_id = site.report("No scripts")
    visit = visitor(java_script_enabled=False)
    visit.issue(issue_id)
    page = visit.page
    page.get_by_label("Add a comment").fill("Plain")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator(".comment .markdown")).to_have_text(["Plain"])
    page.get_by_role("button", name="Ignore").click()
    expect(page.locator(".headline .status-ignored")).to_be_visible()
