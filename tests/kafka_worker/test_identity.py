from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import KafkaError, KafkaException, Uuid

from kafka_worker.identity import BrokerIdentity, derive_topic_id

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient


class Admin:
    """Answers when the test says so: a real broker can not be had to answer late."""

    def __init__(self) -> None:
        self.answers: list[Future[Any]] = []

    def describe_topics(self, _topics: Any, **_options: float) -> dict[str, Future[Any]]:
        self.answers.append(Future())
        return {"orders": self.answers[-1]}

    def answer(self, number: int) -> None:
        self.answers[-1].set_result(SimpleNamespace(topic_id=Uuid(number, number)))


def identity(admin: Admin) -> BrokerIdentity:
    return BrokerIdentity(cast("AdminClient", admin), "orders", 60.0, fallback="derived")


def test_it_is_settled_once_the_broker_has_answered() -> None:
    admin = Admin()
    reader = identity(admin)
    reader.tick(1.0)
    reader.tick(1.1)
    assert not reader.settled
    admin.answer(7)
    reader.tick(1.2)
    assert reader.settled
    assert reader.current == str(Uuid(7, 7))


def test_it_is_read_again_every_interval() -> None:
    admin = Admin()
    reader = identity(admin)
    reader.tick(1.0)
    admin.answer(7)
    reader.tick(1.2)
    reader.tick(61.0)
    assert len(admin.answers) == 1
    reader.tick(61.3)
    admin.answer(8)
    reader.tick(61.4)
    assert reader.current == str(Uuid(8, 8))


def test_an_answer_that_was_on_its_way_does_not_satisfy_a_demand() -> None:
    admin = Admin()
    reader = identity(admin)
    reader.tick(1.0)
    reader.demand()
    admin.answer(7)
    reader.tick(1.2)
    assert not reader.settled
    reader.tick(1.3)
    admin.answer(8)
    reader.tick(1.4)
    assert reader.settled
    assert reader.current == str(Uuid(8, 8))


def test_while_the_broker_is_away_it_asks_once_a_second_whatever_is_demanded() -> None:
    admin = Admin()
    reader = identity(admin)
    reader.tick(1.0)
    admin.answers[-1].set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    reader.tick(1.1)
    for tenth in range(12, 20):
        reader.demand()
        reader.tick(tenth / 10)
    assert len(admin.answers) == 1
    reader.tick(2.2)
    admin.answer(7)
    reader.tick(2.3)
    assert reader.settled


def test_a_broker_without_topic_ids_gets_a_derived_one() -> None:
    admin = Admin()
    reader = identity(admin)
    reader.tick(1.0)
    admin.answer(0)
    reader.tick(1.1)
    assert reader.current == "derived"


def test_a_derived_id_differs_with_every_start_of_the_broker() -> None:
    first = derive_topic_id("mockCluster1", ["127.0.0.1:4001"], "orders")
    assert first == derive_topic_id("mockCluster1", ["127.0.0.1:4001"], "orders")
    assert first != derive_topic_id("mockCluster2", ["127.0.0.1:4001"], "orders")
    assert first != derive_topic_id("mockCluster1", ["127.0.0.1:4002"], "orders")
    assert first != derive_topic_id("mockCluster1", ["127.0.0.1:4001"], "parcels")
