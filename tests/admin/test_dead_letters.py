"""Dead letters in the admin site, on a real broker."""

import html
import re
import time
import urllib.parse

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from tests.admin.pages import Tags, text_of
from tests.admin.test_safety import ATTACK
from tests.kafka_worker.helpers import contents
from tests.kafka_worker.letters import Mail, registered_mail
from tests.services import KafkaBroker

LETTERS = "/admin/kafka_worker/deadletter/"
ACT = f"{LETTERS}act/"
FIRST = "id-of-orders:0:1"


@pytest.fixture
def mail(kafka: KafkaBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Mail:
    return registered_mail(kafka, settings, monkeypatch)


def somebody(*permissions: str) -> Client:
    user = User.objects.create_user(f"user-{'-'.join(permissions)}", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=[f"{name}_deadletter" for name in permissions],
            content_type__app_label="kafka_worker",
        )
    )
    assert user.user_permissions.count() == len(permissions)
    client = Client()
    client.force_login(user)
    return client


def address_of(client: Client) -> str:
    found = re.search(r'class="title" href="([^"]+)"', client.get(LETTERS).content.decode())
    assert found is not None
    return html.unescape(found[1])


def form(action: str, *ids: str, **fields: str) -> dict[str, object]:
    return {"handler": "orders", "action": action, "letter": list(ids), **fields}


def offsets(mail: Mail) -> list[int]:
    return [letter.offset for letter in mail.letters()]


def test_an_empty_list_says_what_that_means(admin: Client, mail: Mail) -> None:
    assert "No dead letters. Everything that orders was given" in text_of(
        admin.get(LETTERS).content
    )


def test_the_list_shows_the_newest_first_with_reason_error_and_origin(
    admin: Client, mail: Mail
) -> None:
    mail.write(mail.message(1), reason="wrong schema", error="title is missing")
    mail.write(mail.message(2), reason="the store refused it")
    said = text_of(admin.get(LETTERS).content)
    assert said.index("the store refused it") < said.index("wrong schema title is missing")
    assert f"{mail.topic}[0]@1" in said
    assert "2 letters" in said
    assert "UTC (just now)" in said


def test_the_list_is_filtered_and_says_what_a_filter_got_wrong(admin: Client, mail: Mail) -> None:
    mail.write(mail.message(1), reason="wrong schema")
    mail.write(mail.message(2, partition=3), reason="the store refused it")
    for query, shown in (
        ("reason=REFUSED", "1 letter of 2"),
        ("partition=3", "1 letter of 2"),
        ("since=1h", "2 letters of 2"),
        ("until=1h", "No letter matches. 2 in all."),
        ("since=never", "Since: 'never' is no time: write an age such as"),
        ("partition=x", "Partition: 'x' is no number."),
    ):
        assert shown in text_of(admin.get(f"{LETTERS}?{query}").content), query


def test_a_long_list_has_pages(admin: Client, mail: Mail) -> None:
    mail.write(*(mail.message(offset) for offset in range(120)))
    address, seen = LETTERS, set[str]()
    for count in (50, 50, 20):
        content = admin.get(address).content.decode()
        found = re.findall(r'name="letter" value="([^"]+)"', content)
        assert len(found) == count
        seen |= set(found)
        following = re.search(r'href="([^"]+)" rel="next"', content)
        address = html.unescape(following[1]) if following else ""
    assert len(seen) == 120
    assert address == ""


def test_the_page_of_a_letter_shows_all_of_it(admin: Client, mail: Mail) -> None:
    own = (("trace", b"7"),)
    mail.write(mail.message(1, b'{"a": 1}', key=b"k", headers=own), error="e" * 4_000)
    said = text_of(admin.get(address_of(admin)).content)
    for part in ("wrong schema", "e" * 4_000, '{ "a": 1 }', "Key k trace 7", FIRST, "Attempts 1"):
        assert part in said, part


def test_replaying_asks_first_then_sends_the_message(admin: Client, mail: Mail) -> None:
    mail.write(mail.message(1, b"again"), mail.message(2, b"other"))
    asked = admin.post(ACT, form("replay", FIRST, query="handler=orders&reason=wrong"))
    assert "Replay 1 letter?" in text_of(asked.content)
    assert 'name="force"' not in asked.content.decode()
    assert f"{mail.topic}[0]@1" in text_of(asked.content)
    assert offsets(mail) == [1, 2]
    done = admin.post(
        ACT,
        form("replay", FIRST, confirmed="yes", query="handler=orders&reason=wrong"),
        follow=True,
    )
    assert done.redirect_chain == [(f"{LETTERS}?handler=orders&reason=wrong", 302)]
    assert "1 letter replayed." in text_of(done.content)
    assert offsets(mail) == [2]
    assert contents(mail.servers, mail.topic, 1)[0].value() == b"again"


def test_several_are_discarded_at_once_and_what_went_meanwhile_is_said(
    admin: Client, mail: Mail
) -> None:
    mail.write(*(mail.message(offset) for offset in (1, 2, 3)))
    ids = [FIRST, "id-of-orders:0:2", "id-of-orders:0:9"]
    assert "Discard 2 letters?" in text_of(admin.post(ACT, form("discard", *ids)).content)
    done = admin.post(ACT, form("discard", *ids, confirmed="yes"), follow=True)
    said = text_of(done.content)
    assert "2 letters discarded." in said
    assert "1 of them had gone meanwhile." in said
    assert offsets(mail) == [3]


