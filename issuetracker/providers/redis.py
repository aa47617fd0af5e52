"""The recent view: the last hour's issues in Redis, and what is accepted but not written yet.

It is a cache, never the truth: down, flushed or slow it costs freshness only. Nothing here
raises; what cannot be known is None.

Plain keys and plain JSON, so that any Redis client can read them:

* ``issuetracker:issues:recent``: sorted set of ids by the unix seconds of their latest change;
* ``issuetracker:issues:pending``: of ids that may have changes not yet written, by the same;
* ``issuetracker:issue:{id}``: the issue as JSON, with those changes under ``pending``;
* ``issuetracker:issues:state``: an arbitrary word, another one after every change.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from django.core.cache import caches
from django_redis import get_redis_connection
from django_redis.cache import RedisCache
from redis import Redis, RedisError, WatchError
from redis.client import Pipeline

from issuetracker.issues import Issue
from issuetracker.merging import Delivery, merge
from issuetracker.messages import AnyChange, Commented, Reported, Updated
from issuetracker.overlay import unapplied
from issuetracker.providers.circuit import Circuit
from issuetracker.setting import set_without_ledger

logger = logging.getLogger(__name__)

RECENT = "issuetracker:issues:recent"
PENDING = "issuetracker:issues:pending"
STATE = "issuetracker:issues:state"
SECONDS_KEPT = 3600
#: Issues in the recent view; the JSON of older ones goes with them, unless it has changes pending.
RECENT_KEPT = 1000
#: Issues with changes pending: what a stopped consumer may cost in memory.
PENDING_KEPT = 20_000
#: Failed calls keep others from waiting for so long, the first of them for less: on a busy machine
#: one call may fail that the next would not, and what is accepted meanwhile does not show.
CIRCUIT_SECONDS = 2.0
FIRST_CIRCUIT_SECONDS = 0.1
#: So many documents are written together: each call has to be answered within the time limit, and
#: the longer one takes, the more often somebody changes one of them meanwhile.
_AT_ONCE = 250
#: Somebody else wrote the same document between reading and writing it, so many times.
_ATTEMPTS = 10
#: Seconds after which the next reports are written together with a look at age and bounds.
_SECONDS_BETWEEN_LOOKS = 1.0

Answer = TypeVar("Answer")


class RecentIssue(Issue, kw_only=True):
    """An issue in the recent view: no ledger, but the changes that may not be written yet.

    Its fields show all of them, as well as they can be told without the store.
    """

    pending: list[AnyChange] = msgspec.field(default_factory=list)


_SHOWN = tuple(name for name in Issue.__struct_fields__ if name != "ledger")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RecentIssue).decode


def key_of(issue_id: str) -> str:
    """The key of an issue's JSON."""
    return f"issuetracker:issue:{issue_id}"


@cache
def get_recents() -> "RedisHelperProvider":
    """The process's recent view."""
    return RedisHelperProvider()


