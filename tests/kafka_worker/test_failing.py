"""What ends a worker with an error, instead of letting it look alive."""

import pytest

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError
from kafka_worker.handlers import Handler
from kafka_worker.messages import Message
from kafka_worker.worker import Worker
from tests.kafka_worker.helpers import Recorder, RunningWorker, produce
from tests.services import KafkaBroker


def test_a_handler_that_can_not_do_its_work_does_not_start() -> None:
    class Unconfigured(Recorder):
        def setup(self) -> None:
            raise ConfigurationError("put the credentials into billing.json")

    worker = Worker(Unconfigured("orders", "billing"), WorkerConfig(bootstrap_servers="x:1"))
    with pytest.raises(ConfigurationError, match=r"billing\.json"):
        worker.run()


def test_a_handler_of_neither_kind_is_refused() -> None:
    class Neither(Handler):
        name, topic, group = "neither", "orders", "billing"

    with pytest.raises(ConfigurationError, match="neither a MessageHandler nor a BatchHandler"):
        Worker(Neither(), WorkerConfig(bootstrap_servers="x:1"))


def test_a_handler_that_ends_its_thread_ends_the_worker(kafka: KafkaBroker) -> None:
    topic = kafka.topic(partitions=1)

    def act(_: Message) -> None:
        raise SystemExit(3)

    produce(kafka.bootstrap_servers, topic, [b"v"])
    handler = Recorder(topic, kafka.group(), act)
    worker = RunningWorker(handler, WorkerConfig(bootstrap_servers=kafka.bootstrap_servers))
    worker.join()
    assert isinstance(worker.error, SystemExit)
