"""The publisher: durable or refused, in time, whatever the brokers do."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import pytest

from deploy.services import PARTS, Services
from issuetracker.exceptions import NotPublished, PublishError, PublishUnknown
from issuetracker.messages import NewIssue, Reported, new_issue_id
from issuetracker.processes import PerProcess
from issuetracker.publisher import IssuePublisher
from tests.brokers import MemoryBroker, read_topic
from tests.services import KafkaBroker, unique
from tests.system import eventually


@pytest.fixture(scope="module")
def memory_broker() -> MemoryBroker:
    """A broker in this process."""
    return MemoryBroker()


def _change(title: str = "Test Issue") -> Reported:
    issue, event_id = NewIssue(title=title), str(uuid.uuid4())
    return Reported(
        issue_id=new_issue_id(issue, event_id),
        event_id=event_id,
        time=datetime.now(UTC),
        actor="service.test",
        issue=issue,
    )


@contextmanager
def _started(servers: str, topic: str, **options: int) -> Iterator[IssuePublisher]:
    publisher = IssuePublisher(servers, topic, **options)
    try:
        yield publisher
    finally:
        publisher.close()


def _outcome(publisher: IssuePublisher) -> tuple[str, float]:
    began = time.monotonic()
    try:
        publisher.publish_issue(_change())
    except PublishError as error:
        return type(error).__name__, time.monotonic() - began
    return "published", time.monotonic() - began


def test_a_change_is_on_the_topic_when_the_call_returns(kafka: KafkaBroker) -> None:
    topic = unique("issues")
    change = _change()
    with _started(kafka.bootstrap_servers, topic) as publisher:
        assert publisher.warm(20)
        publisher.publish_issue(change)
    (message,) = read_topic(kafka.bootstrap_servers, topic, 1)
    assert message == msgspec.to_builtins(change)


def test_a_missing_topic_is_created_with_the_partitions_asked_for(kafka: KafkaBroker) -> None:
    topic = unique("issues")
    with _started(kafka.bootstrap_servers, topic, partitions=7) as publisher:
        assert publisher.warm(20)
        found = kafka.admin().list_topics(topic, timeout=10).topics[topic]
    assert len(found.partitions) == 7


def test_the_in_process_broker_is_just_another_address(memory_broker: MemoryBroker) -> None:
    topic = unique("issues")
    with _started(memory_broker.bootstrap_servers, topic) as publisher:
        assert publisher.warm(20)
        assert _outcome(publisher)[0] == "published"
    assert len(memory_broker.messages(topic, 1)) == 1


def test_many_threads_share_one_producer(memory_broker: MemoryBroker) -> None:
    topic, outcomes = unique("issues"), []
    with _started(memory_broker.bootstrap_servers, topic) as publisher:
        assert publisher.warm(20)
        threads = [
            threading.Thread(target=lambda: outcomes.append(_outcome(publisher)[0]))
            for _ in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == ["published"] * 40


def test_a_change_that_no_broker_would_take_is_certainly_not_published(
    memory_broker: MemoryBroker,
) -> None:
    with _started(memory_broker.bootstrap_servers, unique("issues")) as publisher:
        assert publisher.warm(20)
        with pytest.raises(NotPublished):
            publisher.publish_issue(_change("x" * 2_000_000))
        assert publisher.state == "ready"


def test_what_follows_begins_once_the_broker_has_a_change_and_is_waited_for(
    memory_broker: MemoryBroker,
) -> None:
    topic = unique("issues")
    began: list[object] = []

    def follow(done: Callable[[], object]) -> None:
        began.append(done)
        threading.Timer(0.1, done).start()

    with _started(memory_broker.bootstrap_servers, topic) as publisher:
        assert publisher.warm(20)
        assert publisher.publish_issue(change := _change(), follow)
        assert len(began) == 1
        assert [one["event_id"] for one in memory_broker.messages(topic, 1)] == [change.event_id]
        assert not publisher.publish_issue(_change(), began.append)
        assert publisher.state == "ready"
        with pytest.raises(NotPublished):
            publisher.publish_issue(_change("x" * 2_000_000), began.append)
    assert len(began) == 2


def test_without_brokers_every_change_is_refused_at_once() -> None:
    with _started("", "nowhere") as publisher:
        assert publisher.state == "down"
        outcome, seconds = _outcome(publisher)
    assert outcome == "NotPublished"
    assert seconds < 0.3


def test_brokers_that_never_answered_cost_the_first_change_its_deadline_only() -> None:
    with _started("127.0.0.1:9", "nowhere") as publisher:
        first, seconds = _outcome(publisher)
        assert first == "NotPublished"
        assert seconds < 1.2
        eventually(lambda: publisher.state == "down", "the publisher gave up")
        assert _outcome(publisher)[1] < 0.3


def test_a_closed_publisher_refuses(memory_broker: MemoryBroker) -> None:
    publisher = IssuePublisher(memory_broker.bootstrap_servers, unique("issues"))
    assert publisher.warm(20)
    publisher.close()
    assert _outcome(publisher)[0] == "NotPublished"


def test_a_forked_child_has_a_producer_of_its_own(memory_broker: MemoryBroker) -> None:
    topic = unique("issues")
    publishers = PerProcess(lambda: IssuePublisher(memory_broker.bootstrap_servers, topic))
    assert publishers.get().warm(20)
    assert _outcome(publishers.get())[0] == "published"
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            own = publishers.get()
            status = 0 if own.warm(20) and _outcome(own)[0] == "published" else 2
            own.close()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert _outcome(publishers.get())[0] == "published"
    publishers.get().close()
    assert len(memory_broker.messages(topic, 3)) == 3


@pytest.fixture(scope="module")
def own_kafka(
    kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Services, str]]:
    """A broker that is this module's to break, and its address."""
    services = Services(tmp_path_factory.mktemp("services"))
    instance = services.start("kafka")
    yield services, PARTS["kafka"].environment(instance)["KAFKA_BOOTSTRAP_SERVERS"]
    services.kill("kafka")


