"""Tokens, users, the audit log and the throttled login, in a real browser."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, Visit
from tests.browser.test_every_page import WINDOWS

pytestmark = pytest.mark.browser

TOKENS = "/admin/access/servicetoken/"
SECRET = re.compile(r"aft_[\w-]{43}")


def make(visit: Visit, service: str, purpose: str = "") -> str:
    """Make a token as a person does, and stay on the page that shows it; the token."""
    visit.open(f"{TOKENS}add/")
    page = visit.page
    page.get_by_label("Service").fill(service)
    page.get_by_label("Purpose").fill(purpose)
    page.get_by_role("button", name="Make the token").click()
    expect(page.locator("#secret")).to_have_text(SECRET)
    return page.locator("#secret").inner_text()


def may_read(site: Site, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return requests.get(f"{site.url}/api/v1/issues", headers=headers, timeout=10).status_code


def test_a_token_is_made_copied_and_revoked(visitor: Visitor, site: Site) -> None:
    visit = visitor(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    secret = make(visit, "shop", "production")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert may_read(site, secret) == 200
    page.get_by_role("link", name="To the list of tokens").click()
    expect(page.locator("#result_list")).to_contain_text("production")
    page.get_by_role("link", name=f"{secret[:12]}…").click()
    page.get_by_role("link", name="Revoke…").click()
    page.get_by_role("link", name="No, take me back").click()
    page.get_by_role("link", name="Revoke…").click()
    page.get_by_role("button", name="Yes, revoke it").click()
    expect(page.locator(".messagelist")).to_contain_text("is revoked")
    expect(page.locator("#result_list tr", has_text=secret[:12])).to_contain_text("revoked")
    assert visit.complaints == []


def test_the_way_back_does_not_show_the_token_again(visit: Visit) -> None:
    secret = make(visit, "shop")
    page = visit.page
    page.get_by_role("link", name="To the list of tokens").click()
    expect(page.locator("#result_list")).to_be_visible()
    # Chromium has not kept it, and asks before it sends a form again.
    with pytest.raises(PlaywrightError, match="ERR_CACHE_MISS"):
        page.go_back()
    expect(page.locator("body")).not_to_contain_text(secret)
    visit.complaints.clear()


def test_a_browser_that_keeps_pages_for_the_way_back_keeps_no_token(visit: Visit) -> None:
    make(visit, "shop")
    visit.page.evaluate("dispatchEvent(new Event('pagehide'))")
    expect(visit.page.locator("#secret")).to_have_text("(shown once)")


def test_a_double_click_makes_one_token_and_shows_it(visit: Visit) -> None:
    visit.open(f"{TOKENS}add/")
    page = visit.page
    page.get_by_label("Service").fill("double")
    page.get_by_role("button", name="Make the token").dblclick(no_wait_after=True)
    expect(page.locator("#secret")).to_have_text(SECRET)
    visit.open(f"{TOKENS}?q=double")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_a_token_is_made_with_the_keyboard_alone(visit: Visit) -> None:
    visit.open(f"{TOKENS}add/")
    page = visit.page
    visit.tab_to("#id_service")
    page.keyboard.type("keyboard")
    visit.tab_to("#id_permissions_1")
    page.keyboard.press("Space")
    visit.tab_to("input[type=submit].default")
    page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_have_text(SECRET)
    expect(page.locator("dl.facts")).to_contain_text("report, write")
    visit.tab_to("#secret")


@pytest.fixture
def locked(visitor: Visitor, site: Site) -> Iterator[Visitor]:
    """Nobody's name is stopped when the next test begins."""
    yield visitor
    site.system.manage("axes_reset")


def test_too_many_failed_logins_are_stopped_and_lifted(locked: Visitor, site: Site) -> None:
    visit = locked(storage_state=None)
    visit.open("/admin/")
    for _ in range(5):
        fail_to_log_in(visit)
    for window, options in WINDOWS.items():
        visit = locked(**{"storage_state": None, **options})
        visit.open("/admin/")
        fail_to_log_in(visit)
        page = visit.page
        expect(page.get_by_role("heading", name="Too many failed logins")).to_be_visible()
        expect(page.get_by_text(re.compile("Try again in 1[45] minutes"))).to_be_visible()
        visit.shoot(f"locked-out-{window}")
        assert not visit.scrolls_sideways()
        assert [c for c in visit.complaints if "429" not in c] == []
    site.system.manage("axes_reset_username", "bruno")
    page.get_by_role("link", name="To the login").click()
    fail_to_log_in(visit)
    expect(page.locator(".errornote")).to_contain_text("correct username and password")


def fail_to_log_in(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Username").fill("bruno")
    page.get_by_label("Password").fill("wrong")
    with page.expect_navigation():
        page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("window", WINDOWS)
def test_no_page_makes_the_browser_complain(visitor: Visitor, window: str) -> None:
    visit = visitor(**WINDOWS[window])
    page = visit.page
    visit.open(f"{TOKENS}add/")
    visit.shoot(f"token-form-{window}")
    page.get_by_label("Service").fill("no good name")
    page.get_by_role("button", name="Make the token").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    visit.shoot(f"token-form-wrong-{window}")
    # The answer's status is an error on the console too.
    visit.complaints.clear()
    make(visit, f"window-{window}", "in the deployment's secrets, production")
    visit.shoot(f"token-made-{window}")
    assert not visit.scrolls_sideways()
    page.get_by_role("link", name="To the list of tokens").click()
    visit.shoot(f"tokens-{window}")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator("dl.facts")).to_be_visible()
    visit.shoot(f"token-{window}")
    assert not visit.scrolls_sideways()
    page.get_by_role("link", name="Revoke…").click()
    visit.shoot(f"token-revoke-{window}")
    assert not visit.scrolls_sideways()
    for name, path in {
        "audit-log": "/admin/access/auditentry/",
        "user": "/admin/auth/user/1/change/",
        "user-new": "/admin/auth/user/add/",
        "user-password": "/admin/auth/user/1/password/",
        "user-history": "/admin/auth/user/1/history/",
        "user-delete": "/admin/auth/user/1/delete/",
        "roles": "/admin/auth/group/",
        "role": "/admin/auth/group/1/change/",
        "password": "/admin/password_change/",
    }.items():
        visit.open(path)
        visit.shoot(f"{name}-{window}")
    assert visit.complaints == []
    assert visit.elsewhere == []
