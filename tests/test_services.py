import os
import subprocess
import sys

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer
from google.cloud import firestore as google_firestore

from tests.services import (
    Chromium,
    FirestoreEmulator,
    KafkaBroker,
    MissingPart,
    PostgresDatabase,
    RedisServer,
    missing_parts,
    own_postgres_database,
)


def test_a_kafka_topic_of_ones_own_takes_and_gives_a_message(kafka: KafkaBroker) -> None:
    topic = kafka.topic("hello", partitions=2, retention_ms="60000")
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic, b"hello")
    assert producer.flush(10) == 0
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": kafka.group(),
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.value() == b"hello"


def test_two_kafka_topics_of_one_prefix_are_two(kafka: KafkaBroker) -> None:
    assert kafka.topic("same") != kafka.topic("same")
    assert kafka.group("same") != kafka.group("same")


@pytest.mark.parametrize("repetition", [1, 2])
def test_the_redis_database_is_empty_when_a_test_begins(
    redis_server: RedisServer, repetition: int
) -> None:
    with redis_server.connect() as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
        assert client.get("left") == "behind"


def test_the_redis_database_is_leased_to_one_session(redis_server: RedisServer) -> None:
    address, _, number = redis_server.url.rpartition("/")
    assert number != "0"
    with redis.Redis.from_url(f"{address}/0") as root:
        assert root.get(f"tests:database:{number}") is not None


def test_googles_client_finds_the_emulator_by_itself(firestore: FirestoreEmulator) -> None:
    client = google_firestore.Client()
    assert client.project == firestore.project
    client.collection("issues").document("one").set({"title": "x"})
    assert [found.id for found in client.collection("issues").stream()] == ["one"]
    firestore.clear()
    assert list(client.collection("issues").stream()) == []


def test_a_new_postgres_database_is_empty_and_not_the_products_own(
    postgres: PostgresDatabase,
) -> None:
    with (
        own_postgres_database(postgres.database_url) as database,
        psycopg.connect(database.database_url) as connection,
    ):
        row = connection.execute("SELECT current_database()").fetchone()
        tables = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
        assert row is not None
        assert row[0].startswith("test_")
        assert tables.fetchall() == []


def test_the_browser_says_its_version(chromium: Chromium) -> None:
    said = subprocess.run(
        [chromium.executable, *chromium.arguments, "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0
    assert "Chrom" in said.stdout


def test_a_fixture_brings_its_marker(
    redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    assert request.node.get_closest_marker("redis") is not None


@pytest.mark.redis
def test_a_marker_brings_its_fixture(request: pytest.FixtureRequest) -> None:
    assert "redis_server" in request.fixturenames


@pytest.mark.parametrize("required", ["", "kafka", "kafka, postgres"])
def test_a_missing_part_skips_the_test_where_it_is_not_required(required: str) -> None:
    with pytest.raises(pytest.skip.Exception, match="part redis is missing: not installed"):
        MissingPart(required).report("redis", "not installed")


@pytest.mark.parametrize("required", ["all", "redis", "kafka, redis"])
def test_a_missing_part_fails_the_test_where_it_is_required(required: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="part redis is missing: not installed"):
        MissingPart(required).report("redis", "not installed")


def test_the_parts_that_tests_were_skipped_for_are_named_once() -> None:
    reasons = [
        "('x.py', 1, 'Skipped: part redis is missing: a')",
        "('x.py', 2, 'Skipped: part kafka is missing: b')",
        "('y.py', 3, 'Skipped: part redis is missing: a')",
        "('z.py', 4, 'Skipped: only on macOS')",
    ]
    assert missing_parts(reasons) == ["kafka", "redis"]


@pytest.mark.parametrize(
    ("required", "status", "said"),
    [("", 0, "skipped parts: chromium"), ("all", 1, "part chromium is missing")],
)
def test_a_run_without_a_browser_names_it_and_fails_where_it_is_required(
    required: str, status: int, said: str
) -> None:
    test = f"{__file__}::test_the_browser_says_its_version"
    environment = os.environ | {"CHROMIUM": "/nowhere/chromium", "REQUIRE_SERVICES": required}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status
    assert said in run.stdout
