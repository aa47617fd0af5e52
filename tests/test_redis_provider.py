"""The recent view: what stands in Redis, and that its absence costs freshness only."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from pytest_django.fixtures import Settings

from embedded.redis_server import EmbeddedRedis
from issuetracker.issues import Issue, is_muted
from issuetracker.merging import Delivery, merge
from issuetracker.messages import Mute
from issuetracker.providers import redis as recent_view
from issuetracker.providers.redis import PENDING, RECENT, STATE, RedisHelperProvider, key_of
from tests.contract.issues import full_issue
from tests.recents import accept, commented, make_recents, now, reported, updated
from tests.services import RedisServer


@pytest.fixture
def embedded_url() -> Iterator[str]:
    server = EmbeddedRedis()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.redis), "embedded"])
def url(request: pytest.FixtureRequest) -> str:
    """The real Redis, then the one that `make run` embeds."""
    if request.param == "embedded":
        return str(request.getfixturevalue("embedded_url"))
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture
def recents(settings: Settings, url: str) -> RedisHelperProvider:
    return make_recents(settings, url)


@pytest.fixture
def plain(url: str) -> Iterator["redis.Redis"]:
    """Any other Redis client."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        yield client


def document(plain: "redis.Redis", issue_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(plain.get(key_of(issue_id))))
    return found


def stored(*changes: Any) -> Issue:
    """What the consumer makes of these changes."""
    return merge(None, [Delivery(change) for change in changes]).issue


