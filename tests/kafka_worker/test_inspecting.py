"""``manage.py inspect_consumers``: what it shows, and when it says that something is wrong."""

import json
import time
from io import StringIO
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from django.core.management import CommandError, call_command
from pytest_django import Settings

from kafka_worker import registry
from kafka_worker.config import WorkerConfig
from kafka_worker.handlers import Handler
from kafka_worker.inspection import Inspector
from tests.kafka_worker.helpers import Recorder, committed, eventually, produce, running
from tests.services import KafkaBroker, unique


class Orders(Recorder):
    """Its topic and group are each test's own."""

    name = "orders"
    topic = "orders"
    group = "orders"

    def __init__(self) -> None:
        super().__init__(self.topic, self.group)


@pytest.fixture
def handler(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> type[Orders]:
    """The one registered handler, whose topic has two partitions."""

    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(Orders, "topic", kafka.topic(partitions=2))
    monkeypatch.setattr(Orders, "group", kafka.group())
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    return registry.register(Orders)


def look(*options: str) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    out, err = StringIO(), StringIO()
    try:
        call_command("inspect_consumers", *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def document(*options: str) -> tuple[int, dict[str, Any]]:
    """Status, and the one handler's part of the JSON document."""
    status, out, _ = look("--json", *options)
    (found,) = json.loads(out)["consumers"]
    return status, found


def config_of(kafka: KafkaBroker) -> WorkerConfig:
    return WorkerConfig(bootstrap_servers=kafka.bootstrap_servers, client_id="billing-1")


def test_a_topic_that_nobody_reads_and_where_nothing_waits_is_fine(
    handler: type[Orders],
) -> None:
    status, found = document()
    assert (status, found["state"], found["members"], found["lag"]) == (0, "dead", [], 0)
    assert [place["committed"] for place in found["places"]] == [None, None]


def test_messages_that_nobody_reads_are_wrong_and_it_says_what_to_do(
    kafka: KafkaBroker, handler: type[Orders]
) -> None:
    produce(kafka.bootstrap_servers, handler.topic, [b"1", b"2"], partition=1)
    status, out, err = look()
    assert status == 1
    assert err.strip() == (
        "orders: 2 messages wait and nobody consumes them: "
        "start a worker (manage.py run_worker orders)"
    )
    assert f"orders: {handler.topic} as {handler.group}, dead, lag 2" in out


def test_one_member_has_all_partitions_and_the_time_of_the_last_write_shows(
    kafka: KafkaBroker, handler: type[Orders]
) -> None:
    produce(kafka.bootstrap_servers, handler.topic, [b"1", b"2"], partition=1)
    with running(handler(), config_of(kafka)):
        eventually(lambda: committed(kafka.bootstrap_servers, handler.topic, handler.group, 1) == 2)
        status, found = document()
        _, out, _ = look("orders")
    (member,) = found["members"]
    written = [place.pop("last_write") for place in found["places"]]
    assert (status, found["state"]) == (0, "stable")
    assert (member["client_id"], member["host"]) == ("billing-1", "127.0.0.1")
    assert (member["instance_id"], member["partitions"]) == (None, [0, 1])
    assert found["places"] == [
        {"partition": 0, "committed": None, "first": 0, "end": 0, "lag": 0, "foreign": False},
        {"partition": 1, "committed": 2, "first": 0, "end": 2, "lag": 0, "foreign": False},
    ]
    assert written[0] is None
    assert written[1].endswith("+00:00")
    rows = [line.split() for line in out.splitlines()]
    assert [member["id"], "127.0.0.1", "0,", "1"] in rows
    assert any(row[:5] == ["1", "2", "0", "2", "0"] and row[-1] == member["id"] for row in rows)


def test_two_members_share_and_a_third_is_a_spare(
    kafka: KafkaBroker, handler: type[Orders]
) -> None:
    config = config_of(kafka)
    named = WorkerConfig(bootstrap_servers=kafka.bootstrap_servers, group_instance_id="pod-1")

    def shares() -> list[list[int]]:
        found = document()[1]
        return sorted(each["partitions"] for each in found["members"])

    with running(handler(), config), running(handler(), named):
        eventually(lambda: shares() == [[0], [1]])
        assert "pod-1" in [each["instance_id"] for each in document()[1]["members"]]
        with running(handler(), config):
            eventually(lambda: shares() == [[], [0], [1]])
            assert "none (a spare)" in look()[1]


def test_a_position_of_an_earlier_topic_is_marked_and_counts_for_nothing(
    kafka: KafkaBroker, handler: type[Orders]
) -> None:
    produce(kafka.bootstrap_servers, handler.topic, [b"1"] * 5, partition=0)
    commit(kafka, handler, TopicPartition(handler.topic, 0, 3, "an-earlier-topic"))
    status, found = document()
    assert status == 1
    assert [place["foreign"] for place in found["places"]] == [True, False]
    assert [place["lag"] for place in found["places"]] == [5, 0]
    assert "3 (of an earlier topic)" in look()[1]
    assert "positions of partitions 0 are of an earlier topic" in look()[2]


def test_a_position_without_a_topic_id_counts(kafka: KafkaBroker, handler: type[Orders]) -> None:
    produce(kafka.bootstrap_servers, handler.topic, [b"1"] * 5, partition=0)
    commit(kafka, handler, TopicPartition(handler.topic, 0, 5))
    status, found = document()
    assert (status, found["lag"], found["places"][0]["last_write"]) == (0, 0, None)


def test_what_retention_removed_unread_is_wrong(kafka: KafkaBroker, handler: type[Orders]) -> None:
    produce(kafka.bootstrap_servers, handler.topic, [b"1"] * 9, partition=0)
    commit(kafka, handler, TopicPartition(handler.topic, 0, 2))
    admin = kafka.admin()
    place = TopicPartition(handler.topic, 0, 9)
    admin.delete_records([place])[place].result(10)
    status, _, err = look()
    assert status == 1
    assert "retention removed 7 messages of partitions 0" in err


def commit(kafka: KafkaBroker, handler: type[Orders], place: TopicPartition) -> None:
    tool = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": handler.group})
    tool.commit(offsets=[place], asynchronous=False)
    tool.close()


def test_a_topic_that_is_not_there_yet_is_said_and_not_made(
    kafka: KafkaBroker, handler: type[Orders]
) -> None:
    handler.topic = unique("absent")
    status, found = document()
    assert (status, found["places"]) == (0, [])
    assert "no such topic yet" in found["notes"][0]
    assert handler.topic not in kafka.admin().list_topics(timeout=10).topics


def test_brokers_that_are_away_are_said_within_seconds(
    handler: type[Orders], settings: Settings
) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": "127.0.0.1:1"}
    started = time.monotonic()
    status, out, err = look("--json")
    assert time.monotonic() - started < 10
    assert status == 1
    assert err.startswith("Kafka at 127.0.0.1:1 (")
    assert err.strip() == json.loads(out)["problem"]


def test_an_unknown_handler_is_named(handler: type[Orders]) -> None:
    with pytest.raises(CommandError, match=r"'parcels'.*orders"):
        look("parcels")


def test_it_is_shown_again_and_again_until_somebody_ends_it(
    handler: type[Orders], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    once = Inspector.inspect

    def inspect(inspector: Inspector, handlers: list[type[Handler]]) -> object:
        shown.append(1)
        if len(shown) == 3:
            raise KeyboardInterrupt
        return once(inspector, handlers)

    monkeypatch.setattr(Inspector, "inspect", inspect)
    status, out, _ = look("--watch", "0.1")
    assert status == 0
    assert out.count(f"orders: {handler.topic}") == 2


def test_the_in_process_broker_leaves_members_open_and_tells_the_rest(
    handler: type[Orders], settings: Settings
) -> None:
    owner = Producer({"test.mock.num.brokers": 1, "log_level": 2})
    brokers = owner.list_topics(timeout=10).brokers.values()
    servers = ",".join(f"{each.host}:{each.port}" for each in brokers)
    settings.KAFKA_WORKER = {"bootstrap_servers": servers}
    produce(servers, handler.topic, [b"1", b"2"], partition=0)
    with running(handler(), WorkerConfig(bootstrap_servers=servers)):
        eventually(lambda: committed(servers, handler.topic, handler.group) == 2)
    produce(servers, handler.topic, [b"3"], partition=0)
    status, found = document()
    assert (status, found["state"], found["members"], found["lag"]) == (0, None, None, 1)
    assert "in-process broker" in found["notes"][0]
    assert found["places"][0]["committed"] == 2
    assert not found["places"][0]["foreign"]
    assert found["places"][0]["last_write"]


def test_it_tells_how_many_messages_a_topic_holds(kafka: KafkaBroker, settings: Settings) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": kafka.bootstrap_servers}
    topic, missing = kafka.topic(partitions=2), unique("missing")
    produce(kafka.bootstrap_servers, topic, [b"letter"] * 5)
    held = Inspector(WorkerConfig.from_settings()).held([topic, missing])
    assert held == {topic: 5, missing: 0}
