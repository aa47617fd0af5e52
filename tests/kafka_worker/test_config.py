from datetime import timedelta
from typing import Any

import pytest

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError


def test_the_setting_is_read_and_arguments_come_first(settings: Any) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": "one:9092", "partitions": 12}
    config = WorkerConfig.from_settings(grace=timedelta(seconds=3), group_instance_id="")
    assert (config.bootstrap_servers, config.partitions) == ("one:9092", 12)
    assert config.grace == timedelta(seconds=3)


def test_a_missing_broker_is_named(settings: Any) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": ""}
    with pytest.raises(ConfigurationError, match="bootstrap_servers"):
        WorkerConfig.from_settings()


def test_an_unknown_key_is_named(settings: Any) -> None:
    settings.KAFKA_WORKER = {"bootstrap_servers": "one:9092", "brokers": "two"}
    with pytest.raises(ConfigurationError, match="brokers"):
        WorkerConfig.from_settings()


def test_static_membership_is_used_only_with_a_name() -> None:
    plain = WorkerConfig(bootstrap_servers="one:9092").consumer_options("billing")
    named = WorkerConfig(bootstrap_servers="one:9092", group_instance_id="pod-3").consumer_options(
        "billing"
    )
    assert "group.instance.id" not in plain
    assert named["group.instance.id"] == "pod-3"


def test_further_options_reach_every_client() -> None:
    config = WorkerConfig(bootstrap_servers="x:1", options={"security.protocol": "ssl"})
    assert config.client_options()["security.protocol"] == "ssl"
    assert config.consumer_options("billing")["security.protocol"] == "ssl"
