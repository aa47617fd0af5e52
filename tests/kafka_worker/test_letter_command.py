"""``manage.py dead_letters``: what it prints, what it refuses, and the status it ends with."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from kafka_worker import registry
from tests.kafka_worker.helpers import contents, produce
from tests.kafka_worker.letters import Mail, registered_mail
from tests.services import KafkaBroker


@pytest.fixture
def mail(kafka: KafkaBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Mail:
    return registered_mail(kafka, settings, monkeypatch)


def run(*arguments: str, **streams: Any) -> str:
    out = io.StringIO()
    call_command("dead_letters", *arguments, stdout=out, **streams)
    return out.getvalue()


def offsets(mail: Mail) -> list[int]:
    return [letter.offset for letter in mail.letters()]


def test_an_empty_topic_lists_nothing(mail: Mail) -> None:
    assert run("list") == f"0 of 0 letters in {mail.name}\n"


def test_the_list_shows_the_newest_first_and_what_to_do_next(mail: Mail) -> None:
    mail.write(mail.message(1), reason="wrong schema", error="title is missing")
    mail.write(mail.message(2), reason="the store refused it")
    first, second, count, following = run("list").splitlines()
    assert first.startswith("id-of-orders:0:2  20")
    assert first.endswith("  the store refused it: e")
    assert second.endswith("  wrong schema: title is missing")
    assert count == f"2 of 2 letters in {mail.name}"
    assert following == (
        "Next: manage.py dead_letters show ID --handler orders, then replay or discard"
    )
    assert run("list", "--limit", "1").splitlines()[1] == f"1 of 2 letters in {mail.name}"


def test_the_list_as_json_holds_every_field(mail: Mail) -> None:
    mail.write(mail.message(1))
    (letter,) = json.loads(run("list", "--json"))
    assert datetime.fromisoformat(letter.pop("time")) < datetime.now(UTC)
    assert letter == {
        "id": "id-of-orders:0:1",
        "topic": mail.topic,
        "topic_id": "id-of-orders",
        "partition": 0,
        "offset": 1,
        "reason": "wrong schema",
        "error": "e",
        "attempts": 1,
        "replays": 0,
        "group": "billing",
        "size": 1,
        "withheld": "",
        "places": [[0, 0]],
    }


def test_the_same_filters_choose_what_is_listed_replayed_and_discarded(mail: Mail) -> None:
    mail.write(mail.message(1), reason="wrong schema")
    mail.write(mail.message(2, partition=3), reason="the store refused it")
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for filters, expected in (
        (["--reason", "REFUSED"], 1),
        (["--partition", "3"], 1),
        (["--since", "1h"], 2),
        (["--since", hour_ago, "--reason", "nothing"], 0),
        (["--until", hour_ago], 0),
    ):
        assert f"{expected} of {expected} letter" in run("list", *filters)
        assert f"\n{expected} letter" in "\n" + run("replay", "--dry-run", *filters)
        assert f"\n{expected} letter" in "\n" + run("discard", "--dry-run", *filters)
    run("discard", "--reason", "refused")
    assert offsets(mail) == [1]
    run("replay", "--since", "1h")
    assert offsets(mail) == []


def test_show_prints_headers_error_and_value_in_full(mail: Mail) -> None:
    value = json.dumps({"title": "Ünïcode", "n": [1]}).encode()
    own = (("trace", b"1"), ("raw", b"\xff"), ("no", None))
    mail.write(mail.message(5, value, key=b"k", headers=own), error="line 1\n" + "e" * 4_000)
    said = run("show", "id-of-orders:0:5")
    for part in (
        f"Message   {mail.topic}[0]@5",
        "Reason    wrong schema",
        "line 1\n" + "e" * 4_000,
        "Key\nk\n",
        "trace: 1\nraw: 0xff\nno: (null)\n",
        '{\n  "title": "Ünïcode",\n  "n": [\n    1\n  ]\n}',
        "Next: manage.py dead_letters replay id-of-orders:0:5 --handler orders",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(null)"),
        (b"", "(empty)"),
        (b"\xff\x00" * 9, "00000000  ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00\n00000010"),
        (b"\x1b[2Jgone\xe2\x80\xaetxt\n\t", "\\x1b[2Jgone\\u202etxt\n\\t\n"),
        (b'{"a": 1, "a": "\\u001b"}', '{"a": 1, "a": "\\u001b"}'),
        (b'{"a": "\\ud800\\u0007"}', '{\n  "a": "\\ud800\\u0007"\n}'),
        (b"[" * 100_000 + b"1", "[[["),
        (b"x" * 1_000_500, "\n… the rest is not shown"),
        (b"[" * 900 + b"1," * 100_000 + b"1" + b"]" * 900, "\n… the rest is not shown"),
    ],
)
def test_no_value_harms_a_terminal(mail: Mail, value: bytes | None, shown: str) -> None:
    mail.write(mail.message(5, value, key=b"\x1b"), reason="\x1b[31mred", error="\x1b]0;\a")
    said = run("show", "id-of-orders:0:5")
    assert shown in said.partition("\nValue\n")[2]
    assert "\x1b" not in said + run("list")
    assert len(said) < 150_000


def test_dry_runs_change_nothing(mail: Mail) -> None:
    mail.write(mail.message(1), mail.message(2))
    for action in ("replay", "discard"):
        said = run(action, "--all", "--dry-run")
        assert f"2 letters of {mail.name} would be {action}" in said
        assert "id-of-orders:0:1" in said
        assert said.endswith("Next: the same without --dry-run\n")
    assert offsets(mail) == [1, 2]
    produce(mail.servers, mail.topic, [b"the first"])
    assert contents(mail.servers, mail.topic, 1)[0].value() == b"the first"


def test_without_ids_filters_or_all_nothing_is_done(mail: Mail) -> None:
    mail.write(mail.message(1))
    for action in ("replay", "discard"):
        with pytest.raises(CommandError, match="ids, a filter such as --since 24h, or --all"):
            run(action)
    assert offsets(mail) == [1]


def test_a_limit_takes_the_oldest(mail: Mail) -> None:
    for offset in (1, 2, 3):
        mail.write(mail.message(offset))
    assert run("discard", "--all", "--limit", "2") == "2 letters discarded\n"
    assert offsets(mail) == [3]


def test_an_unknown_id_is_named_and_the_others_are_done(mail: Mail) -> None:
    mail.write(mail.message(1))
    with pytest.raises(CommandError, match="has no letter nonsense; list shows"):
        run("show", "nonsense")
    with pytest.raises(CommandError, match="has no letter nonsense; list shows"):
        run("discard", "id-of-orders:0:1", "nonsense")
    assert offsets(mail) == []


def test_a_letter_that_is_held_back_makes_the_status_a_failure(mail: Mail) -> None:
    again = (("dead-letter-replays", b"3"),)
    mail.write(mail.message(1), mail.message(2, headers=again))
    assert "would be left: it came back 3 times" in run("replay", "--all", "--dry-run")
    errors = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 letters not replayed"):
        run("replay", "--all", stderr=errors)
    assert "id-of-orders:0:2: it came back 3 times already" in errors.getvalue()
    assert offsets(mail) == [2]
    said = run("replay", "--all", "--force")
    assert said.splitlines() == [
        "1 letter replayed",
        "Next: manage.py dead_letters list --handler orders, to see what came back",
    ]


def test_many_letters_show_progress(mail: Mail) -> None:
    mail.write(*(mail.message(offset) for offset in range(1_100)))
    errors = io.StringIO()
    run("replay", "--all", stderr=errors)
    assert errors.getvalue().splitlines() == [
        "500 of 1100 …",
        "1000 of 1100 …",
        "1100 of 1100 …",
    ]


def test_several_handlers_have_to_be_told_apart(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_handlers", {"orders": mail.handler, "other": mail.handler})
    with pytest.raises(CommandError, match="--handler orders or other"):
        run("list")
    with pytest.raises(CommandError, match="Registered: orders, other"):
        run("list", "--handler", "nobody")
    assert run("list", "--handler", "orders")


def test_without_a_broker_it_says_so(mail: Mail, settings: Settings) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": "127.0.0.1:1"}
    with pytest.raises(CommandError, match=r"Kafka at 127\.0\.0\.1:1 .* is unavailable"):
        run("replay", "--all")
    settings.KAFKA_WORKER = {"bootstrap_servers": ""}
    with pytest.raises(CommandError, match="No Kafka broker is named"):
        run("list")
