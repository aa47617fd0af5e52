"""What ``make run`` does: starts every part in order, says where to look, ends all in order."""

import os
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException

from embedded import backlog, management, ports, texts
from embedded.first_start import Prepared
from embedded.lock import Occupied, only_one
from embedded.plan import Plan
from embedded.secret_files import read_or_make
from embedded.supervisor import Part, Running, StopRequested, Supervisor, SupervisorError
from settings.environment import read_environment

EXAMPLE = "nightly-report"
ISSUES_TOPIC, ISSUES_GROUP = "alphafusion.issues", "issuetracker-consumer"

# The later a part ends in `Launcher._stop`, the longer it goes on without a launcher.
BROKER = Part("kafka", ("embedded.broker",), orphan_delay=6)
REDIS = Part("redis", ("embedded.redis_server",), orphan_delay=6)
ISSUE_CONSUMER = Part("issue-consumer", ("manage.py", "run_issue_consumer"), orphan_delay=2)
WORKFLOW_CONSUMER = Part("workflow-consumer", ("manage.py", "run_workflow_consumer"))
START_EXAMPLE = Part("example", ("manage.py", "start_workflow", EXAMPLE), once=True)

_WARM_SECONDS = 25.0
_DRAIN_SECONDS = 15.0
_WEB_SECONDS = 30.0
_READY_EVERY = 0.3


class CannotStart(Exception):
    """Nothing was started; the message says what to do."""


def run(var: Path, environ: Mapping[str, str]) -> int:
    """Run everything until it is asked to end; the exit status.

    Args:
        var: the folder of everything that is kept; made when it is not there.
        environ: the environment variables, which decide what is embedded.

    Raises:
        CannotStart: another launcher runs there, or no port is free.
        ImproperlyConfigured: a variable has the wrong form.
    """
    environment = {**environ, "DJANGO_DEBUG": "1"}
    plan = Plan(read_environment(environment), var)
    var.mkdir(parents=True, exist_ok=True)
    try:
        with only_one(var):
            port = ports.next_free(plan.environment.port)
            return Launcher(plan, environment, port).run()
    except (Occupied, ports.NoFreePort) as error:
        raise CannotStart(str(error)) from error