def test_a_frozen_broker_costs_one_deadline_and_then_nothing(
    own_kafka: tuple[Services, str],
) -> None:
    services, servers = own_kafka
    with _started(servers, unique("issues")) as publisher:
        assert publisher.warm(30)
        assert _outcome(publisher)[0] == "published"
        services.pause("kafka")
        first, seconds = _outcome(publisher)
        assert first == "PublishUnknown"
        assert 0.5 < seconds < 1.2
        later = [_outcome(publisher) for _ in range(50)]
        assert {outcome for outcome, _ in later} == {"NotPublished"}
        assert sum(seconds for _, seconds in later) < 1
        services.resume("kafka")
        eventually(lambda: publisher.state == "ready", "the broker is seen again")
        eventually(lambda: _outcome(publisher)[0] == "published", "changes are published again")


def test_a_killed_broker_opens_the_circuit_and_a_restarted_one_closes_it(
    own_kafka: tuple[Services, str],
) -> None:
    services, servers = own_kafka
    published: set[str] = set()
    topic = unique("issues")
    with _started(servers, topic) as publisher:
        assert publisher.warm(30)
        publisher.publish_issue(sent := _change())
        published.add(sent.event_id)
        services.kill("kafka")
        outcome, seconds = _outcome(publisher)
        assert outcome in ("NotPublished", "PublishUnknown")
        assert seconds < 1.2
        eventually(lambda: publisher.state == "down", "the circuit is open")
        assert _outcome(publisher)[1] < 0.3
        services.start("kafka")
        eventually(lambda: _publish(publisher, published), "changes are published again")
    found = {message["event_id"] for message in read_topic(servers, topic, len(published))}
    assert published <= found


def _publish(publisher: IssuePublisher, published: set[str]) -> bool:
    change = _change()
    try:
        publisher.publish_issue(change)
    except (NotPublished, PublishUnknown):
        return False
    published.add(change.event_id)
    return True


def test_many_changes_wait_together_and_each_has_its_own_outcome(
    memory_broker: MemoryBroker,
) -> None:
    topic = unique("issues")
    changes = [_change(), _change("x" * 2_000_000), *(_change() for _ in range(200))]
    with _started(memory_broker.bootstrap_servers, topic) as publisher:
        assert publisher.warm(20)
        refused = [error for error in publisher.publish_issues(changes) if error is not None]
    assert [type(error) for error in refused] == [NotPublished]
    sent = {one["event_id"] for one in memory_broker.messages(topic, 201)}
    assert sent == {change.event_id for change in changes} - {changes[1].event_id}


def test_many_changes_without_a_broker_are_all_refused_at_once() -> None:
    with _started("", "nowhere") as publisher:
        outcomes = publisher.publish_issues([_change(), _change()])
    assert [type(outcome) for outcome in outcomes] == [NotPublished, NotPublished]