class RedisHelperProvider:
    """The recent view, in the Redis of a Django cache.

    Args:
        alias: name of the django-redis cache in ``settings.CACHES``; with any other back end
            under that name there is no recent view.
    """

    def __init__(self, alias: str = "default") -> None:
        self._alias = alias
        self._circuit = Circuit(
            "Redis",
            "what was accepted shows once it is stored",
            CIRCUIT_SECONDS,
            first=FIRST_CIRCUIT_SECONDS,
        )
        self._unlooked, self._next_look = 0, 0.0

    @property
    def is_configured(self) -> bool:
        """Whether there is a Redis to ask."""
        return isinstance(caches[self._alias], RedisCache)

    @property
    def is_away(self) -> bool:
        """Whether there is a Redis that did not answer when it was asked last, or a moment ago.

        Then what was accepted in this moment may be missing in it.
        """
        return self.is_configured and (self._circuit.is_open or self._circuit.failed_lately)

    def accept(self, preview: Issue, change: AnyChange) -> None:
        """Show a change that is in the log and will reach the store.

        Args:
            preview: the issue as ``change`` alone makes it; shown when nothing else is known.
            change: the change.
        """
        if isinstance(change, Reported):
            self.accept_reports([(preview, change)])
        else:
            self.accept_all([(preview, change)])

    def accept_all(self, changes: Sequence[tuple[Issue, AnyChange]]) -> None:
        """The same for many changes that people made, in one transaction.

        Args:
            changes: each with its preview.
        """
        if changes:
            self._ask(lambda redis: self._accept_human(redis, changes))

    def accept_reports(self, reports: Sequence[tuple[Issue, AnyChange]]) -> None:
        """The same for many reports at once, in one round trip.

        Args:
            reports: each with its preview.
        """
        self._ask(lambda redis: self._accept_reports(redis, reports))

    def store_issue(self, issue: Issue) -> None:
        """Show ``issue`` as the store has it now."""
        self.store_issues([issue])

    def store_issues(self, issues: Sequence[Issue]) -> None:
        """Show ``issues`` as the store has them now, with what is still pending of each."""
        if issues:
            self._ask(lambda redis: self._store(redis, issues))

    def get(self, issue_id: str) -> RecentIssue | None:
        """The issue of this bare id, if the recent view has it."""
        return self.get_many([issue_id]).get(issue_id)

    def get_many(self, issue_ids: Iterable[str]) -> dict[str, RecentIssue]:
        """Those of the issues that the recent view has, by bare id."""
        ids = list(issue_ids)
        found = self._ask(lambda redis: _read(redis, ids)) if ids else None
        return found or {}

    def pending_of(self, issue_ids: Iterable[str]) -> dict[str, list[AnyChange]]:
        """The changes of these issues that may not be written yet; only those that have some."""
        found = self.get_many(issue_ids)
        return {issue_id: issue.pending for issue_id, issue in found.items() if issue.pending}

    def pending(self, limit: int) -> dict[str, list[AnyChange]]:
        """The same, of the ``limit`` issues changed last."""
        ids = self._ask(lambda redis: _newest(redis, PENDING, limit))
        return self.pending_of(ids or [])

    def recent(self, limit: int = RECENT_KEPT) -> list[RecentIssue] | None:
        """The issues changed last, newest first; None when Redis does not answer."""

        def ask(redis: Redis) -> list[RecentIssue]:
            ids = _newest(redis, RECENT, limit)
            found = _read(redis, ids)
            return [found[issue_id] for issue_id in ids if issue_id in found]

        return self._ask(ask)

    def state(self) -> bytes | None:
        """What is another after every change that was accepted or stored; None if not known."""
        return self._ask(lambda redis: cast("bytes | None", redis.get(STATE)))

    def ping(self) -> bool:
        """Whether Redis answers."""
        return self._ask(lambda redis: bool(redis.ping())) or False

    def _ask(self, action: Callable[[Redis], Answer]) -> Answer | None:
        if not self.is_configured or not self._circuit.lets_through():
            return None
        redis = cast("Redis", get_redis_connection(self._alias))
        try:
            answer = action(redis)
        except (RedisError, OSError) as error:
            # Connections that a dead or stopped server left behind would fail one by one.
            redis.connection_pool.disconnect(inuse_connections=False)
            self._circuit.failed(error)
            return None
        self._circuit.succeeded()
        return answer

    def _accept_reports(self, redis: Redis, reports: Sequence[tuple[Issue, AnyChange]]) -> None:
        """The hot path. What the consumer wrote already stays as it is."""
        times = {change.issue_id: change.time.timestamp() for _, change in reports}
        with redis.pipeline(transaction=False) as pipe:
            for preview, change in reports:
                document = _document(preview, [change])
                # What `set` does to its arguments costs more than sending them.
                parts = ("SET", key_of(change.issue_id), document, "NX", "EX", SECONDS_KEPT)
                pipe.execute_command(*parts)  # type: ignore[no-untyped-call]
            _add(pipe, RECENT, times)
            _add(pipe, PENDING, times)
            _note_change(pipe)
            looks = self._is_time_to_look(len(reports))
            if looks:
                _forget_old(pipe, RECENT)
                _forget_old(pipe, PENDING)
                pipe.zcard(RECENT)
                pipe.zcard(PENDING)
            *_, recent, pending = pipe.execute()
        # A tenth more than is kept, so that this is seldom done.
        if looks and (recent > RECENT_KEPT * 1.1 or pending > PENDING_KEPT * 1.1):
            _trim(redis)

    def _is_time_to_look(self, reports: int) -> bool:
        """Whether so many more reports are a reason to see to age and bounds.

        That is as much work as showing several reports, and seldom changes anything. From each
        process a tenth of what is kept may come before its next look.
        """
        self._unlooked += reports
        now = time.monotonic()
        if self._unlooked < RECENT_KEPT // 10 and now < self._next_look:
            return False
        self._unlooked, self._next_look = 0, now + _SECONDS_BETWEEN_LOOKS
        return True

    def _accept_human(self, redis: Redis, changes: Sequence[tuple[Issue, AnyChange]]) -> None:
        times = {change.issue_id: change.time.timestamp() for _, change in changes}

        def queue(pipe: Pipeline, known: Mapping[str, RecentIssue]) -> None:
            shown = dict(known)
            for preview, change in changes:
                before = shown.get(change.issue_id)
                shown[change.issue_id] = _with_change(before, preview, change)
            for issue_id in times:
                document = _document(shown[issue_id], shown[issue_id].pending)
                pipe.set(key_of(issue_id), document, ex=SECONDS_KEPT)
            _add(pipe, RECENT, times)
            _add(pipe, PENDING, times)
            _forget_old(pipe, RECENT)
            _forget_old(pipe, PENDING)
            _note_change(pipe)

        _write_if_unchanged(redis, list(times), queue)

    def _store(self, redis: Redis, issues: Sequence[Issue]) -> None:
        oldest = _oldest_kept(issues)
        for start in range(0, len(issues), _AT_ONCE):
            self._refresh_or_halve(redis, issues[start : start + _AT_ONCE], oldest)
        _trim(redis)

    def _refresh_or_halve(self, redis: Redis, issues: Sequence[Issue], oldest: float) -> None:
        """Refresh all at once; where people change some meanwhile, the others apart from those."""

        def queue(pipe: Pipeline, known: Mapping[str, RecentIssue]) -> None:
            _refresh(pipe, issues, known, oldest)
            _note_change(pipe)

        ids = [issue.id for issue in issues]
        if len(issues) == 1:
            _write_if_unchanged(redis, ids, queue)
        elif not _try_to_write(redis, ids, queue):
            middle = len(issues) // 2
            self._refresh_or_halve(redis, issues[:middle], oldest)
            self._refresh_or_halve(redis, issues[middle:], oldest)