def test_choosing_nothing_or_what_has_gone_leads_back(admin: Client, mail: Mail) -> None:
    assert "Choose letters first." in text_of(admin.post(ACT, form("replay"), follow=True).content)
    gone = admin.post(ACT, form("discard", FIRST, confirmed="yes"), follow=True)
    assert "None of them is there." in text_of(gone.content)


def test_a_message_that_keeps_dying_has_to_be_forced(admin: Client, mail: Mail) -> None:
    mail.write(mail.message(1, headers=(("dead-letter-replays", b"3"),)))
    assert "held back" in text_of(admin.get(LETTERS).content)
    assert 'name="force"' in admin.post(ACT, form("replay", FIRST)).content.decode()
    tried = admin.post(ACT, form("replay", FIRST, confirmed="yes"), follow=True)
    assert "1 not replayed: it came back 3 times already" in text_of(tried.content)
    assert offsets(mail) == [1]
    admin.post(ACT, form("replay", FIRST, confirmed="yes", force="on"))
    assert offsets(mail) == []


def test_what_was_done_is_in_the_log_of_actions(admin: Client, mail: Mail) -> None:
    mail.write(mail.message(1, b"secret"), mail.message(2, b"secret"))
    admin.post(ACT, form("replay", FIRST, confirmed="yes"))
    admin.post(ACT, form("discard", "id-of-orders:0:2", confirmed="yes"))
    discarded, replayed = LogEntry.objects.order_by("-id")
    assert (replayed.object_id, replayed.change_message) == (f"orders:{FIRST}", "Replayed.")
    assert (discarded.object_repr, discarded.change_message) == (
        "orders:id-of-orders:0:2",
        "Discarded.",
    )
    assert discarded.is_deletion()
    assert replayed.user.get_username() == "root"
    address = replayed.get_admin_url()
    assert address is not None
    assert f"There is no dead letter {FIRST}." in text_of(admin.get(address).content)


def test_looking_replaying_and_discarding_are_three_permissions(
    transactional_db: None, mail: Mail
) -> None:
    mail.write(mail.message(1), mail.message(2))
    nobody, reader = somebody(), somebody("view")
    replays, discards = somebody("view", "change"), somebody("view", "delete")
    assert nobody.get(LETTERS).status_code == 403
    assert nobody.get(address_of(reader)).status_code == 403
    assert "button" not in reader.get(LETTERS).content.decode().partition("result_list")[2]
    for client, action, status in (
        (reader, "replay", 403),
        (reader, "discard", 403),
        (replays, "discard", 403),
        (discards, "replay", 403),
        (replays, "else", 403),
        (replays, "replay", 302),
        (discards, "discard", 302),
    ):
        answer = client.post(ACT, form(action, FIRST, confirmed="yes"))
        assert answer.status_code == status, action
    assert offsets(mail) == [2]


def test_letters_change_only_by_post_with_a_token(admin: Client, mail: Mail) -> None:
    mail.write(mail.message(1))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(ACT, form("discard", FIRST, confirmed="yes")).status_code == 403
    query = urllib.parse.urlencode(form("discard", FIRST, confirmed="yes"), doseq=True)
    assert admin.get(f"{ACT}?{query}").status_code == 405
    assert offsets(mail) == [1]


def test_whatever_is_written_in_a_letter_is_shown_as_text(admin: Client, mail: Mail) -> None:
    raw, text = ATTACK.encode(), ATTACK + "\u202e\x00"
    mail.write(
        mail.message(1, raw, key=raw, headers=((ATTACK, raw),), topic_id=ATTACK[:40]),
        reason=text,
        error=text,
    )
    (letter,) = mail.letters()
    pages = [LETTERS, address_of(admin), f"{LETTERS}?reason={ATTACK}", f"{LETTERS}{ATTACK}/"]
    answers = [admin.get(address) for address in pages]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    answers.append(admin.post(ACT, form("discard", letter.id, query=ATTACK)))
    for answer in answers:
        content = answer.content.decode()
        assert "<script>alert" not in content
        assert "gt;14" not in content
        assert "\u202e" not in content
        assert "\x00" not in content
        for tag, attributes in Tags(answer.content).found:
            assert attributes.get("src") != "x"
            assert tag != "style"
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)


def test_an_unknown_letter_or_handler_leads_back(admin: Client, mail: Mail) -> None:
    for address in (
        f"{LETTERS}orders:id-of-orders:0:5/",
        f"{LETTERS}nonsense/",
        f"{LETTERS}nobody:id:0:5/",
        f"{LETTERS}?handler=nobody",
    ):
        answer = admin.get(address)
        assert answer.status_code == 404, address
        assert f'href="{LETTERS}"' in answer.content.decode()


def test_without_a_broker_each_page_tells_the_way_out_within_seconds(
    admin: Client, mail: Mail, settings: Settings
) -> None:
    for servers, shown in (
        ("127.0.0.1:1", "Kafka at 127.0.0.1:1"),
        ("", "No Kafka broker is named"),
    ):
        settings.KAFKA_WORKER = {"bootstrap_servers": servers}
        for method, address, fields in (
            ("get", f"{LETTERS}?reason=x", {}),
            ("get", f"{LETTERS}orders:{FIRST}/", {}),
            ("post", ACT, form("discard", FIRST, confirmed="yes")),
        ):
            began = time.monotonic()
            page = getattr(admin, method)(address, fields)
            assert time.monotonic() - began < 5
            assert page.status_code == 503
            said = text_of(page.content)
            assert shown in said
            assert "No letter is lost meanwhile" in said
            assert "Try again" in said
