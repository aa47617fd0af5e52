"""Every page, light, dark and on a phone: no complaint of the browser, and a picture of it."""

import uuid
from typing import Any

import pytest

from tests.browser.conftest import Visitor
from tests.browser.site import Site
from tests.system import ROOT

pytestmark = pytest.mark.browser

WINDOWS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 360, "height": 800},
        "has_touch": True,
        "is_mobile": True,
    },
}
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


@pytest.fixture(scope="module")
def pages(site: Site, failed_workflow: tuple[str, str]) -> dict[str, str]:
    """The addresses, with something to see at each."""
    run_id, issue_id = failed_workflow
    attacked = site.report(
        ATTACK, description=ATTACK, component="attacked", context={ATTACK: ATTACK}
    )
    for number in range(3):
        site.report(
            f"A title that is as long as titles get {'on and on ' * 15}{number}",
            tags=["one", "two", "three", "four", "five", "six"],
        )
    site.stored(attacked)
    issues = "/admin/issuetracker/issue/"
    return {
        "home": "/admin/",
        "overview": f"{issues}overview/",
        "issues": issues,
        "no-match": f"{issues}?q=nothing&status=wrong",
        "issue": f"{issues}{issue_id}/",
        "attacked-issue": f"{issues}{attacked}/",
        "delete-issue": f"{issues}{issue_id}/delete/",
        "runs": "/admin/workflow/run/",
        "run": f"/admin/workflow/run/{run_id}/change/",
        "retry": f"/admin/workflow/run/{run_id}/retry/",
        "users": "/admin/auth/user/",
        "api-docs": "/api/v1/docs",
    }


@pytest.mark.parametrize("window", WINDOWS)
def test_no_page_makes_the_browser_complain(
    visitor: Visitor, pages: dict[str, str], window: str
) -> None:
    visit = visitor(**WINDOWS[window])
    for name, path in pages.items():
        visit.open(path)
        if name == "api-docs":
            visit.page.locator(".opblock").first.wait_for()
        visit.shoot(f"{name}-{window}")
        assert visit.complaints == [], name
        assert visit.elsewhere == [], name
        if path.startswith("/admin/"):
            assert visit.violations() == [], f"{name} on a {window} window"
        if path.startswith(("/admin/issue", "/admin/workflow")):
            assert not visit.scrolls_sideways(), f"{name} on a {window} window"


def test_all_own_scripts_and_styles_are_small() -> None:
    own = [
        path
        for folder in ("settings", "issuetracker", "workflow")
        for path in (ROOT / folder / "static").rglob("*")
        if path.suffix in {".js", ".css", ".svg"}
    ]
    assert len(own) > 5
    assert sum(path.stat().st_size for path in own) < 100_000


def test_dark_is_dark(visitor: Visitor, pages: dict[str, str]) -> None:
    visit = visitor(color_scheme="dark")
    visit.open(pages["issue"])
    colours: list[list[int]] = visit.page.evaluate(
        """() => [...document.querySelectorAll('body, .frames.own li, pre, .badge')].map(
             element => getComputedStyle(element).backgroundColor.match(/\\d+/g).map(Number))"""
    )
    assert len(colours) > 5
    for red, green, blue in (colour[:3] for colour in colours):
        assert max(red, green, blue) < 128


@pytest.mark.parametrize("issue_id", ["nonsense", str(uuid.UUID(int=0))])
def test_an_unknown_issue_leads_back_to_the_list(
    visitor: Visitor, site: Site, issue_id: str
) -> None:
    visit = visitor()
    visit.open(f"/admin/issuetracker/issue/{issue_id}/", status=404)
    visit.shoot("unknown-issue")
    visit.page.get_by_role("link", name="Back to the list of issues").click()
    assert visit.page.url == f"{site.url}/admin/issuetracker/issue/"
