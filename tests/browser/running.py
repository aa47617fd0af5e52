"""The product and a browser, started for tests and for pictures."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from deploy.services import Services
from tests.browser.site import PASSWORD, USER, Site
from tests.services import Chromium, own_part
from tests.system import System

#: The part that keeps the issues, and what makes it the store.
STORES = {
    "firestore": {"ISSUETRACKER_STORE": "firestore", "GOOGLE_CLOUD_PROJECT": "browser"},
    "postgres": {"ISSUETRACKER_STORE": "database"},
}
#: On a busy machine Redis needs longer than it has in production to show what was accepted.
PATIENCE = "?socket_timeout=2&socket_connect_timeout=2"


@contextmanager
def running_site(
    folder: Path, store: str, environment: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """The product on parts of its own.

    Args:
        folder: for all that it keeps.
        store: a key of `STORES`.
        environment: what differs from a development set-up.
    """
    services = Services(folder / "services")
    parts = ("kafka", "redis", store)
    variables = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, **STORES[store], **(environment or {})}
    try:
        with ThreadPoolExecutor() as together:
            for found in together.map(partial(own_part, services), parts):
                variables |= found
        variables["REDIS_URL"] += PATIENCE
        system = System(folder, variables)
        try:
            _begin(system)
            yield Site(system, services, store)
        finally:
            system.close()
    finally:
        running = services.running()
        for name in parts:
            services.kill(name)
        for instance in running.values():
            shutil.rmtree(instance.data)  # PostgreSQL's is not always in the folder


def _begin(system: System) -> None:
    system.manage("migrate", "--verbosity", "0")
    system.manage("createsuperuser", "--noinput", "--username", USER, "--email", "")
    with ThreadPoolExecutor() as together:
        list(together.map(system.start, ("web", "issue-consumer", "workflow-consumer")))


@contextmanager
def launched(chromium: Chromium) -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable, args=list(chromium.arguments)
        )
        yield browser
        browser.close()


def log_in(browser: Browser, url: str, path: Path, **options: Any) -> None:
    """Log in through the form, and keep the cookies at ``path``; ``options`` are the window's."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(f"{url}/admin/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Issues").wait_for()
    context.storage_state(path=path)
    context.close()
