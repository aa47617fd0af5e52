"""Finding an issue and reading it, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import PASSWORD, USER, Site, Visit
from tests.system import eventually

pytestmark = pytest.mark.browser


def test_a_failed_workflow_is_followed_from_the_issue_to_the_run_and_back(
    visit: Visit, failed_workflow: tuple[str, str]
) -> None:
    run_id, issue_id = failed_workflow
    page = visit.page
    visit.issues()
    page.locator("a.title", has_text="ReportNotDelivered").click()
    expect(page.locator("#trace")).to_contain_text("ReportNotDelivered")
    expect(page.locator("#trace")).to_contain_text("caused by")
    expect(page.locator("#trace .frames.own").first).to_be_visible()
    expect(page.locator("#context")).to_contain_text("deliver")
    page.locator("#context").get_by_role("link", name=run_id).click()
    expect(page.locator("#steps")).to_contain_text("collect_trades")
    expect(page.locator("#steps")).to_contain_text("failed")
    page.get_by_role("link", name=re.compile("issue " + issue_id)).click()
    expect(page).to_have_url(re.compile(f"/admin/issuetracker/issue/{issue_id}/$"))


def test_filters_and_search_combine_and_live_in_the_address(visit: Visit, site: Site) -> None:
    for title, component, priority in (
        ("Checkout timeout", "shop", "high"),
        ("Checkout slow", "shop", "low"),
        ("Search timeout", "finder", "high"),
    ):
        site.report(title, component=component, priority=priority)
    page = visit.page
    visit.issues("?within=1h")
    page.get_by_text("Filters", exact=True).click()
    page.locator("#issue-facets").get_by_role("link", name="high").click()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Component").fill("shop")
    page.get_by_role("button", name="Apply").click()
    page.get_by_label("Search issues").fill("time")
    page.get_by_label("Search issues").press("Enter")
    expect(page.locator("#result_list a.title")).to_have_text(["Checkout timeout"])
    for part in ("within=1h", "priority=high", "component=shop", "q=time"):
        assert part in page.url
    visit.shoot("filtered")
    page.locator(".chips").get_by_role("link", name="component: shop").click()
    expect(page.locator("#result_list a.title")).to_have_count(2)
    page.go_back()
    expect(page.locator("#result_list a.title")).to_have_text(["Checkout timeout"])


def test_a_list_says_that_something_new_came_and_stays_as_it_is(visit: Visit, site: Site) -> None:
    site.stored(site.report("Was there", component="newsroom"))
    page = visit.page
    visit.issues("?component=newsroom")
    assert visit.titles() == ["Was there"]
    site.report("Breaking", component="newsroom")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    news = page.get_by_role("link", name="1 new: show")
    news.wait_for()
    assert visit.titles() == ["Was there"]
    visit.shoot("news")
    page.evaluate("window.stays = true")
    news.click()
    expect(page.locator("#result_list a.title")).to_have_text(["Breaking", "Was there"])
    expect(news).to_be_hidden()
    assert page.evaluate("window.stays"), "the page was loaded anew"


def test_a_row_changes_where_it_is_and_stays_chosen(visit: Visit, site: Site) -> None:
    for title in ("Seen again", "Newer"):
        site.stored(site.report(title, component="ticker", fingerprint=title))
    page = visit.page
    visit.issues("?component=ticker")
    row = page.locator("#result_list tbody tr", has_text="Seen again")
    row.get_by_role("checkbox").check()
    issue_id = site.report("Seen again", component="ticker", fingerprint="Seen again")
    eventually(lambda: site.stored(issue_id)["count"] == 2, "it counts twice")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(row.locator(".number")).to_contain_text("2")
    expect(page.get_by_role("link", name="1 changed: show")).to_be_visible()
    assert visit.titles() == ["Newer", "Seen again"]
    expect(row.get_by_role("checkbox")).to_be_checked()
    page.get_by_role("link", name="1 changed: show").click()
    expect(page.locator("#result_list a.title")).to_have_text(["Seen again", "Newer"])
    expect(row.get_by_role("checkbox")).to_be_checked()


def test_the_trace_is_copied_as_text(visitor: Visitor, failed_workflow: tuple[str, str]) -> None:
    visit = visitor(permissions=["clipboard-read", "clipboard-write"])
    visit.issue(failed_workflow[1])
    visit.page.get_by_role("button", name="Copy as text").click()
    expect(visit.page.locator("#trace [role=status]")).to_have_text("Copied.")
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Traceback (most recent call last):")
    assert "direct cause of the following exception" in copied
    assert visit.complaints == []


def test_what_is_not_written_yet_shows_as_pending(visit: Visit, site: Site) -> None:
    site.system.stop("issue-consumer")
    try:
        issue_id = site.report("On its way", component="slow-lane")
        visit.issues("?component=slow-lane")
        expect(visit.page.locator("#result_list .badge.pending")).to_have_text(["pending"])
        visit.shoot("pending")
        visit.issue(f"temp-{issue_id}")
        expect(visit.page.locator("h1.issue-title")).to_have_text("On its way")
    finally:
        site.system.start("issue-consumer")
    site.stored(issue_id)
    visit.issues("?component=slow-lane")
    assert visit.titles() == ["On its way"]
    expect(visit.page.locator("#result_list .badge.pending")).to_have_count(0)


def test_with_the_store_frozen_the_last_hour_shows_and_says_so(visit: Visit, site: Site) -> None:
    if site.store == "postgres":
        pytest.skip("people's logins are in the same database: there is no page without it")
    site.stored(site.report("Fresh", component="during-outage"))
    with site.without(site.store):
        visit.issues("?component=during-outage")
        expect(visit.page.get_by_role("alert")).to_contain_text("The store does not answer.")
        assert visit.titles() == ["Fresh"]
        visit.shoot("degraded")
    visit.issues("?component=during-outage")
    assert visit.titles() == ["Fresh"]
    expect(visit.page.get_by_role("alert")).to_have_count(0)


def test_where_nothing_can_be_shown_the_page_tells_the_way_out(
    visitor: Visitor, site: Site
) -> None:
    visit = visitor()
    # Where the logins go with the store, Redis alone shows nothing to anybody.
    away = {"firestore": ("firestore", "redis"), "postgres": ("postgres",)}[site.store]
    with site.without(*away):
        visit.open("/admin/issuetracker/issue/?status=open", status=503)
        expect(visit.page.get_by_role("alert")).to_contain_text("does not answer")
        assert not visit.scrolls_sideways()
        assert visit.violations() == []
        visit.shoot(f"unavailable-{site.store}")
    visit.page.get_by_role("link", name="Try again").click()
    expect(visit.page.locator("#changelist")).to_be_visible()


def test_a_wrong_password_is_told_and_the_right_one_leads_on(visitor: Visitor) -> None:
    visit = visitor(storage_state=None)
    page = visit.page
    visit.open("/admin/issuetracker/issue/?status=open")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".errornote")).to_contain_text("correct username and password")
    visit.shoot("login-refused")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/admin/issuetracker/issue/\?status=open$"))
    assert visit.complaints == []
