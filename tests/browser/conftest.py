"""A real Chromium on the whole product: web, consumers, Kafka, Redis, and each store in turn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.services import Services
from tests.browser.site import PASSWORD, SCREENSHOTS, USER, Site, Visit
from tests.services import Chromium, own_part
from tests.system import System

#: The part that keeps the issues, and what makes it the store.
STORES = {
    "firestore": {"ISSUETRACKER_STORE": "firestore", "GOOGLE_CLOUD_PROJECT": "browser"},
    "postgres": {"ISSUETRACKER_STORE": "database"},
}
#: On a busy machine Redis needs longer than it has in production to show what was accepted.
PATIENCE = "?socket_timeout=2&socket_connect_timeout=2"

Visitor = Callable[..., Visit]


@pytest.fixture(scope="session", params=STORES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The product on parts of its own, so that tests can stop them; on one store, then the other.

    A part that is not here skips these tests by name.
    """
    folder = tmp_path_factory.mktemp("site")
    services = Services(folder / "services")
    parts = ("kafka", "redis", request.param)
    environment = {**STORES[request.param], "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    try:
        with ThreadPoolExecutor() as together:
            for found in together.map(partial(own_part, services), parts):
                environment |= found
        environment["REDIS_URL"] += PATIENCE
        system = System(folder, environment)
        try:
            _begin(system)
            yield Site(system, services, request.param)
        finally:
            system.close()
    finally:
        for name in parts:
            services.kill(name)


def _begin(system: System) -> None:
    system.manage("migrate", "--verbosity", "0")
    system.manage("createsuperuser", "--noinput", "--username", USER, "--email", "")
    with ThreadPoolExecutor() as together:
        list(together.map(system.start, ("web", "issue-consumer", "workflow-consumer")))


@pytest.fixture(scope="session")
def failed_workflow(site: Site) -> tuple[str, str]:
    """A run that failed, and the issue it was reported as: their ids."""
    return site.fail_a_workflow()


@pytest.fixture(scope="session")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """The browser, without a window."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium.executable, args=list(chromium.arguments)
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def login(site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of somebody who has logged in through the form."""
    path = tmp_path_factory.mktemp("login") / "state.json"
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/admin/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Issues").wait_for()
    context.storage_state(path=path)
    context.close()
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
