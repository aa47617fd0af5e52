"""Starting a failed workflow run again, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.site import Site, Visit
from tests.system import eventually

pytestmark = pytest.mark.browser


def test_a_failed_run_goes_on_at_the_step_that_failed(visit: Visit, site: Site) -> None:
    run_id, _ = site.fail_a_workflow()
    page = visit.page

    def failed() -> bool:
        visit.open(f"/admin/workflow/run/{run_id}/change/")
        return page.get_by_role("link", name="Retry from the failed step").is_visible()

    def attempts_of_the_run() -> int:
        return int(page.locator("dl.facts dt:text-is('Attempts') + dd").inner_text())

    eventually(failed, "the run has failed", every=0.5)
    before = attempts_of_the_run()
    visit.shoot("run-to-retry")
    visit.tab_to("p.retry a")
    page.keyboard.press("Enter")
    expect(page.get_by_text("that succeeded are not done again")).to_be_visible()
    visit.shoot("run-to-retry-confirm")
    visit.tab_to("p.buttons button")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("It is queued again")
    # Nobody loads the page anew: it follows the run, which fails again on purpose.
    expect(page.locator("p.head .badge")).to_have_text("failed", timeout=30_000)
    assert attempts_of_the_run() > before
    expect(page.locator("p.retry a")).to_have_text("Retry from the failed step…")
    expect(page.locator("#steps li").first.locator(".tries")).to_have_text("1 attempt")
