"""The package's README: its handler runs, its tables are complete."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from prometheus_client import REGISTRY

import kafka_worker
from kafka_worker import metrics, registry
from kafka_worker.config import WorkerConfig
from tests.kafka_worker.helpers import contents, eventually, produce, running
from tests.services import KafkaBroker

README = (Path(kafka_worker.__file__).parent / "README.md").read_text()


def test_the_handler_in_the_readme_does_what_it_says(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    shown = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    names: dict[str, Any] = {"__name__": "shop.handlers"}
    exec(shown.group(1), names)
    handler = registry.get("order-confirmations")()
    handler.topic, handler.group = kafka.topic(partitions=1), kafka.group()  # type: ignore[misc]
    produce(
        kafka.bootstrap_servers, handler.topic, [b'{"number": 7, "email": "a@b.example"}', b"?"]
    )
    with running(handler, WorkerConfig(bootstrap_servers=kafka.bootstrap_servers)):
        (letter,) = contents(kafka.bootstrap_servers, f"{handler.topic}.dead-letters", 1)
        eventually(lambda: mail.outbox)
    assert mail.outbox[0].subject == "Order 7"
    assert letter.value() == b"?"


def test_every_setting_is_in_the_readme() -> None:
    settings = README.partition("## Settings")[2].partition("\n## ")[0]
    shown = re.findall(r"^\| `(\w+)` \|", settings, re.MULTILINE)
    assert shown == [field.name for field in fields(WorkerConfig)]


def test_every_metric_is_in_the_readme() -> None:
    assert metrics.CONSUMED is not None
    made = {
        each.name + ("_total" if each.type == "counter" else "")
        for each in REGISTRY.collect()
        if each.name.startswith("kafka_worker_")
    }
    assert set(re.findall(r"`(kafka_worker_\w+)`", README)) == made
