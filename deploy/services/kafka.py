"""Apache Kafka as one KRaft node, from Maven Central."""

import base64
import shutil
import socket
import tempfile
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.services import process
from deploy.services.part import DEFAULT_FOLDER, Instance, Part
from deploy.services.state import locked

VERSION = "4.1.1"
"""The release that pom.xml names."""

_POM = Path(__file__).with_name("pom.xml")
_LIBRARIES = DEFAULT_FOLDER / f"kafka-{VERSION}"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{main},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{main}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=4
auto.create.topics.enable=true
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class Kafka(Part):
    """A broker that is its own controller; topics appear on first use with 4 partitions."""

    name = "kafka"
    ports_wanted = ("main", "controller")
    how_to_get = "Install Java 17 or newer and Maven: `apt-get install default-jre-headless maven`."

    def require_installed(self) -> None:
        """See `Part.require_installed`; Maven is needed for the first start only."""
        self.program("java")
        if not _LIBRARIES.is_dir():
            self.program("mvn")

    def prepare(self, instance: Instance) -> None:
        """Fetch the libraries, write the configuration, format the log folder once."""
        self._fetch_libraries(instance.log)
        properties = _PROPERTIES.format(data=instance.data, **instance.ports)
        self._configuration(instance).write_text(properties)
        if not (instance.data / "meta.properties").exists():
            arguments = ["-t", _new_cluster_id(), "-c", str(self._configuration(instance))]
            process.run(tool_command("kafka.tools.StorageTool", "format", *arguments), instance.log)

    def command(self, instance: Instance) -> list[str]:
        """See `Part.command`."""
        return tool_command("kafka.Kafka", str(self._configuration(instance)), heap="512m")

    def answers(self, instance: Instance) -> bool:
        """Whether the broker tells its topics."""
        try:
            # Cheap, and without it the client logs every refused connection.
            socket.create_connection(("127.0.0.1", instance.port), timeout=1).close()
            admin = AdminClient({"bootstrap.servers": instance.address, "log_level": 0})
            return bool(admin.list_topics(timeout=2).brokers)
        except (OSError, KafkaException):
            return False

    def environment(self, instance: Instance) -> dict[str, str]:
        """See `Part.environment`."""
        return {"KAFKA_BOOTSTRAP_SERVERS": instance.address}

    def _configuration(self, instance: Instance) -> Path:
        return instance.folder / "server.properties"

    def _fetch_libraries(self, log: Path) -> None:
        with locked(_LIBRARIES.with_suffix(".lock")):
            if _LIBRARIES.is_dir():
                return
            draft = Path(tempfile.mkdtemp(dir=_LIBRARIES.parent))
            try:
                process.run(self._fetch_command(draft), log)
                draft.rename(_LIBRARIES)
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def _fetch_command(self, target: Path) -> list[str]:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        options = ["--batch-mode", "--quiet", "--file", str(_POM)]
        return [self.program("mvn"), *options, *goal, f"-DoutputDirectory={target}"]


def tool_command(main_class: str, *arguments: str, heap: str = "256m") -> list[str]:
    """The command line of one of Kafka's own Java programs, such as the console consumer.

    Args:
        main_class: for example ``org.apache.kafka.tools.consumer.ConsoleConsumer``.
        arguments: what it gets.
        heap: the most memory for its objects, as Java writes it.
    """
    java = shutil.which("java") or "java"
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    jvm = [java, f"-Xmx{heap}", "-XX:+UseSerialGC", quiet, "-cp", f"{_LIBRARIES}/*"]
    return [*jvm, main_class, *arguments]


def _new_cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a", 1)
