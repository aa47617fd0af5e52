"""From an exception in a service to an issue that a person sees, on real parts throughout."""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import requests
from google.cloud import firestore

from deploy.services import PARTS, Services
from deploy.services.kafka import tool_command
from issuetracker.client import IssueTrackerClient
from tests.system import System, eventually

PROJECT = "end-to-end"


class Flow:
    """The running product and direct lines into its parts."""

    def __init__(self, system: System, addresses: dict[str, str]) -> None:
        self.system = system
        self.url = system.url
        self.kafka = addresses["KAFKA_BOOTSTRAP_SERVERS"]
        self.redis = redis.Redis.from_url(addresses["REDIS_URL"], decode_responses=True)
        # Google's client finds the emulator by the environment alone.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FIRESTORE_EMULATOR_HOST", addresses["FIRESTORE_EMULATOR_HOST"])
            self._firestore = firestore.Client(project=PROJECT)

    def stored(self, issue_id: str) -> dict[str, Any] | None:
        """The issue as Google's own client reads it."""
        document = self._firestore.collection("issues").document(issue_id).get()
        found: dict[str, Any] | None = document.to_dict()
        return found

    def stored_under(self, issue_id: str, collection: str) -> list[dict[str, Any]]:
        """The documents of one collection under the issue."""
        issue = self._firestore.collection("issues").document(issue_id)
        return [document.to_dict() for document in issue.collection(collection).stream()]

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON that the API answers."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=5)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def flow(
    tmp_path_factory: pytest.TempPathFactory, kafka: object, _firestore_host: str
) -> Iterator[Flow]:
    """Web, both consumers, and parts of their own, so that the real names can be used.

    The shared parts are asked for only so that a missing one skips this module by name.
    """
    folder = tmp_path_factory.mktemp("flow")
    services = Services(folder / "services")
    names = ("kafka", "redis", "firestore")
    addresses: dict[str, str] = {}
    try:
        for name in names:
            addresses |= PARTS[name].environment(services.start(name))
        addresses |= {"ISSUETRACKER_STORE": "firestore", "GOOGLE_CLOUD_PROJECT": PROJECT}
        system = System(folder, addresses)
        system.manage("migrate", "--verbosity", "0")
        for role in ("web", "issue-consumer", "workflow-consumer"):
            system.start(role)
        try:
            yield Flow(system, addresses)
        finally:
            system.close()
    finally:
        for name in names:
            services.kill(name)


@pytest.fixture(scope="module")
def reported(flow: Flow) -> str:
    """The id of the issue that the design's own call made, written by the consumer."""
    issue_id = IssueTrackerClient(flow.url).log_issue(
        title="Test Issue",
        description="Test description",
        type="bug",
        priority="medium",
        tags=["test"],
        component="workflow-consumer",
    )
    assert issue_id is not None
    assert re.fullmatch(r"temp-[0-9a-f-]{36}", issue_id)
    bare = issue_id.removeprefix("temp-")
    eventually(
        lambda: flow.stored(bare), f"Firestore holds it\n{flow.system.log('issue-consumer')}"
    )
    return bare


def test_the_api_answers_202_with_the_id_that_firestore_will_have(flow: Flow) -> None:
    answer = requests.post(f"{flow.url}/api/v1/issues", json={"title": "By hand"}, timeout=5)
    assert answer.status_code == 202
    bare = answer.json()["id"].removeprefix("temp-")
    document = eventually(lambda: flow.stored(bare), "Firestore holds it")
    assert document["title"] == "By hand"


def test_firestore_holds_what_was_reported(flow: Flow, reported: str) -> None:
    document = flow.stored(reported)
    assert document is not None
    expected = {
        "title": "Test Issue",
        "description": "Test description",
        "type": "bug",
        "priority": "medium",
        "tags": ["test"],
        "component": "workflow-consumer",
        "status": "open",
        "count": 1,
    }
    assert {name: document[name] for name in expected} == expected


