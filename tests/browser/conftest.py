"""A real Chromium on the whole product: web, consumers, Kafka, Redis, and each store in turn."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.running import STORES, launched, log_in, running_site
from tests.browser.site import SCREENSHOTS, Site, Visit
from tests.services import Chromium

Visitor = Callable[..., Visit]


@pytest.fixture(scope="session", params=STORES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The product on parts of its own, so that tests can stop them; on one store, then the other.

    A part that is not here skips these tests by name.
    """
    with running_site(tmp_path_factory.mktemp("site"), request.param) as running:
        yield running


@pytest.fixture(scope="session")
def failed_workflow(site: Site) -> tuple[str, str]:
    """A run that failed, and the issue it was reported as: their ids."""
    return site.fail_a_workflow()


@pytest.fixture(scope="session")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """The browser, without a window."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
def login(site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of somebody who has logged in through the form."""
    path = tmp_path_factory.mktemp("login") / "state.json"
    log_in(browser, site.url, path)
    return path


@pytest.fixture
def visitor(site: Site, browser: Browser, login: Path) -> Iterator[Visitor]:
    """Opens windows of a logged-in person: ``visitor(color_scheme="dark", …)``."""
    contexts = []

    def visit(**options: Any) -> Visit:
        usual = {"storage_state": login, "viewport": {"width": 1280, "height": 900}}
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        return Visit(context.new_page(), site.url)

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def visit(visitor: Visitor) -> Iterator[Visit]:
    """One window; the browser must not have had a complaint when the test ends."""
    opened = visitor()
    yield opened
    assert opened.complaints == []
    assert opened.elsewhere == []