def _oldest_kept(issues: Sequence[Issue]) -> float:
    """The time, in unix seconds, up to which ``issues`` are not worth showing.

    Of a large batch the view would drop all but the newest at once.
    """
    hour_ago = time.time() - SECONDS_KEPT
    if len(issues) <= RECENT_KEPT:
        return hour_ago
    times = sorted(issue.updated_at.timestamp() for issue in issues)
    return max(hour_ago, times[-RECENT_KEPT - 1])


def _refresh(
    pipe: Pipeline, issues: Sequence[Issue], known: Mapping[str, RecentIssue], oldest: float
) -> None:
    """Queue what shows ``issues``, and what each still has pending of what is ``known``.

    What is not later than ``oldest`` is let go once nothing of it is pending.
    """
    shown: dict[str, float] = {}
    hidden: list[str] = []
    done: list[str] = []
    gone: list[str] = []
    for issue in issues:
        latest, pending = _with_pending(issue, known.get(issue.id))
        updated = latest.updated_at.timestamp()
        if updated <= oldest and not pending:
            gone.append(issue.id)
            continue
        pipe.set(key_of(issue.id), _document(latest, pending), ex=SECONDS_KEPT)
        if not pending:
            done.append(issue.id)
        if latest.status == "deleted":
            hidden.append(issue.id)
        else:
            shown[issue.id] = updated
    if shown:
        _add(pipe, RECENT, shown)
        _forget_old(pipe, RECENT)
    _let_go(pipe, [issue_id for issue_id in gone if issue_id in known])
    if hidden:
        pipe.zrem(RECENT, *hidden)
    if done:
        pipe.zrem(PENDING, *done)


def _with_pending(issue: Issue, recent: RecentIssue | None) -> tuple[Issue, list[AnyChange]]:
    """``issue`` with what it does not have yet of what is pending, and these changes."""
    pending = unapplied(issue, recent.pending) if recent and recent.pending else []
    if not pending:
        return issue, []
    return merge(issue, [Delivery(one) for one in pending]).issue, pending


def _let_go(pipe: Pipeline, issue_ids: Sequence[str]) -> None:
    """Queue: have nothing of these issues any more."""
    if issue_ids:
        pipe.delete(*map(key_of, issue_ids))
        pipe.zrem(RECENT, *issue_ids)
        pipe.zrem(PENDING, *issue_ids)


