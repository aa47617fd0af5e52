"""The product on parts of its own, to be broken: processes, parts, positions, the store."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.services import PARTS, Services
from issuetracker.messages import GROUP, TOPIC
from issuetracker.providers import StoreProvider
from issuetracker.providers.database import DatabaseHelperProvider
from issuetracker.providers.firebase import FirebaseHelperProvider
from tests.stores import database_alias
from tests.system import System, eventually

if TYPE_CHECKING:
    from tests.faults.load import Load

STORES = ("firestore", "postgres", "sqlite")
#: How long whatever restarts ended processes takes to notice; container engines take this long.
RESTART_AFTER = 1.0


class World:
    """The product on parts that are its own to break.

    Processes that end by themselves are started again, as a container engine does.

    Args:
        folder: for everything that it keeps.
        store: one of `STORES`.
        without: a mechanism to leave out, of ``levers.leaving_out.MECHANISMS``.
        disk: where SQLite keeps its database; by default in ``folder``.

    Attributes:
        load: what is sent at present.
    """

    def __init__(
        self, folder: Path, store: str, *, without: str = "", disk: Path | None = None
    ) -> None:
        self.folder = folder
        self.store = store
        self.disk = disk or folder
        self.load: Load
        self.services = Services(folder / "services")
        self.part = None if store == "sqlite" else store
        self._names = [name for name in ("kafka", "redis", self.part) if name]
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._stack = ExitStack()
        environment = {
            "ISSUETRACKER_STORE": "firestore" if store == "firestore" else "database",
            "DJANGO_EXTRA_APPS": "tests.faults.levers",
            "FAULTS_FOLDER": str(folder),
            "FAULTS_WITHOUT": without,
        }
        if store == "sqlite":
            environment["DATABASE_URL"] = f"sqlite:///{self.disk / 'issues.sqlite3'}"
        try:
            for name in self._names:
                environment |= PARTS[name].environment(self.services.start(name))
            self.brokers = environment["KAFKA_BOOTSTRAP_SERVERS"]
            self.redis_url = environment["REDIS_URL"]
            self.system = System(folder, environment)
            self.system.manage("migrate", "--verbosity", "0")
            self.system.start("web")
            self.system.start("issue-consumer")
        except BaseException:
            self.close()
            raise
        self._keeper.start()

    def close(self) -> None:
        """End all of it."""
        self._ending.set()
        if self._keeper.is_alive():
            self._keeper.join()
        if hasattr(self, "system"):
            self.system.close()
        for name in self._names:
            self.services.kill(name)
        self._stack.close()

    @contextmanager
    def opened_store(self) -> Iterator[StoreProvider]:
        """The store, read past the product's processes."""
        environment = self.system.environment
        if self.store == "firestore":
            yield FirebaseHelperProvider(
                project=environment["GOOGLE_CLOUD_PROJECT"],
                credentials=self.folder / "none",
                emulator=environment["FIRESTORE_EMULATOR_HOST"],
            )
            return
        with database_alias(environment["DATABASE_URL"]) as alias:
            yield DatabaseHelperProvider(using=alias)

    def admin(self) -> AdminClient:
        """A client for the broker's administration; keep it until its futures are done."""
        return AdminClient({"bootstrap.servers": self.brokers, "log_level": 2})

    def high_marks(self) -> dict[int, int]:
        """The offset after the last message, by partition of the topic."""
        with self._looking() as consumer:
            found = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
            places = [TopicPartition(TOPIC, number) for number in found]
            marks = [consumer.get_watermark_offsets(place, timeout=10) for place in places]
        return {place.partition: high for place, (_, high) in zip(places, marks, strict=True)}

    def positions(self, numbers: Iterable[int]) -> dict[int, int]:
        """The offset that the group has committed in each of the partitions; 0 for none."""
        places = [TopicPartition(TOPIC, number) for number in numbers]
        with self._looking() as consumer:
            committed = consumer.committed(places, timeout=10)
        return {place.partition: max(0, place.offset) for place in committed}

    def behind(self, marks: Mapping[int, int]) -> int:
        """How many messages below ``marks`` the group has not committed yet."""
        positions = self.positions(marks)
        return sum(max(0, mark - positions[number]) for number, mark in marks.items())

    def wait_for_starts(self, role: str, before: int) -> None:
        """Wait until a consumer has had its partitions more than ``before`` times."""
        eventually(lambda: self.system.starts(role) > before, f"{role} is back")

    def seconds_to_catch_up(self, since: float, within: float) -> float:
        """Wait until the group has committed all that is in the log now.

        Args:
            since: the moment (``time.monotonic()``) from which the seconds count.
            within: seconds to wait.

        Raises:
            AssertionError: it did not happen in time.
        """
        deadline = time.monotonic() + within
        left = -1
        while time.monotonic() < deadline:
            try:
                marks = self.high_marks()
                while time.monotonic() < deadline:
                    left = self.behind(marks)
                    if left == 0:
                        return time.monotonic() - since
                    time.sleep(0.1)
            except KafkaException:
                time.sleep(0.2)  # the broker is still coming up
        raise AssertionError(
            f"the consumer is {left} messages behind after {within:g} s\n"
            f"{self.system.log('issue-consumer')}"
        )

    @contextmanager
    def _looking(self) -> Iterator[Consumer]:
        options = {"bootstrap.servers": self.brokers, "group.id": GROUP, "log_level": 2}
        consumer = Consumer(options)
        try:
            yield consumer
        finally:
            consumer.close()

    def lever(self, name: str, text: str | None) -> None:
        """Write the file that a lever looks at, in one step; None removes it."""
        file = self.folder / name
        if text is None:
            file.unlink(missing_ok=True)
            return
        draft = file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(file)

    def _keep_running(self) -> None:
        while not self._ending.wait(RESTART_AFTER):
            for role in self.system.ended():
                self.system.launch(role)


def children_of(pid: int) -> list[int]:
    """The ids of the processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(folder.name))
    return sorted(found)


def resident_bytes(pid: int) -> int:
    """The memory that a process holds at present."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
