"""Putting changes on the topic: an answer within 0.6 s, and never a success that is not durable.

One producer per process. Its state is a circuit:

* *warming*: just started, never ready yet; the first changes wait for it within their deadline;
* *ready*: changes are produced, and each waits for the broker's acknowledgement;
* *down*: the brokers are gone or one change missed its deadline; every change is refused at once.

Only the keeper, a thread that asks the broker for the topic, makes it ready. It notices when the
producer itself is past mending, and makes a new one.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.conf import settings
from prometheus_client import Counter

from issuetracker.exceptions import NotPublished, PublishError, PublishUnknown
from issuetracker.messages import AnyChange
from issuetracker.processes import PerProcess
from issuetracker.producing import REQUEST_SECONDS, Session

logger = logging.getLogger(__name__)

#: Seconds a change waits for its acknowledgement; well under the client's 2.0 s.
ACKNOWLEDGEMENT_SECONDS = 0.6
#: Seconds between two questions of the keeper while the brokers do not answer.
PROBE_SECONDS = 0.25
#: Seconds that what follows an acknowledgement may keep its caller: it is no part of durability.
FOLLOW_UP_SECONDS = 0.5

State = Literal["warming", "ready", "down"]
#: Begins what follows an acknowledgement, and has what it is given called at the end. It runs in
#: the publisher's own thread: it must neither block nor raise.
FollowUp: TypeAlias = Callable[[Callable[[], object]], None]

# The broker said no before it wrote anything. Everything else may be in the log all the same.
_CERTAIN = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.INVALID_RECORD,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the library's public error codes
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
}

_encode = msgspec.json.Encoder().encode
PUBLISHED = Counter(
    "issuetracker_published_total",
    "Changes handed to the publisher, by outcome: acknowledged, refused, unknown.",
    ["outcome"],
)
_ACKNOWLEDGED, _REFUSED, _UNKNOWN = (
    PUBLISHED.labels(outcome) for outcome in ("acknowledged", "refused", "unknown")
)


class IssuePublisher:
    """Publishes changes of issues and waits until the broker has them.

    Safe to use from many threads of one process; not after a fork (:func:`get_publisher`).

    Args:
        bootstrap_servers: the brokers, ``host:port`` with commas; empty means there are none.
        topic: where changes go.
        partitions: of the topic, if it has to be created.
        replication_factor: of the topic, if it has to be created.
        wait: seconds that a change waits for its acknowledgement.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        partitions: int = 4,
        replication_factor: int = 1,
        wait: float = ACKNOWLEDGEMENT_SECONDS,
    ) -> None:
        self.topic = topic
        self._servers = bootstrap_servers
        self._new_topic = NewTopic(topic, partitions, replication_factor)
        self._wait = wait
        self._ready = threading.Event()
        self._needs_probe = threading.Event()
        self._stopping = threading.Event()
        self._probed = not bootstrap_servers
        self._threads: list[threading.Thread] = []
        self._session: Session | None = None
        # Good answers of one poll, in the publisher's own thread.
        self._acknowledged: list[_Report] = []
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """``warming``, ``ready`` or ``down``, as the module says."""
        if self._ready.is_set():
            return "ready"
        return "down" if self._probed else "warming"

    def start(self) -> None:
        """Begin to connect, in the background; a second call does nothing."""
        with self._lock:
            if self._threads or not self._servers or self._stopping.is_set():
                return
            self._session = self._new_session()
            self._needs_probe.set()
            self._threads = [
                threading.Thread(target=run, name=f"publisher-{name}", daemon=True)
                for name, run in (("poll", self._poll), ("keeper", self._keep))
            ]
            for thread in self._threads:
                thread.start()

    def warm(self, timeout: float) -> bool:
        """Start, and wait up to ``timeout`` seconds; whether it is ready."""
        self.start()
        return self._ready.wait(timeout if self._servers else 0)

    def publish_issue(self, change: AnyChange, follow_up: FollowUp | None = None) -> bool:
        """Put ``change`` on the topic, and return when the broker has it for good.

        Args:
            change: what to publish.
            follow_up: something to wait for besides, once the broker has it.

        Returns:
            Whether the follow-up came to its end in time; True without one.

        Raises:
            NotPublished: it is certainly not in the log.
            PublishUnknown: no acknowledgement came in time; it may be in the log or not.
        """
        deadline = time.monotonic() + self._wait
        try:
            report = self._produce(self._require_ready(), change, follow_up)
        except NotPublished:
            _REFUSED.inc()
            raise
        error = self._settle(report, change, deadline)
        if error is not None:
            raise error
        return follow_up is None or report.wait_for_follow_up()

    def publish_issues(self, changes: Sequence[AnyChange]) -> list[PublishError | None]:
        """The same for many changes, which wait for their acknowledgements together.

        Returns:
            For each change None, or what :meth:`publish_issue` would have raised.
        """
        deadline = time.monotonic() + self._wait
        try:
            session = self._require_ready()
        except NotPublished as error:
            _REFUSED.inc(len(changes))
            return [error] * len(changes)
        reports = [self._try_to_produce(session, change) for change in changes]
        return [
            self._settle(report, change, deadline)
            for report, change in zip(reports, changes, strict=True)
        ]

    def close(self, timeout: float = 1.0) -> None:
        """Give what is on its way up to ``timeout`` seconds, and stop."""
        self._stopping.set()
        self._needs_probe.set()
        self._ready.clear()
        for thread in self._threads:
            thread.join(timeout)
        if self._session is not None:
            left = self._session.producer.flush(timeout)
            self._follow_up()
            if left:
                logger.warning("Stopped with %d changes unacknowledged", left)

    def _try_to_produce(self, session: Session, change: AnyChange) -> "_Report | NotPublished":
        try:
            return self._produce(session, change)
        except NotPublished as error:
            return error

    def _produce(
        self, session: Session, change: AnyChange, follow_up: FollowUp | None = None
    ) -> "_Report":
        report = _Report(follow_up, self._acknowledged.append)
        try:
            session.producer.produce(
                self.topic, _encode(change), change.issue_id, on_delivery=report.deliver
            )
        except (BufferError, KafkaException) as error:
            raise NotPublished(f"the producer took no message: {error}") from error
        return report

    def _settle(
        self, report: "_Report | NotPublished", change: AnyChange, deadline: float
    ) -> PublishError | None:
        """Wait for the answer to one change, and count it."""
        if isinstance(report, NotPublished):
            _REFUSED.inc()
            return report
        if not report.wait(deadline):
            self._break(f"no acknowledgement within {self._wait} s")
            _UNKNOWN.inc()
            return PublishUnknown(f"no acknowledgement within {self._wait} s")
        if report.error is not None:
            certain = report.error.code() in _CERTAIN
            (_REFUSED if certain else _UNKNOWN).inc()
            return (NotPublished if certain else PublishUnknown)(report.error.str())
        _ACKNOWLEDGED.inc()
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("In the log", extra=_fields(change, report.message))
        return None

    def _require_ready(self) -> Session:
        # Until it was ready once, a short wait saves the first changes the slower way.
        ready = self._ready.is_set() or (self.state == "warming" and self.warm(self._wait))
        if not ready or self._session is None:
            raise NotPublished("the brokers cannot be reached")
        return self._session

    def _new_session(self) -> Session:
        return Session(self._servers, self._on_error)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._break(error.str())

    def _break(self, reason: str) -> None:
        with self._lock:
            was_ready = self._ready.is_set()
            self._ready.clear()
        if was_ready:
            logger.error("Kafka is out of reach, changes go to the store: %s", reason)
        self._needs_probe.set()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            session = self._session
            if session is not None:
                session.producer.poll(0.5)
                self._follow_up()

    def _follow_up(self) -> None:
        # Only now, all at once: whoever is woken by the first takes the others along.
        for report in self._acknowledged:
            report.follow_up()
        self._acknowledged.clear()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._needs_probe.wait()
            self._needs_probe.clear()
            while not self._stopping.is_set() and not self._probe():
                self._probed = True
                self._stopping.wait(PROBE_SECONDS)

    def _probe(self) -> bool:
        """Ask for the topic, create it if there is none; whether changes can go there now."""
        try:
            session = self._living_session()
            if not session.has_topic(self.topic):
                self._create_topic(session)
            if not session.identified.wait(REQUEST_SECONDS):
                return False
        except KafkaException as error:
            logger.debug("Kafka is still out of reach: %s", error)
            return False
        if not self._ready.is_set():
            logger.info("Kafka takes changes", extra={"topic": self.topic})
        self._probed = True
        self._ready.set()
        return True

    def _living_session(self) -> Session:
        if self._session is None or self._session.is_dead:
            logger.warning("The producer cannot go on and is made anew")
            self._session = self._new_session()
        return self._session

    def _create_topic(self, session: Session) -> None:
        if session.in_process_broker:
            # There, asking for a topic makes it, and creating one is not supported.
            session.producer.list_topics(self.topic, timeout=REQUEST_SECONDS)
            return
        admin = AdminClient({"bootstrap.servers": self._servers})
        try:
            admin.create_topics([self._new_topic], operation_timeout=REQUEST_SECONDS)[
                self.topic
            ].result(REQUEST_SECONDS + 1)
        except TimeoutError as error:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error  # noqa: SLF001
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        logger.info("Created the topic", extra={"topic": self.topic})
        session.producer.list_topics(self.topic, timeout=REQUEST_SECONDS)