def test_an_accepted_report_is_readable_by_any_client(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    change = reported(title="Test Issue", tags=["test"], component="workflow-consumer")
    accept(recents, change)
    assert plain.zrange(RECENT, 0, -1) == [change.issue_id]
    score = plain.zscore(RECENT, change.issue_id)
    assert score == pytest.approx(change.time.timestamp(), abs=1e-3)
    shown = document(plain, change.issue_id)
    assert shown["title"] == "Test Issue"
    assert shown["status"] == "open"
    assert shown["count"] == 1
    assert "ledger" not in shown
    assert [one["event_id"] for one in shown["pending"]] == [change.event_id]
    assert 0 < plain.ttl(key_of(change.issue_id)) <= 3600
    assert 0 < plain.ttl(RECENT) <= 3600


def test_the_consumer_replaces_the_preview_and_nothing_is_pending(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    change = reported()
    accept(recents, change)
    recents.store_issue(stored(change))
    shown = document(plain, change.issue_id)
    assert shown["pending"] == []
    assert 0 < plain.ttl(key_of(change.issue_id)) <= 3600
    assert plain.zrange(PENDING, 0, -1) == []
    assert plain.zrange(RECENT, 0, -1) == [change.issue_id]


def test_a_report_accepted_later_does_not_overwrite_what_the_consumer_wrote(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    changes = [reported(second, fingerprint="same") for second in (-3, -2, -1)]
    recents.store_issue(stored(*changes[:2]))
    accept(recents, changes[2])
    assert document(plain, changes[0].issue_id)["count"] == 2
    score = plain.zscore(RECENT, changes[0].issue_id)
    assert score == pytest.approx(changes[2].time.timestamp(), abs=1e-3)


def test_changes_of_people_show_at_once_and_stay_until_they_are_stored(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    first = reported(-5)
    recents.store_issue(stored(first))
    comment = commented(first.issue_id)
    resolved = updated(first.issue_id, status="resolved", assignee="ada")
    accept(recents, comment, resolved)
    recent = recents.get(first.issue_id)
    assert recent is not None
    assert (recent.status, recent.assignee, recent.comment_count) == ("resolved", "ada", 1)
    assert recent.pending == [comment, resolved]

    recents.store_issue(stored(first, comment))
    recent = recents.get(first.issue_id)
    assert recent is not None
    assert (recent.status, recent.comment_count) == ("resolved", 1)
    assert recent.pending == [resolved]
    assert plain.zrange(PENDING, 0, -1) == [first.issue_id]


def test_mutes_and_merges_show_at_once(recents: RedisHelperProvider) -> None:
    first, other = reported(-5), reported(-4)
    recents.store_issues([stored(first), stored(other)])
    muted = updated(first.issue_id, mute=Mute(until=now(3600)))
    merged = updated(first.issue_id, merged_into=other.issue_id)
    told = updated(other.issue_id, merged=first.issue_id)
    recents.accept_all([(stored(change), change) for change in (muted, merged, told)])
    found = recents.get_many([first.issue_id, other.issue_id])
    one, target = found[first.issue_id], found[other.issue_id]
    assert (is_muted(one), one.merged_into, one.pending) == (True, other.issue_id, [muted, merged])
    assert (target.merged, target.pending) == ([first.issue_id], [told])
    accept(recents, updated(first.issue_id, mute=None, merged_into=None))
    accept(recents, updated(other.issue_id, unmerged=first.issue_id))
    found = recents.get_many([first.issue_id, other.issue_id])
    assert not is_muted(found[first.issue_id])
    assert found[other.issue_id].merged == []


def test_what_is_stored_with_every_new_field_comes_back(recents: RedisHelperProvider) -> None:
    issue = full_issue()
    issue.updated_at = now()
    recents.store_issue(issue)
    recent = recents.get(issue.id)
    assert recent is not None
    for name in ("muted_until", "muted_events", "merged_into", "merged"):
        assert getattr(recent, name) == getattr(issue, name)


def test_a_change_sent_again_is_pending_once(recents: RedisHelperProvider) -> None:
    first = reported(-5)
    recents.store_issue(stored(first))
    comment = commented(first.issue_id)
    accept(recents, comment, comment)
    recent = recents.get(first.issue_id)
    assert recent is not None
    assert (recent.pending, recent.comment_count) == ([comment], 1)


def test_a_change_of_an_issue_that_is_not_shown_is_kept_as_pending(
    recents: RedisHelperProvider,
) -> None:
    comment = commented(reported().issue_id)
    accept(recents, comment)
    assert recents.pending(10) == {comment.issue_id: [comment]}
    assert recents.pending_of([comment.issue_id, reported().issue_id]) == {
        comment.issue_id: [comment]
    }


def test_deleted_issues_leave_the_view(recents: RedisHelperProvider, plain: "redis.Redis") -> None:
    first = reported(-5)
    recents.store_issue(stored(first))
    recents.store_issue(stored(first, updated(first.issue_id, status="deleted")))
    assert plain.zrange(RECENT, 0, -1) == []
    assert document(plain, first.issue_id)["status"] == "deleted"


def test_a_pending_report_is_not_shown_for_ever_once_its_event_id_is_forgotten(
    recents: RedisHelperProvider,
) -> None:
    storm = [reported(number / 1000 - 1, fingerprint="storm") for number in range(300)]
    accept(recents, storm[100])
    recents.store_issue(stored(*storm))
    recent = recents.get(storm[0].issue_id)
    assert recent is not None
    assert (recent.pending, recent.count) == ([], 300)


def test_recents_come_newest_first_and_no_more_than_asked_for(
    recents: RedisHelperProvider,
) -> None:
    changes = [reported(second, title=f"Issue {second}") for second in (-3, -1, -2)]
    accept(recents, *changes)
    titles = [issue.title for issue in recents.recent() or []]
    assert titles == ["Issue -1", "Issue -2", "Issue -3"]
    assert [issue.title for issue in recents.recent(limit=1) or []] == ["Issue -1"]


def test_what_is_older_than_an_hour_is_not_shown(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    old, new = reported(-3700), reported()
    accept(recents, old)
    assert recents.recent() == []
    accept(recents, new)
    assert plain.zrange(RECENT, 0, -1) == [new.issue_id]


def test_a_backlog_of_old_issues_is_not_written_to_redis(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    old = [stored(reported(-4000 - number)) for number in range(5)]
    recents.store_issues(old)
    assert plain.keys("*") == [STATE]


def test_the_view_is_held_to_its_bound_and_keeps_what_is_pending(
    recents: RedisHelperProvider, plain: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_view, "RECENT_KEPT", 10)
    changes = [reported(number - 60) for number in range(30)]
    accept(recents, changes[0])
    recents.store_issues([stored(change) for change in changes[1:]])
    assert plain.zcard(RECENT) == 10
    kept = {key_of(change.issue_id) for change in (changes[0], *changes[-10:])}
    assert set(plain.keys("issuetracker:issue:*")) == kept


def test_a_stopped_consumer_fills_no_more_than_the_bound(
    recents: RedisHelperProvider, plain: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_view, "RECENT_KEPT", 5)
    monkeypatch.setattr(recent_view, "PENDING_KEPT", 10)
    changes = [reported(number - 60) for number in range(40)]
    accept(recents, *changes)
    assert plain.zcard(PENDING) <= 11
    assert len(plain.keys("issuetracker:issue:*")) <= 11
    assert recents.get(changes[-1].issue_id) is not None


def test_reports_that_come_fast_exceed_the_bound_by_little(
    recents: RedisHelperProvider, plain: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_view, "RECENT_KEPT", 50)
    monkeypatch.setattr(recent_view, "PENDING_KEPT", 50)
    monkeypatch.setattr(recent_view, "_SECONDS_BETWEEN_LOOKS", 60)
    most = 0
    for number in range(200):
        accept(recents, reported(number - 600))
        most = max(most, plain.zcard(PENDING))
    # A tenth more before they are trimmed, and a tenth before that is noticed.
    assert 50 < most <= 60


def test_age_is_seen_to_once_in_a_while_and_every_set_ends_by_itself(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    accept(recents, reported())
    plain.delete(RECENT, PENDING)
    accept(recents, old := reported(-4000))
    assert min(plain.ttl(RECENT), plain.ttl(PENDING)) > 3500
    assert plain.zscore(RECENT, old.issue_id) is not None
    time.sleep(1.05)
    accept(recents, reported())
    assert plain.zscore(RECENT, old.issue_id) is None


def test_a_change_accepted_while_the_consumer_writes_is_not_lost(
    recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reported(-5)
    recents.store_issue(stored(first))
    comment = commented(first.issue_id)
    read, meanwhile = recent_view._read, [comment]

    def read_then_accept(*arguments: Any) -> Any:
        found = read(*arguments)
        if meanwhile:
            accept(recents, meanwhile.pop())
        return found

    monkeypatch.setattr(recent_view, "_read", read_then_accept)
    recents.store_issue(stored(first))
    recent = recents.get(first.issue_id)
    assert recent is not None
    assert recent.pending == [comment]


def test_changes_accepted_all_the_while_a_large_batch_is_written_are_not_lost(
    recents: RedisHelperProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = [stored(reported(-5)) for _ in range(64)]
    recents.store_issues(issues)
    comments = [commented(issues[20].id) for _ in range(5)]
    read, meanwhile = recent_view._read, list(comments)

    def read_then_accept(redis: Any, issue_ids: Any) -> Any:
        found = read(redis, issue_ids)
        # As long as the batch holds others too, somebody comments in each of its tries.
        if meanwhile and len(issue_ids) > 1 and issues[20].id in issue_ids:
            accept(recents, meanwhile.pop(0))
        return found

    monkeypatch.setattr(recent_view, "_read", read_then_accept)
    recents.store_issues(issues)
    recent = recents.get(issues[20].id)
    assert recent is not None
    assert recent.pending == comments


def test_an_issue_that_keeps_changing_is_written_in_the_end(
    recents: RedisHelperProvider, plain: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reported(-5)
    read = recent_view._read

    def read_then_change(*arguments: Any) -> Any:
        found = read(*arguments)
        plain.set(key_of(first.issue_id), "{}", ex=10)
        return found

    monkeypatch.setattr(recent_view, "_read", read_then_change)
    recents.store_issue(stored(first))
    assert document(plain, first.issue_id)["title"] == "Test Issue"


def test_unreadable_documents_are_as_good_as_absent(
    recents: RedisHelperProvider, plain: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    change = reported()
    accept(recents, change)
    plain.set(key_of(change.issue_id), '{"id": 7}')
    assert recents.recent() == []
    assert "Unreadable" in caplog.text
    recents.store_issue(stored(change))
    assert [issue.id for issue in recents.recent() or []] == [change.issue_id]


def test_after_a_flush_the_view_fills_again(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    first, second = reported(-2), reported(-1)
    accept(recents, first)
    plain.flushdb()
    assert recents.recent() == []
    accept(recents, second)
    recents.store_issue(stored(first))
    assert [issue.id for issue in recents.recent() or []] == [second.issue_id, first.issue_id]


def test_every_field_comes_back(recents: RedisHelperProvider) -> None:
    issue = stored(
        reported(-1, description="d", tags=["a"], context={"": [1, {"x": None}]}, fingerprint="f")
    )
    recents.store_issue(issue)
    recent = recents.get(issue.id)
    assert recent is not None
    names = [name for name in Issue.__struct_fields__ if name != "ledger"]
    assert {name: getattr(recent, name) for name in names} == {
        name: getattr(issue, name) for name in names
    }


def test_a_redis_that_is_not_there_costs_little_and_is_said_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    recents = make_recents(settings, f"redis://127.0.0.1:{closed_port()}/0")
    caplog.set_level(logging.INFO, logger="issuetracker")
    change = reported()
    started = time.monotonic()
    for _ in range(100):
        accept(recents, change)
        recents.store_issue(stored(change))
    assert recents.recent() is None
    assert recents.get(change.issue_id) is None
    assert recents.pending(10) == {}
    assert recents.ping() is False
    assert time.monotonic() - started < 2
    assert caplog.text.count("Redis is not available") == 1


def test_a_redis_that_never_answers_holds_one_call_only(
    settings: Settings,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        recents = make_recents(settings, address, patient=False)
        change = reported()
        started = time.monotonic()
        accept(recents, *[change] * 20)
        assert time.monotonic() - started < 1.5


@pytest.mark.redis
def test_a_redis_that_comes_back_is_used_again(
    redis_server: RedisServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="issuetracker")
    monkeypatch.setattr(recent_view, "CIRCUIT_SECONDS", 0.05)
    recents = make_recents(settings, f"redis://127.0.0.1:{closed_port()}/0")
    accept(recents, reported())
    make_recents(settings, redis_server.url)
    change = reported()
    time.sleep(0.1)
    accept(recents, change)
    assert [issue.id for issue in recents.recent() or []] == [change.issue_id]
    assert "Redis answers again" in caplog.text


def test_without_a_redis_there_is_no_recent_view(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    recents = make_recents(settings, "")
    accept(recents, reported())
    assert recents.recent() is None
    assert not recents.is_configured
    assert caplog.text == ""


def test_documents_of_newer_versions_are_understood(
    recents: RedisHelperProvider, plain: "redis.Redis"
) -> None:
    change = reported()
    accept(recents, change)
    shown = document(plain, change.issue_id) | {"colour": "green"}
    plain.set(key_of(change.issue_id), msgspec.json.encode(shown))
    assert [issue.id for issue in recents.recent() or []] == [change.issue_id]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
