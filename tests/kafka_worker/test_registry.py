from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from kafka_worker import registry
from kafka_worker.exceptions import ConfigurationError, HandlerNotFound
from kafka_worker.handlers import MessageHandler
from kafka_worker.messages import Message


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})


def handler_class(name: str, topic: str = "orders", group: str = "billing") -> type[MessageHandler]:
    class Billing(MessageHandler):
        def handle(self, message: Message) -> None: ...

    Billing.name, Billing.topic, Billing.group = name, topic, group
    return Billing


def test_a_registered_handler_is_found_by_its_name() -> None:
    billing = handler_class("billing")
    assert registry.register(billing) is billing
    assert registry.get("billing") is billing
    assert registry.register(billing) is billing  # a module imported twice is no error


def test_two_handlers_can_not_have_one_name() -> None:
    registry.register(handler_class("billing"))
    with pytest.raises(ConfigurationError, match="both named 'billing'"):
        registry.register(handler_class("billing"))


@pytest.mark.parametrize("missing", ["name", "topic", "group"])
def test_a_handler_without_name_topic_or_group_is_refused(missing: str) -> None:
    fields = {"name": "billing", "topic": "orders", "group": "billing", missing: ""}
    with pytest.raises(ConfigurationError, match=missing):
        registry.register(handler_class(**fields))


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    registry.register(handler_class("billing"))
    with pytest.raises(HandlerNotFound, match=r"'biling'.*billing"):
        registry.get("biling")


def test_the_command_says_which_handlers_there_are(settings: object) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": "127.0.0.1:1"}  # type: ignore[attr-defined]
    registry.register(handler_class("billing"))
    with pytest.raises(CommandError, match="Registered: billing"):
        call_command("run_worker", "biling", stdout=StringIO())