class Launcher:
    """One run of everything.

    Args:
        plan: what is embedded.
        environ: the environment variables of every part, to which the addresses are added.
        port: the web server's.
    """

    def __init__(self, plan: Plan, environ: Mapping[str, str], port: int) -> None:
        self._plan = plan
        self._port = port
        self._web_address = f"http://127.0.0.1:{port}"
        self._provided: dict[str, str] = {}
        self._supervisor = Supervisor(environ)
        self._web: Running | None = None
        self._issue_consumer: Running | None = None
        self._workflow_consumer: Running | None = None
        self._redis: Running | None = None
        self._broker: Running | None = None

    def run(self) -> int:
        """Start, wait, end; 0 when someone asked for the end, 1 when a part failed."""
        self._supervisor.listen_for_signals()
        status = 0
        try:
            self._start()
            self._supervisor.wait()
        except StopRequested as request:
            self._say(f"\nEnding everything ({request}); once more ends it at once.")
        except SupervisorError as error:
            self._say(f"\n{error}; ending everything.")
            status = 1
        finally:
            self._stop()
        self._say("Everything has ended.")
        return status

    def _start(self) -> None:
        began = time.monotonic()
        self._provide(
            DJANGO_DEBUG="1",
            # Not the shell's, which may be another project's.
            DJANGO_SETTINGS_MODULE="settings.base",
            DJANGO_SECRET_KEY=self._plan.environment.django_secret_key
            or read_or_make(self._plan.var / "secret-key"),
            DATABASE_URL=self._plan.database_url,
            PORT=str(self._port),
            # Two consumers on one machine cannot have one port.
            WORKER_PORT="",
            # Always this start's own: the example must not reach a tracker in use.
            ISSUETRACKER_URL=self._web_address,
        )
        # The tables are made while the rest loads: nobody knows the address before the end.
        set_up = self._supervisor.start(_set_up_part(self._plan.var))
        self._start_embedded_parts()
        self._web = self._supervisor.start(_web_part(self._port))
        prepared = self._await_set_up(set_up)
        self._provide(ISSUETRACKER_TOKEN=prepared.token(self._plan.var))
        self._issue_consumer = self._supervisor.start(ISSUE_CONSUMER)
        self._workflow_consumer = self._supervisor.start(WORKFLOW_CONSUMER)
        self._await_web()
        if prepared.is_new:
            self._start_example()
        management.remember(self._plan.var, self._provided)
        seconds = time.monotonic() - began
        self._say(texts.ready(self._plan.var, self._web_address, prepared, seconds))

    def _start_embedded_parts(self) -> None:
        """Both at the same time; each names its own address."""
        env = self._plan.environment
        kafka, redis = env.kafka_bootstrap_servers, env.redis_url
        if self._plan.embeds_kafka:
            self._broker = self._supervisor.start(BROKER)
        if self._plan.embeds_redis:
            self._redis = self._supervisor.start(REDIS)
        if self._broker:
            kafka = self._supervisor.announcement(self._broker)
        if self._redis:
            redis = self._supervisor.announcement(self._redis)
        self._provide(KAFKA_BOOTSTRAP_SERVERS=kafka, REDIS_URL=redis)
        self._say(texts.parts(self._plan.choices(kafka, redis, self._web_address)))
        if self._broker:
            self._say(texts.IN_MEMORY)

    def _await_set_up(self, process: Running) -> Prepared:
        if self._supervisor.wait_for_end(process) or process.announced is None:
            raise SupervisorError("The database could not be prepared (its lines say why)")
        return msgspec.json.decode(process.announced, type=Prepared)

    def _await_web(self) -> None:
        """Served, then ready for reports: asked seldom, as each refusal is a line in the log."""
        self._supervisor.wait_for(lambda: self._answers("/livez"), "web", _WEB_SECONDS)
        self._supervisor.wait_for(
            lambda: self._answers("/readyz"), "web", _WEB_SECONDS, every=_READY_EVERY
        )

    def _answers(self, path: str) -> bool | None:
        try:
            with urllib.request.urlopen(f"{self._web_address}{path}", timeout=2) as answer:  # noqa: S310 (its own address)
                answer.read()
                return True
        except OSError:
            return None

    def _start_example(self) -> None:
        """A real broker that is down must not keep the rest from being looked at."""
        if self._supervisor.wait_for_end(self._supervisor.start(START_EXAMPLE)):
            self._say("The example was not started: the lines above say why.")

    def _stop(self) -> None:
        """What reports goes first, what keeps goes last."""
        self._supervisor.forget_stop_requests()
        management.forget(self._plan.var)
        self._supervisor.stop(self._workflow_consumer, _WARM_SECONDS)
        self._supervisor.stop(self._web, _WARM_SECONDS)
        if self._broker and self._issue_consumer:
            self._drain(self._broker, self._issue_consumer)
        self._supervisor.stop(self._issue_consumer, _WARM_SECONDS)
        self._supervisor.stop(self._redis, _WARM_SECONDS)
        self._supervisor.stop(self._broker, _WARM_SECONDS)
        self._supervisor.stop_all()

    def _drain(self, broker: Running, consumer: Running) -> None:
        """Let the consumer store what lies in the embedded broker's memory."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        left: int | None = None
        while left != 0 and time.monotonic() < deadline:
            if broker.ended or consumer.ended or self._supervisor.is_asked_again():
                break
            left = self._unapplied(broker.announced or "")
            time.sleep(0.1)
        if left != 0:
            self._say(texts.lost(left))

    def _unapplied(self, address: str) -> int | None:
        try:
            return backlog.unapplied(address, ISSUES_TOPIC, ISSUES_GROUP)
        except KafkaException as error:
            self._say(f"The embedded broker does not answer: {error}")
            return None

    def _provide(self, **variables: str) -> None:
        self._provided.update(variables)
        self._supervisor.environment.update(variables)

    def _say(self, text: str) -> None:
        self._supervisor.say(text)


def _set_up_part(var: Path) -> Part:
    return Part("set-up", ("embedded.first_start", str(var)), once=True)


def _web_part(port: int) -> Part:
    address = ("--host", "127.0.0.1", "--port", str(port))
    # One worker: a second one costs memory and start-up, and gives nothing to one person.
    # More threads than this, and granian begins with a warning.
    threads = str(min(16, 2 * (os.cpu_count() or 1) + 1))
    limits = ("--workers", "1", "--blocking-threads", threads, "--workers-kill-timeout", "5")
    serve = (
        "--interface",
        "wsgi",
        "--no-ws",
        "--log-level",
        "warning",
        "settings.wsgi:application",
    )
    return Part("web", ("granian", *address, *limits, *serve))
