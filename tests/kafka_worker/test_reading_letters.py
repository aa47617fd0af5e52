"""What is on a dead-letter topic: each letter once, without those that were discarded."""

import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined]

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import Unavailable
from kafka_worker.letters.box import LetterBox
from kafka_worker.letters.choosing import Filters, moment, page_of
from tests.kafka_worker.helpers import contents, produce
from tests.kafka_worker.letters import Mail, mail_of
from tests.services import KafkaBroker

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def mail(kafka: KafkaBroker) -> Mail:
    return mail_of(kafka)


def test_a_topic_that_is_not_there_yet_has_none(mail: Mail) -> None:
    assert mail.letters() == []


def test_a_letter_that_was_written_twice_is_one(mail: Mail) -> None:
    mail.write(mail.message(7))
    mail.write(mail.message(7), mail.message(8))
    assert [letter.id for letter in mail.letters()] == ["id-of-orders:0:7", "id-of-orders:0:8"]
    assert len(contents(mail.servers, mail.name, 3)) == 3


def test_partitions_added_between_two_writings_leave_one_letter_that_goes_as_a_whole(
    kafka: KafkaBroker, mail: Mail
) -> None:
    mail.write(mail.message(7))
    admin = kafka.admin()
    admin.create_partitions([NewPartitions(mail.name, 3)])[mail.name].result(10)
    (first,) = contents(mail.servers, mail.name, 1)
    fields = {"key": first.key(), "headers": first.headers(), "partition": 2}
    produce(mail.servers, mail.name, [b"v"], **fields)
    (letter,) = mail.letters()
    assert sorted(partition for partition, _ in letter.places) == [0, 2]
    assert mail.box().discard([letter]).failed == []
    assert mail.letters() == []


def test_what_is_no_letter_is_counted_and_passed_over(mail: Mail) -> None:
    mail.write(mail.message(1))
    strange = [
        [("dead-letter-reason", b"r")],
        [("dead-letter-reason", b"r"), ("dead-letter-topic-id", b"i")],
        [
            ("dead-letter-reason", b"\xff"),
            ("dead-letter-topic", b"t"),
            ("dead-letter-topic-id", b"i"),
            ("dead-letter-partition", b"one"),
            ("dead-letter-offset", b"\x00"),
        ],
    ]
    for headers in strange:
        produce(mail.servers, mail.name, [b"\xff"], key=b"\xff", headers=headers)
    found = mail.box().find()
    assert [letter.offset for letter in found.letters] == [1]
    assert found.foreign == 3


def test_ten_thousand_letters_are_found_quickly_and_their_values_are_not_kept(mail: Mail) -> None:
    for start in range(0, 10_000, 2_000):
        mail.write(
            *(mail.message(start + n, b"x" * 2_000) for n in range(2_000)), error="e" * 5_000
        )
    began = time.monotonic()
    letters = mail.letters()
    assert time.monotonic() - began < 20
    assert len(letters) == 10_000
    assert max(len(letter.error) for letter in letters) == 200
    page, cursor = page_of(letters, 50)
    assert len(page) == 50
    second, _ = page_of(letters, 50, cursor)
    assert [*page, *second] == letters[: -100 - 1 : -1]


def test_the_end_of_a_topic_that_cannot_be_reached_in_time_is_said(mail: Mail) -> None:
    mail.write(mail.message())
    with pytest.raises(Unavailable, match="not reached in time"):
        mail.box(seconds=-1).find()


def test_without_a_broker_the_answer_comes_within_seconds(mail: Mail) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        box = LetterBox(mail.handler, WorkerConfig(bootstrap_servers=address), 60)
        began = time.monotonic()
        with pytest.raises(Unavailable, match=address):
            box.find()
    assert time.monotonic() - began < 5


def test_each_filter_takes_what_it_says(kafka: KafkaBroker) -> None:
    mail = mail_of(kafka, partitions=2)
    mail.write(mail.message(1), reason="Wrong Schema")
    time.sleep(0.05)
    mail.write(mail.message(2, partition=1), reason="the store refused it")
    letters = mail.letters()
    second = letters[1].time

    def taken(**wanted: object) -> list[int]:
        return [each.offset for each in Filters(**wanted).take(letters)]  # type: ignore[arg-type]

    assert taken() == [1, 2]
    assert taken(reason="wrong") == [1]
    assert taken(reason="nothing") == []
    assert taken(since=second) == [2]
    assert taken(until=second) == [1]
    assert taken(partition=1) == [2]
    assert taken(partition=1, reason="wrong") == []
    assert not Filters()
    assert Filters(partition=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("30min", NOW - timedelta(minutes=30)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T09:30", NOW),
        ("2026-11-23T10:30+01:00", NOW),
    ],
)
def test_a_time_is_an_age_or_iso_8601(text: str, expected: datetime) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "24", "-3h", "9999999d", "2026-13-01"])
def test_what_is_no_time_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write an age such as"):
        moment(text, NOW)
