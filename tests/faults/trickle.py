"""A steady trickle of reports, and the audit of what became of each."""

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import requests

#: Every third report carries this, so that those are one issue with a count.
FINGERPRINT = "trickle"


@dataclass
class Report:
    """One report and every answer it got.

    Attributes:
        event_id: its own, so that a retry is recognised.
        fingerprint: of the issue it belongs to, or None when it is an issue of its own.
        answers: status codes; 0 stands for no answer in time.
        issue_id: the bare id, once a 2xx said it.
    """

    event_id: str
    fingerprint: str | None
    answers: list[int] = field(default_factory=list)
    issue_id: str = ""


class Trickle:
    """Reports at a steady rate, each sent again with its event id until it was accepted.

    Args:
        url: of the API.
        interval: seconds between two reports.
    """

    def __init__(self, url: str, interval: float = 0.05) -> None:
        self._url = f"{url}/api/v1/issues"
        self._interval = interval
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pacer = threading.Thread(target=self._run, daemon=True)
        self.reports: list[Report] = []

    def start(self) -> None:
        """Begin."""
        self._pacer.start()

    def stop(self, within: float = 60) -> None:
        """End, after every report was accepted; fails if one is not accepted in time."""
        self._over.set()
        self._pacer.join(5)
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        waiting = [report for report in self.reports if not report.issue_id]
        assert not waiting, f"{len(waiting)} reports were never accepted: {waiting[:3]}"

    def answers(self) -> Counter[int]:
        """How often each status code was answered; 0: no answer in time."""
        return Counter(code for report in self.reports for code in report.answers)

    def expected(self) -> dict[str, int]:
        """How often each accepted issue must be counted, by bare id."""
        return dict(Counter(report.issue_id for report in self.reports))

    def _run(self) -> None:
        while not self._over.wait(self._interval):
            # A thread each, as the callers are services that know nothing of each other.
            number = len(self.reports)
            report = Report(str(uuid.uuid4()), FINGERPRINT if number % 3 == 0 else None)
            self.reports.append(report)
            thread = threading.Thread(target=self._send, args=(report,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _send(self, report: Report) -> None:
        body = {"title": "Trickle", "component": "trickle", "event_id": report.event_id}
        if report.fingerprint:
            body["fingerprint"] = report.fingerprint
        while not report.issue_id:
            try:
                answer = requests.post(self._url, json=body, timeout=2.0)
            except requests.RequestException:
                report.answers.append(0)
            else:
                report.answers.append(answer.status_code)
                if answer.ok:
                    report.issue_id = answer.json()["id"].removeprefix("temp-")
                    return
            time.sleep(0.5)