class _Report:
    """The broker's answer to one message, and what follows when it is good."""

    __slots__ = ("_done", "_follow_up", "_tell", "error", "message")

    def __init__(self, follow_up: FollowUp | None, tell: Callable[["_Report"], None]) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._follow_up = follow_up
        self._tell = tell
        self.error: KafkaError | None = None
        self.message: Message | None = None

    def deliver(self, error: KafkaError | None, message: Message) -> None:
        """Called once by the producer's poll."""
        self.error = error
        self.message = message
        if error is None and self._follow_up is not None:
            self._tell(self)
        else:
            self._done.release()

    def follow_up(self) -> None:
        """Called after the poll that brought a good answer."""
        if self._follow_up is not None:
            self._follow_up(self._done.release)

    def wait(self, deadline: float) -> bool:
        """Wait for the answer, and what follows, until ``deadline`` (monotonic).

        Returns:
            Whether the answer is there.
        """
        done = self._done.acquire(timeout=max(0.0, deadline - time.monotonic()))
        if done:
            self._follow_up = None
        return done or self.message is not None

    def wait_for_follow_up(self) -> bool:
        """Once the answer is there: whether what follows it came to its end in time."""
        return self._follow_up is None or self._done.acquire(timeout=FOLLOW_UP_SECONDS)


def _fields(change: AnyChange, message: Message | None) -> dict[str, str | int | None]:
    """What follows a change from here to the store: ids and its place in the log."""
    place = {"partition": message.partition(), "offset": message.offset()} if message else {}
    return {"issue_id": change.issue_id, "event_id": change.event_id, **place}


def _make_publisher() -> IssuePublisher:
    environment = settings.ENVIRONMENT
    publisher = IssuePublisher(
        environment.kafka_bootstrap_servers,
        settings.ISSUETRACKER_TOPIC,
        partitions=environment.kafka_partitions,
        replication_factor=environment.kafka_replication_factor,
    )
    publisher.start()
    return publisher


publishers: PerProcess[IssuePublisher] = PerProcess(_make_publisher)


@atexit.register
def close_publisher() -> None:
    """Flush and close this process's publisher, if it has one."""
    publisher = publishers.replace(None)
    if publisher is not None:
        publisher.close()


def get_publisher() -> IssuePublisher:
    """This process's publisher, started; made when first asked for."""
    return publishers.get()
