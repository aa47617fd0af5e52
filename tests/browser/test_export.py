"""Downloading a list, in a real browser and through the real web server."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "look", [{}, {"color_scheme": "dark", "viewport": {"width": 375, "height": 800}}]
)
def test_what_is_listed_is_downloaded_by_keyboard(
    visitor: Visitor, site: Site, tmp_path: Path, look: dict[str, object]
) -> None:
    component = f"export{len(look)}"
    for title in ("First", "=1+1"):
        site.stored(site.report(title, component=component))
    visit = visitor(**look)
    page = visit.page
    visit.issues(f"?component={component}")
    link = page.locator("#exports").get_by_role("link", name="CSV")
    expect(page.locator("#exports").get_by_role("link")).to_have_count(2)
    link.focus()
    visit.shoot(component)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")
    download.value.save_as(tmp_path / "issues.csv")
    with (tmp_path / "issues.csv").open(newline="") as content:
        assert [row["title"] for row in csv.DictReader(content)] == ["First", "'=1+1"]
