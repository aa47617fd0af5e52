"""Somebody finds a dead letter in the admin site, replays it, and throws it away."""

import pytest

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.letters.box import LetterBox
from tests.browser.conftest import Visitor
from tests.browser.site import Site, Visit
from tests.browser.test_every_page import ATTACK, WINDOWS
from tests.kafka_worker.helpers import eventually, produce

pytestmark = pytest.mark.browser

LETTERS = "/admin/kafka_worker/deadletter/?handler=issue-consumer"
REASON = "not a change of an issue"


@pytest.fixture(scope="module")
def box(site: Site) -> LetterBox:
    """The tracker's dead letters: two messages that its consumer could not read."""
    servers = site.system.environment["KAFKA_BOOTSTRAP_SERVERS"]
    config = WorkerConfig(bootstrap_servers=servers)
    box = LetterBox(registry.get("issue-consumer"), config, 30)
    headers = [("trace", b"4bf92f3577b34da6"), ("attacked", ATTACK.encode())]
    produce(servers, box.topic, [b'{"kind": "unheard of", "nested": {"list": [1, 2]}}'], key=b"k")
    produce(servers, box.topic, [ATTACK.encode() * 40], key=b"k", headers=headers)
    eventually(lambda: len(box.find().letters) == 2)
    return box


@pytest.mark.parametrize("window", WINDOWS)
def test_no_page_of_letters_makes_the_browser_complain(
    visitor: Visitor, box: LetterBox, window: str
) -> None:
    visit = visitor(**WINDOWS[window])
    visit.open(LETTERS)
    looked_at(visit, f"letters-{window}")
    visit.open(f"{LETTERS}&reason=nothing&since=never")
    looked_at(visit, f"letters-no-match-{window}")
    visit.open(LETTERS)
    visit.page.get_by_role("link", name=REASON).first.click()
    looked_at(visit, f"letter-{window}")
    visit.page.get_by_role("button", name="Replay…").click()
    looked_at(visit, f"letter-replay-{window}")
    visit.open(LETTERS)
    visit.page.get_by_label("Choose all").check()
    visit.page.get_by_role("button", name="Discard the chosen…").click()
    looked_at(visit, f"letter-discard-{window}")
    assert "Discard 2 letters?" in visit.page.inner_text("#content")


def looked_at(visit: Visit, name: str) -> None:
    visit.shoot(name)
    assert visit.complaints == []
    assert visit.elsewhere == []
    assert not visit.scrolls_sideways(), name


def test_a_letter_is_replayed_and_discarded_with_the_keyboard(visit: Visit, box: LetterBox) -> None:
    visit.open(LETTERS)
    visit.tab_to("#letter-1")
    visit.page.keyboard.press("Space")
    visit.tab_to("button[value=replay]")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("heading", name="Replay 1 letter?").wait_for()
    visit.tab_to("button:has-text('Yes, replay')")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("1 letter replayed.").wait_for()
    eventually(lambda: sorted(each.replays for each in box.find().letters) == [0, 1])
    visit.open(LETTERS)
    visit.page.get_by_role("link", name=REASON).first.click()
    visit.tab_to("button[value=discard]")
    visit.page.keyboard.press("Enter")
    visit.tab_to("button:has-text('Yes, discard')")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("1 letter discarded.").wait_for()
    assert len(box.find().letters) == 1