def test_any_redis_client_reads_the_recent_view(flow: Flow, reported: str) -> None:
    assert reported in flow.redis.zrange("issuetracker:issues:recent", 0, -1)
    kept = json.loads(flow.redis.get(f"issuetracker:issue:{reported}") or "null")
    assert kept["title"] == "Test Issue"
    assert 0 < flow.redis.ttl(f"issuetracker:issue:{reported}") <= 3600


def test_the_recent_view_is_right_again_after_a_flush(flow: Flow, reported: str) -> None:
    flow.redis.flushall()
    assert flow.get(f"issues/{reported}")["title"] == "Test Issue"
    assert reported in {item["id"] for item in flow.get("issues")["results"]}
    again = requests.post(f"{flow.url}/api/v1/issues", json={"title": "After"}, timeout=5).json()
    bare = again["id"].removeprefix("temp-")
    eventually(lambda: flow.stored(bare), "Firestore holds it")
    assert bare in flow.redis.zrange("issuetracker:issues:recent", 0, -1)


def test_kafkas_own_console_consumer_prints_readable_json(flow: Flow, reported: str) -> None:
    command = tool_command(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", flow.kafka, "--topic", "alphafusion.issues"),
        *("--from-beginning", "--timeout-ms", "4000"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = next(message for message in messages if message["issue_id"] == reported)
    assert found["issue"]["title"] == "Test Issue"


def test_the_issue_is_read_with_and_without_temp(flow: Flow, reported: str) -> None:
    for issue_id in (reported, f"temp-{reported}"):
        issue = flow.get(f"issues/{issue_id}")
        assert (issue["id"].removeprefix("temp-"), issue["title"]) == (reported, "Test Issue")


def test_a_comment_and_a_status_reach_the_store(flow: Flow, reported: str) -> None:
    client = IssueTrackerClient(flow.url)
    assert client.add_comment(reported, "Looking at it")
    assert client.update_issue_status(f"temp-{reported}", "in_progress")
    document = eventually(
        lambda: (found := flow.stored(reported)) and found["status"] == "in_progress" and found,
        "the status is stored",
    )
    assert document["comment_count"] == 1
    assert [each["body"] for each in flow.stored_under(reported, "comments")] == ["Looking at it"]
    assert len(flow.stored_under(reported, "history")) == 1


def test_a_workflows_exception_becomes_one_issue_with_its_trace_and_its_count(flow: Flow) -> None:
    def issues() -> list[Any]:
        found: list[Any] = flow.get("issues", component="workflow-consumer", type="exception")[
            "results"
        ]
        return found

    flow.system.manage("start_workflow", "nightly-report", "--payload", "{}")
    first = eventually(issues, f"an issue\n{flow.system.log('workflow-consumer')}", within=60)[0]
    before = eventually(
        lambda: (document := flow.stored(first["id"].removeprefix("temp-"))) and document["count"],
        "the issue is stored",
    )
    trace = json.dumps(flow.get(f"issues/{first['id']}")["exception"])
    assert "workflow/workflows.py" in trace
    for _ in range(10):
        flow.system.manage("start_workflow", "nightly-report", "--payload", "{}")
    per_run = before
    eventually(
        lambda: (
            (document := flow.stored(first["id"].removeprefix("temp-")))
            and document["count"] == 11 * per_run
        ),
        "ten more of the same raise its count",
        within=60,
    )
    assert len(issues()) == 1


def test_the_admin_page_shows_the_issue(flow: Flow, reported: str) -> None:
    password = uuid.uuid4().hex
    script = (
        "from django.contrib.auth.models import User;"
        f"User.objects.create_superuser('ada', password={password!r})"
    )
    flow.system.manage("shell", "-c", script)
    session = requests.Session()
    login = f"{flow.url}/admin/login/"
    session.get(login, timeout=5)
    fields = {
        "username": "ada",
        "password": password,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    session.post(login, data=fields, headers={"Referer": login}, timeout=5)
    assert "Test Issue" in session.get(f"{flow.url}/admin/issuetracker/issue/", timeout=5).text
    page = session.get(f"{flow.url}/admin/issuetracker/issue/{reported}/", timeout=5)
    assert "Test description" in page.text
