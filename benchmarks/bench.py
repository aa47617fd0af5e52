"""The product on real parts of its own, for one run of the benchmarks."""

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.log import Log
from benchmarks.serving import Server, serving
from deploy.services import PARTS, Services
from issuetracker.providers.firebase import FirebaseHelperProvider
from issuetracker.providers.firestore_channel import FirestoreChannel, find_access
from tests.services import FirestoreEmulator
from tests.system import System, eventually, free_port

_PARTS = ("kafka", "redis", "firestore")


@dataclass(frozen=True)
class Look:
    """What a consumer says of itself at one moment.

    Attributes:
        time: of the look, in seconds (``time.perf_counter``).
        applied: changes that it has brought to the store.
        writes: issues that it has written.
        cpu: seconds of processor time that it has used, all threads together.
        resident: bytes of memory that it holds.
    """

    time: float
    applied: float
    writes: float
    cpu: float
    resident: float


class Bench:
    """Kafka, Redis and the Firestore emulator, and whichever of the product's processes run.

    The processes have the rules of production, not those of development.

    Args:
        folder: for everything that it keeps.
        seconds: how long a load lasts.
        repetitions: how often each figure and its baseline are measured, in turn.
    """

    def __init__(self, folder: Path, seconds: float, repetitions: int) -> None:
        self.folder = folder
        self.seconds = seconds
        self.repetitions = repetitions
        self.services = Services(folder / "services")
        self._health = free_port()
        environment = {
            # This process itself has the tests' settings, which turn debugging on.
            "DJANGO_SETTINGS_MODULE": "settings.base",
            "DJANGO_DEBUG": "",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "ISSUETRACKER_STORE": "firestore",
            "WORKER_PORT": str(self._health),
        }
        try:
            for name in _PARTS:
                environment |= PARTS[name].environment(self.services.start(name))
            self.system = System(folder, environment)
            self.system.manage("migrate", "--verbosity", "0")
        except BaseException:
            self.close()
            raise
        self.log = Log(environment["KAFKA_BOOTSTRAP_SERVERS"])
        self._redis_url = environment["REDIS_URL"]
        self._emulator = environment["FIRESTORE_EMULATOR_HOST"]
        self._project = environment["GOOGLE_CLOUD_PROJECT"]
        self.store = FirebaseHelperProvider(self._project, folder / "none", self._emulator)

    def close(self) -> None:
        """End all of it."""
        if hasattr(self, "system"):
            self.system.close()
        for name in _PARTS:
            self.services.kill(name)

    def channel(self) -> FirestoreChannel:
        """A line of plain messages to a database that the product does not use."""
        return FirestoreChannel(find_access("bare", self.folder / "none", self._emulator))

    @contextmanager
    def web(self, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
        """The product's web server for a while; ``environment`` is added to its own."""
        variables = {**self.system.environment, **(environment or {})}
        log = self.folder / "web.log"
        with serving("settings.wsgi:application", free_port(), variables, log, "/readyz") as server:
            yield server

    @contextmanager
    def bare(self, page: Path | None = None) -> Iterator[Server]:
        """A bare Django under the same server; ``page`` has the bytes that ``/page`` returns."""
        variables = {"BENCH_PAGE": str(page)} if page else {}
        log = self.folder / "bare.log"
        with serving("benchmarks.bare:application", free_port(), variables, log, "/read") as server:
            yield server

    @contextmanager
    def consumer(self) -> Iterator[None]:
        """The product's consumer for a while; it has its partitions when this begins."""
        self.system.start("issue-consumer")
        eventually(self._answers, "the consumer tells of itself")
        try:
            yield
        finally:
            self.system.stop("issue-consumer")

    def look(self) -> Look:
        """Ask the running consumer."""
        found = self._metrics()
        return Look(
            time=time.perf_counter(),
            applied=found.get("issuetracker_changes_total applied", 0.0),
            writes=found.get("issuetracker_issue_writes_total", 0.0),
            cpu=found["process_cpu_seconds_total"],
            resident=found["process_resident_memory_bytes"],
        )

    def wait_until_applied(self, count: float) -> Look:
        """The first look that finds ``count`` changes applied."""

        def look() -> Look | None:
            found = self.look()
            return found if found.applied >= count else None

        return eventually(look, f"{count} changes are stored", within=300, every=0.25)

    def forget(self) -> None:
        """Pass over what waits in the log, empty store and Redis; for whoever measures next."""
        self.log.pass_over()
        # The emulator goes through all documents for each list, where Firestore has an index.
        FirestoreEmulator(self._emulator, self._project).clear()
        with redis.Redis.from_url(self._redis_url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            self._metrics()
        except OSError:
            return False
        return True

    def _metrics(self) -> dict[str, float]:
        connection = http.client.HTTPConnection("127.0.0.1", self._health, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return {
            f"{sample.name} {sample.labels.get('outcome', '')}".rstrip(): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