_Queue = Callable[[Pipeline, Mapping[str, RecentIssue]], None]


def _write_if_unchanged(redis: Redis, issue_ids: Sequence[str], queue: _Queue) -> None:
    """Read and write documents so that nothing written in between is lost; in the end, anyhow."""
    if any(_try_to_write(redis, issue_ids, queue) for _ in range(_ATTEMPTS)):
        return
    with redis.pipeline(transaction=True) as pipe:
        queue(pipe, _read(redis, issue_ids))
        pipe.execute()


def _try_to_write(redis: Redis, issue_ids: Sequence[str], queue: _Queue) -> bool:
    """Read and write documents if nobody writes one of them in between; whether they were."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.watch(*(key_of(issue_id) for issue_id in issue_ids))  # type: ignore[no-untyped-call]
        known = _read(pipe, issue_ids)
        pipe.multi()
        queue(pipe, known)
        try:
            pipe.execute()
        except WatchError:
            return False
    return True


def _add(pipe: Pipeline, name: str, scores: dict[str, float]) -> None:
    """Queue: have these ids in the sorted set, for an hour if nothing follows."""
    pipe.zadd(name, cast("dict[Any, Any]", scores), gt=True)
    pipe.expire(name, SECONDS_KEPT)


def _forget_old(pipe: Pipeline, name: str) -> None:
    """Queue: have nothing older than an hour in the sorted set."""
    pipe.zremrangebyscore(name, "-inf", f"({time.time() - SECONDS_KEPT}")


def _note_change(pipe: Pipeline) -> None:
    """Queue, behind what changes: have another state, that was never there before."""
    pipe.set(STATE, secrets.token_hex(8))


def _trim(redis: Redis) -> None:
    """Hold both sets to their bounds, and let the documents of what leaves them go."""
    recent = _texts(redis.zrange(RECENT, 0, -RECENT_KEPT - 1))
    pending = _texts(redis.zrange(PENDING, 0, -PENDING_KEPT - 1))
    if not recent and not pending:
        return
    scores = redis.zmscore(PENDING, recent) if recent else []
    written = [issue_id for issue_id, score in zip(recent, scores, strict=True) if score is None]
    with redis.pipeline(transaction=False) as pipe:
        if gone := {*written, *pending}:
            pipe.delete(*(key_of(issue_id) for issue_id in gone))
        if recent:
            pipe.zrem(RECENT, *recent)
        if pending:
            pipe.zrem(PENDING, *pending)
        pipe.execute()


def _newest(redis: Redis, name: str, limit: int) -> list[str]:
    oldest = time.time() - SECONDS_KEPT
    return _texts(redis.zrange(name, "+inf", oldest, desc=True, byscore=True, offset=0, num=limit))


def _texts(values: Any) -> list[str]:  # noqa: ANN401 - redis-py's types differ by protocol
    return [value.decode() for value in values]


def _read(redis: Redis, issue_ids: Sequence[str]) -> dict[str, RecentIssue]:
    if not issue_ids:
        return {}
    found: dict[str, RecentIssue] = {}
    documents = redis.mget([key_of(issue_id) for issue_id in issue_ids])
    for issue_id, document in zip(issue_ids, documents, strict=True):
        if document is None:
            continue
        try:
            found[issue_id] = _decode(document)
        except msgspec.DecodeError as error:
            # Another version wrote it, or another program: it is as good as absent.
            logger.warning("Unreadable issue in Redis: %s", error, extra={"issue_id": issue_id})
    return found


def _document(issue: Issue, pending: Sequence[AnyChange]) -> bytes:
    shown = {name: getattr(issue, name) for name in _SHOWN}
    shown["pending"] = pending
    return _encode(shown)


def _with_change(known: RecentIssue | None, preview: Issue, change: AnyChange) -> RecentIssue:
    if known is None:
        return RecentIssue(**msgspec.structs.asdict(preview), pending=[change])
    if any(one.event_id == change.event_id for one in known.pending):
        return known
    shown = msgspec.structs.replace(
        known,
        updated_at=max(known.updated_at, preview.updated_at),
        pending=[*known.pending, change],
    )
    if isinstance(change, Commented):
        shown.comment_count += 1
    elif isinstance(change, Updated):
        set_without_ledger(shown, change)
    return shown
