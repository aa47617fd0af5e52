"""The overview: what broke lately, and whether reports flow."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings

from issuetracker.admin import flow, overview
from issuetracker.exceptions import StoreUnavailable
from issuetracker.messages import Updated
from issuetracker.providers.database import DatabaseHelperProvider
from kafka_worker.exceptions import Unavailable
from kafka_worker.inspection import Group, Member, Place
from tests.admin.conftest import Tracker
from tests.admin.pages import LIST, text_of
from tests.services import KafkaBroker
from tests.system import eventually
from workflow.models import Run

OVERVIEW = f"{LIST}overview/"
HOUR = 3600


def card(content: bytes, name: str) -> str:
    """What the card of this name says."""
    found = re.search(
        rf'<section [^>]*aria-labelledby="{name}-title">.*?</section>', content.decode(), re.DOTALL
    )
    assert found is not None, name
    return text_of(found[0].encode())


def links(content: bytes, name: str) -> list[str]:
    """Where the links of a card go."""
    found = re.search(
        rf'<section [^>]*aria-labelledby="{name}-title">.*?</section>', content.decode(), re.DOTALL
    )
    assert found is not None, name
    return [each.replace("&amp;", "&") for each in re.findall(r'href="([^"]*)"', found[0])]


def test_what_is_new_is_counted_and_listed(admin: Client, tracker: Tracker) -> None:
    tracker.report("Old news", ago=30 * HOUR)
    for number in range(7):
        tracker.report(f"New {number}", ago=60 * number)
    content = admin.get(OVERVIEW).content
    said = card(content, "new")
    assert " 7 " in said
    assert "New 0" in said
    assert "New 6" not in said
    assert "Old news" not in said
    listed = admin.get(links(content, "new")[0])
    assert listed.content.decode().count('class="title"') == 7


def test_counting_ends_where_it_would_become_a_scan(admin: Client, tracker: Tracker) -> None:
    for number in range(overview.COUNTED + 1):
        tracker.report(f"New {number}", ago=number)
    assert "50 or more" in card(admin.get(OVERVIEW).content, "new")


def test_what_came_back_is_listed_whatever_its_age(admin: Client, tracker: Tracker) -> None:
    issue_id = tracker.report("Back again", fingerprint="back", ago=90 * HOUR)
    tracker.apply(
        Updated(
            issue_id=issue_id,
            event_id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            actor="anna",
            status="resolved",
        )
    )
    assert "Nothing that was resolved came back." in card(admin.get(OVERVIEW).content, "regressed")
    tracker.report("Back again", fingerprint="back", ago=-5)
    content = admin.get(OVERVIEW).content
    assert "Back again" in card(content, "regressed")
    assert "Back again" in text_of(admin.get(links(content, "regressed")[0]).content)


def test_what_is_seen_more_than_usual_rises(admin: Client, tracker: Tracker) -> None:
    for hour in range(4, 40, 3):
        tracker.report("Storm", fingerprint="storm", ago=hour * HOUR)
        for _ in range(3):
            tracker.report("Steady", fingerprint="steady", ago=hour * HOUR)
    for _ in range(12):
        tracker.report("Storm", fingerprint="storm", ago=60)
    for _ in range(3):
        tracker.report("Steady", fingerprint="steady", ago=60)
    for _ in range(12):
        tracker.report("First time today", fingerprint="fresh", ago=60)
    said = card(admin.get(OVERVIEW).content, "rising")
    assert "Storm" in said
    assert "12 times in 3 hours" in said
    assert "Steady" not in said
    assert "First time today" not in said


def test_without_a_broker_it_says_so_and_that_nothing_is_wrong(
    admin: Client, tracker: Tracker
) -> None:
    content = admin.get(OVERVIEW).content
    for name in ("flow", "letters"):
        assert "No broker is configured" in card(content, name)
    assert "Cannot be known" not in text_of(content)
    assert "ready" in card(content, "parts")


@pytest.fixture
def broker(kafka: KafkaBroker, settings: Settings) -> Iterator[None]:
    """A broker for the overview to ask, with nobody consuming."""
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    before = flow.inspectors.replace(None)
    yield
    flow.inspectors.replace(before)


def test_consumers_and_dead_letters_are_asked_of_the_broker(
    admin: Client, tracker: Tracker, broker: None
) -> None:
    def look() -> bytes | None:
        content: bytes = admin.get(OVERVIEW).content
        return None if "Cannot be known" in text_of(content) else content

    # A broker that never had a group has yet to make the topic of their positions.
    content = eventually(look, "the broker tells", every=1)
    assert "issue-consumer" in card(content, "flow")
    assert "alphafusion.issues.dead-letters" in card(content, "letters")


def test_a_consumer_that_is_behind_is_shown_with_what_to_do(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(0, 3, 0, 10, 7, datetime.now(UTC), foreign=False)
    group = Group("issue-consumer", "t", "g", "empty", [], [place], problems=["start a worker"])
    other = Group("other", "t", "g", "stable", [Member("1", "c", "h", None, [0])])
    monkeypatch.setattr(overview, "consumers", lambda: [group, other])
    said = card(admin.get(OVERVIEW).content, "flow")
    assert "issue-consumer: start a worker" in said
    assert re.search(r"issue-consumer empty 0 7 ", said)
    assert re.search(r"other stable 1 0 -", said)


def test_what_does_not_answer_costs_its_own_part_alone(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker.report("Still shown")

    def silent() -> list[Group]:
        raise Unavailable("Kafka")

    for name in ("consumers", "dead_letters"):
        monkeypatch.setattr(overview, name, silent)
    content = admin.get(OVERVIEW).content
    for name in ("flow", "letters"):
        assert "Cannot be known just now. The broker does not answer." in card(content, name)
    assert "Still shown" in card(content, "new")


def test_with_the_store_down_the_page_is_there_and_says_so(
    admin: Client, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DownStore(DatabaseHelperProvider):
        def list_issues(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise StoreUnavailable("down")

        def ping(self) -> None:
            raise StoreUnavailable("down")

    for module in ("issuetracker.reading", "issuetracker.parts"):
        monkeypatch.setattr(f"{module}.get_store", DownStore)
    answer = admin.get(OVERVIEW)
    assert answer.status_code == 200
    for name in ("new", "rising", "regressed"):
        said = card(answer.content, name)
        assert "Cannot be known just now. The store does not answer." in said
    assert "Store down" in card(answer.content, "parts")


def test_failed_runs_are_counted_and_listed(admin: Client, tracker: Tracker) -> None:
    for status in ("failed", "failed", "succeeded"):
        Run.objects.create(workflow="nightly-report", status=status, error_type="ValueError")
    content = admin.get(OVERVIEW).content
    assert " 2 " in card(content, "runs")
    where = links(content, "runs")[0]
    assert where == "/admin/workflow/run/?status__exact=failed"
    assert admin.get(where).content.decode().count("badge status-failed") == 2


def test_whoever_may_not_see_runs_sees_none(reader: Client, tracker: Tracker) -> None:
    Run.objects.create(workflow="nightly-report", status="failed")
    content = reader.get(OVERVIEW).content.decode()
    assert "nightly-report" not in content
    assert 'id="runs-title"' not in content
    permission = Permission.objects.get(codename="view_run", content_type__app_label="workflow")
    User.objects.get(username="reader").user_permissions.add(permission)
    assert "nightly-report" in reader.get(OVERVIEW).content.decode()


def test_the_first_page_of_the_site_leads_there(admin: Client) -> None:
    assert f'href="{OVERVIEW}"' in admin.get("/admin/").content.decode()


def test_only_whoever_may_see_issues_gets_there(transactional_db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(OVERVIEW).status_code == 403
    assert OVERVIEW not in client.get("/admin/").content.decode()
