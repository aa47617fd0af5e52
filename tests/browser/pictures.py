"""Pictures of every page with something to see on it: ``python -m tests.browser.pictures``.

In a light, a dark and a phone's window, under the rules of production, into var/pictures.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.testing")
django.setup()

from django.db import connections  # noqa: E402 - needs the settings
from playwright.sync_api import Browser  # noqa: E402

from issuetracker.providers.database import DatabaseHelperProvider  # noqa: E402
from tests.browser.demo import furnish  # noqa: E402
from tests.browser.running import launched, log_in, running_site  # noqa: E402
from tests.browser.site import USER, Site, Visit  # noqa: E402
from tests.browser.test_every_page import WINDOWS  # noqa: E402
from tests.kafka_worker.helpers import produce  # noqa: E402
from tests.services import find_chromium  # noqa: E402
from tests.stores import database_alias  # noqa: E402
from tests.system import ROOT  # noqa: E402

FOLDER = ROOT / "var" / "pictures"
_ISSUES = "/admin/issuetracker/issue/"
#: What is in docs/ is the top of these, in 64 colours.
_IN_README = ("overview", "list", "issue")
_BEHIND_TLS = {"extra_http_headers": {"X-Forwarded-Proto": "https"}}


def main() -> int:
    """Take them all; 1 where a page is wider than its window."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    too_wide = []
    with tempfile.TemporaryDirectory() as name, _site(Path(name)) as site:
        addresses = _addresses(site)
        with launched(find_chromium()) as browser:
            for window, options in WINDOWS.items():
                for page, wide in _take(browser, site, Path(name), window, options, addresses):
                    too_wide += [page] if wide else []
    for page in too_wide:
        print(f"wider than the window: {page}")
    print(f"Pictures are in {FOLDER}")
    return 1 if too_wide else 0


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    folder.chmod(0o755)  # PostgreSQL's user goes through it
    environment = {
        "DJANGO_SETTINGS_MODULE": "settings.base",  # not those that this process has
        "DJANGO_DEBUG": "",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
    }
    with running_site(folder, "postgres", environment) as site:
        site.system.manage("collectstatic", "--noinput", "--verbosity", "0")
        site.system.stop("web")
        site.system.environment["DJANGO_CSRF_TRUSTED_ORIGINS"] = site.url
        site.system.start("web")
        yield site


def _addresses(site: Site) -> dict[str, str]:
    with database_alias(site.system.environment["DATABASE_URL"]) as alias:
        shown = furnish(DatabaseHelperProvider(using=alias), USER)
        connections[alias].close()
    run_id, failed = site.fail_a_workflow()
    brokers = site.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    produce(brokers, "alphafusion.issues", [b'{"kind": "reported", "version": 9}'], key=b"demo")
    site.system.manage("create_service_token", "billing-api", "--purpose", "production")
    letters = "/admin/kafka_worker/deadletter/?handler=issue-consumer"
    return {
        "overview": f"{_ISSUES}overview/",
        "list": _ISSUES,
        "list-filtered": f"{_ISSUES}?status=open&priority=high&priority=critical&tag=eu",
        "list-nothing": f"{_ISSUES}?q=zeppelin&status=open",
        "issue": f"{_ISSUES}{shown}/",
        "issue-of-a-run": f"{_ISSUES}{failed}/",
        "delete": f"{_ISSUES}{shown}/delete/",
        "rules": "/admin/issuetracker/rule/",
        "rule": "/admin/issuetracker/rule/add/",
        "tokens": "/admin/access/servicetoken/",
        "token-form": "/admin/access/servicetoken/add/",
        "audit": "/admin/access/auditentry/",
        "letters": letters,
        "runs": "/admin/workflow/run/",
        "run": f"/admin/workflow/run/{run_id}/change/",
        "users": "/admin/auth/user/",
        "user": "/admin/auth/user/1/change/",
        "home": "/admin/",
        "api-docs": "/api/v1/docs",
        "missing-issue": f"{_ISSUES}nonsense/",
        "not-found": "/nowhere",
    }


def _take(
    browser: Browser,
    site: Site,
    folder: Path,
    window: str,
    options: Mapping[str, Any],
    addresses: Mapping[str, str],
) -> Iterator[tuple[str, bool]]:
    state = folder / f"{window}.json"
    usual = {"viewport": {"width": 1280, "height": 900}, **_BEHIND_TLS, **options}
    with browser.new_context(**usual) as stranger:
        visit = Visit(stranger.new_page(), site.url)
        visit.page.goto(f"{site.url}/admin/")
        visit.page.screenshot(path=FOLDER / f"login-{window}.png")
    log_in(browser, site.url, state, **usual)
    with browser.new_context(storage_state=state, **usual) as context:
        visit = Visit(context.new_page(), site.url)
        for name, address in addresses.items():
            visit.page.goto(site.url + address)
            _open_up(visit, name)
            visit.page.screenshot(path=FOLDER / f"{name}-{window}.png", full_page=True)
            if name in _IN_README and window == "light":
                visit.page.screenshot(path=FOLDER / f"readme-{name}.png")
            yield f"{name}-{window}", visit.scrolls_sideways()


def _open_up(visit: Visit, name: str) -> None:
    if name == "list-filtered":
        visit.page.get_by_text("Filters", exact=True).click()
    if name == "api-docs":
        visit.page.locator(".opblock").first.wait_for()


if __name__ == "__main__":
    sys.exit(main())
