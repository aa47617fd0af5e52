"""Choosing issues in the list and changing them together, by mouse and by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, Visit
from tests.system import eventually

pytestmark = pytest.mark.browser


def report_three(site: Site, component: str) -> None:
    for number in (1, 2, 3):
        site.stored(site.report(f"Issue {number}", component=component))


def states(page: Page) -> list[str]:
    return page.locator("#result_list td.state .badge:first-child").all_inner_texts()


def become(page: Page, wanted: list[str]) -> None:
    """Wait until these are the states: on a busy machine Redis may be late, and the store is."""

    def look() -> bool:
        if sorted(states(page)) == wanted:
            return True
        page.reload()
        return False

    eventually(look, f"the states {wanted}", every=0.5)


def test_the_chosen_issues_are_resolved_counted_and_set_back(visit: Visit, site: Site) -> None:
    report_three(site, "choice")
    page = visit.page
    visit.issues("?component=choice")
    expect(page.get_by_role("button", name="Resolve")).to_be_disabled()
    page.get_by_label("Select Issue 2").check()
    page.get_by_label("Select Issue 1").check()
    expect(page.locator("#chosen")).to_have_text("2 selected:")
    visit.shoot("chosen")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("status").filter(has_text="2 issues resolved.")).to_be_visible()
    become(page, ["open", "resolved", "resolved"])
    assert "component=choice" in page.url
    visit.shoot("resolved")
    assert visit.violations() == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: 2 issues set back to what was before.")).to_be_visible()
    become(page, ["open", "open", "open"])


def test_all_of_a_page_are_chosen_at_once(visit: Visit, site: Site) -> None:
    report_three(site, "everything")
    page = visit.page
    visit.issues("?component=everything")
    page.get_by_label("Select all issues on this page").check()
    expect(page.locator("#chosen")).to_have_text("3 selected:")
    page.get_by_label("Select Issue 2").uncheck()
    page.get_by_label("New priority").select_option("critical")
    page.get_by_role("button", name="Set priority").click()
    expect(page.get_by_text("2 issues set to priority critical.")).to_be_visible()
    page.get_by_label("Select Issue 2").check()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("1 issue assigned to anna.")).to_be_visible()


def test_enter_in_the_field_of_tags_adds_them_and_a_mute_clears_the_list(
    visit: Visit, site: Site
) -> None:
    report_three(site, "tagging")
    page = visit.page
    visit.issues("?component=tagging")
    expect(page.get_by_label("Tags", exact=True)).to_be_disabled()
    page.get_by_label("Select Issue 2").check()
    page.get_by_label("Tags", exact=True).fill("db, slow")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 issue tagged db, slow.")).to_be_visible()
    tagged = page.locator("#result_list tr", has_text="Issue 2")
    expect(tagged.get_by_role("link", name="slow")).to_be_visible()
    page.get_by_label("Select all issues on this page").check()
    page.get_by_label("Mute for").select_option("1 week")
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.get_by_text("3 issues muted for 1 week.")).to_be_visible()
    visit.shoot("all-muted")
    assert visit.violations() == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: 3 issues set back to what was before.")).to_be_visible()


def test_single_keys_move_choose_search_and_help(visit: Visit, site: Site) -> None:
    report_three(site, "keyed")
    page = visit.page
    visit.issues("?component=keyed")
    focused = page.locator("a.title:focus")
    for key, title in (
        *(("j", "Issue 3"), ("j", "Issue 2"), ("ArrowDown", "Issue 1"), ("j", "Issue 1")),
        *(("k", "Issue 2"), ("ArrowUp", "Issue 3")),
    ):
        page.keyboard.press(key)
        expect(focused).to_have_text(title)
    page.keyboard.press("x")
    expect(page.get_by_label("Select Issue 3")).to_be_checked()
    expect(page.locator("#chosen")).to_have_text("1 selected:")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    visit.shoot("keyboard-help")
    assert visit.violations() == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()
    page.keyboard.type("jkx is:open?")
    expect(page.locator("#searchbar")).to_have_value("jkx is:open?")
    page.locator("#searchbar").fill("is:open issue")
    page.keyboard.press("Enter")
    page.wait_for_url("**status=open**")
    expect(page.locator(".chips")).to_contain_text("status: open")
    assert len(visit.titles()) == 3


def test_single_keys_can_be_switched_off(visit: Visit, site: Site) -> None:
    report_three(site, "quiet-keys")
    page = visit.page
    visit.issues("?component=quiet-keys")
    visit.tab_to("#help-button")
    page.keyboard.press("Enter")
    page.get_by_label("Single keys work as shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator("a.title:focus")).to_have_count(0)


def test_tab_leaves_the_list_again(visit: Visit, site: Site) -> None:
    report_three(site, "no-trap")
    visit.issues("?component=no-trap")
    visit.tab_to("#result_list tbody tr:last-child a.title")
    visit.tab_to(".theme-toggle, #user-tools a")


def test_it_works_without_scripts(visitor: Visitor, site: Site) -> None:
    report_three(site, "scriptless")
    visit = visitor(java_script_enabled=False)
    visit.issues("?component=scriptless")
    visit.page.get_by_label("Select Issue 2").check()
    visit.page.get_by_role("button", name="Resolve").click()
    expect(visit.page.get_by_text("1 issue resolved.")).to_be_visible()
    visit.page.get_by_role("button", name="Undo").click()
    expect(visit.page.get_by_text("Undone: 1 issue set back")).to_be_visible()
