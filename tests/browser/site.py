"""The product as a person with a browser meets it."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

from deploy.services import Services
from tests.system import ROOT, System, eventually

SCREENSHOTS = ROOT / "var" / "screenshots"
_AXE_OPTIONS = {"resultTypes": ["violations"]}
USER, PASSWORD = "anna", "correct-horse-battery"
_taken: set[Path] = set()


class Site:
    """The running product, with everything behind it.

    Attributes:
        system: its processes.
        services: Kafka, Redis and the store, which nobody else uses.
        store: the part that keeps the issues: ``firestore`` or ``postgres``.
        url: address of the web process.
    """

    def __init__(self, system: System, services: Services, store: str) -> None:
        self.system = system
        self.services = services
        self.store = store
        self.url = system.url

    def report(self, title: str, **fields: Any) -> str:
        """Report an issue over the API; its bare id."""
        answer = requests.post(
            f"{self.url}/api/v1/issues", json={"title": title, **fields}, timeout=5
        )
        assert answer.status_code in {201, 202}, answer.text
        issue_id: str = answer.json()["id"]
        return issue_id.removeprefix("temp-")

    def issue(self, issue_id: str) -> dict[str, Any] | None:
        """The issue over the API, or None before it is there."""
        answer = requests.get(f"{self.url}/api/v1/issues/{issue_id}", timeout=10)
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == 200 else None

    def stored(self, issue_id: str) -> dict[str, Any]:
        """The issue, once the consumer has written it."""

        def look() -> dict[str, Any] | None:
            found = self.issue(issue_id)
            return found if found and not found["pending"] else None

        return eventually(look, "the consumer has written the issue")

    @contextmanager
    def without(self, *parts: str) -> Iterator[None]:
        """Freeze parts for a while, and wait until no worker feels it any more.

        PostgreSQL is killed: to wait for a frozen one is all that any client of it can do.
        """
        for name in parts:
            if name == "postgres":
                self.services.kill(name)
            else:
                self.services.pause(name)
        try:
            yield
        finally:
            for name in parts:
                if name == "postgres":
                    self.services.start(name)
                else:
                    self.services.resume(name)
            self.recovered()

    def recovered(self) -> None:
        """Wait until every web worker finds every part again.

        Each has breakers of its own, and which worker answers is chance: as many whole answers in
        a row as one of several workers can hardly give alone.
        """
        eventually(self._answers_whole, "every worker finds every part", every=0.2)

    def _answers_whole(self) -> bool:
        return all(self._lists_all() and self._is_ready() for _ in range(20))

    def _lists_all(self) -> bool:
        answer = requests.get(f"{self.url}/api/v1/issues", params={"limit": 1}, timeout=10)
        return answer.status_code == 200 and not answer.json()["degraded"]

    def _is_ready(self) -> bool:
        answer = requests.get(f"{self.url}/readyz", timeout=10)
        return bool(answer.json()["status"] == "ready")

    def fail_a_workflow(self) -> tuple[str, str]:
        """Start the workflow that fails on purpose: ids of its run and of the issue."""
        run_id = str(uuid.uuid4())
        self.system.manage("start_workflow", "nightly-report", "--run-id", run_id)

        def look() -> str | None:
            listed = requests.get(
                f"{self.url}/api/v1/issues", params={"component": "workflow-consumer"}, timeout=10
            ).json()
            return next((found["id"] for found in listed["results"]), None)

        issue_id = eventually(look, f"an issue\n{self.system.log('workflow-consumer')}")
        self.stored(issue_id)
        return run_id, issue_id


class Visit:
    """One person's browser window.

    Attributes:
        page: Playwright's page.
        complaints: what the browser complained of: policy violations, script errors, failures.
        elsewhere: requests that left for another host.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._watch(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self.complaints.append(f"{message.type}: {message.text} ({where})")

    def _watch(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:")):
            self.elsewhere.append(address)

    def open(self, path: str, status: int = 200) -> None:
        """Open a page of the site."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"

    def issues(self, query: str = "") -> None:
        """Open the list of issues."""
        self.open(f"/admin/issuetracker/issue/{query}")

    def issue(self, issue_id: str) -> None:
        """Open the page of an issue."""
        self.open(f"/admin/issuetracker/issue/{issue_id}/")

    def titles(self) -> list[str]:
        """The titles in the list."""
        return self.page.locator("#result_list a.title").all_inner_texts()

    def shoot(self, name: str) -> Path:
        """Keep a picture of the whole page; one is enough of what looks alike on every store."""
        path = SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"
        if path not in _taken:
            self.page.screenshot(path=path, full_page=True)
            _taken.add(path)
        return path

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than the window."""
        # A click waits until the next page begins; without its styles any page is too wide.
        self.page.wait_for_load_state()
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    def violations(self) -> list[str]:
        """What keeps people from using the page, as axe-core finds it."""
        self.page.wait_for_load_state()
        before = list(self.complaints)
        found = Axe().run(self.page, options=_AXE_OPTIONS).response["violations"]
        # It tries inline styles to look behind the page, of which the browser complains.
        self.complaints[:] = before
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]

    def tab_to(self, selector: str) -> None:
        """Press Tab until the element has the focus, as somebody without a mouse does."""
        wanted = self.page.locator(selector).first
        for _ in range(150):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab never reaches {selector}")
