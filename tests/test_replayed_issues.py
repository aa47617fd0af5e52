"""A replayed message of the tracker counts once, also when it is replayed twice."""

from collections.abc import Sequence

import msgspec
import pytest

from issuetracker.consumer import IssueTrackerConsumer
from issuetracker.providers import get_store
from kafka_worker import Message, Rejected
from tests.kafka_worker.helpers import BatchRecorder, contents, eventually, produce, running
from tests.kafka_worker.letters import crash_before_the_letter_goes, mail_of
from tests.services import KafkaBroker
from tests.test_consumer import EVENT, ISSUE, REPORT, Shown

SECOND = "11111111-6425-40de-944b-e07fc1f90ae7"


class Refusing:
    """The tracker's consumer behind a store that refuses everything until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self._consumer = IssueTrackerConsumer(get_store(), Shown())

    def __call__(self, batch: Sequence[Message]) -> Sequence[Rejected]:
        if not self.mended:
            return [Rejected(each, "the store refused it") for each in batch]
        return self._consumer.process(batch)


@pytest.mark.django_db(transaction=True)
def test_a_second_replay_after_a_crash_counts_nothing_twice(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, act = mail_of(kafka), Refusing()
    for event_id in (EVENT, SECOND):
        change = msgspec.json.encode({**REPORT, "event_id": event_id})
        produce(mail.servers, mail.topic, [change], key=ISSUE.encode())
    handler = BatchRecorder(mail.topic, kafka.group(), act)
    with running(handler, mail.config):
        eventually(lambda: len(mail.letters()) == 2)
        act.mended = True
        crash_before_the_letter_goes(mail, monkeypatch)
        assert len(mail.letters()) == 2
        mail.box().replay(mail.letters())
        eventually(lambda: len(handler.values) == 6)
    assert len(contents(mail.servers, mail.topic, 6)) == 6
    assert mail.letters() == []
    stored = get_store().get(ISSUE)
    assert stored is not None
    assert stored.count == 2
