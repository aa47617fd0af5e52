"""The environment alone decides what is embedded, and every decision is said."""

import socket
from pathlib import Path

import dj_database_url
import pytest

from embedded.lock import Occupied, only_one
from embedded.plan import Plan, without_password
from embedded.ports import NoFreePort, is_free, next_free
from embedded.secret_files import read_or_make
from settings.environment import read_environment


def plan(var: Path, **variables: str) -> Plan:
    return Plan(read_environment({"DJANGO_DEBUG": "1", **variables}), var)


def said(plan: Plan) -> dict[str, str]:
    kafka = plan.environment.kafka_bootstrap_servers or "127.0.0.1:1"
    redis = plan.environment.redis_url or "redis://127.0.0.1:2/0"
    choices = plan.choices(kafka, redis, "http://127.0.0.1:6001")
    return {choice.part: f"{choice.address} {choice.reason}" for choice in choices}


def test_without_addresses_everything_is_embedded(tmp_path: Path) -> None:
    one = plan(tmp_path)
    assert one.embeds_kafka
    assert one.embeds_redis
    assert "KAFKA_BOOTSTRAP_SERVERS is not set" in said(one)["Kafka"]


def test_each_address_swaps_in_its_real_part_alone(tmp_path: Path) -> None:
    one = plan(tmp_path, REDIS_URL="redis://:secret@cache:6379/1")
    assert one.embeds_kafka
    assert not one.embeds_redis
    assert said(one)["Redis"] == "redis://…@cache:6379/1 REDIS_URL"
    assert not plan(tmp_path, KAFKA_BOOTSTRAP_SERVERS="broker:9092").embeds_kafka


def test_google_s_variables_alone_choose_no_store(tmp_path: Path) -> None:
    google = {"GOOGLE_CLOUD_PROJECT": "production", "FIRESTORE_EMULATOR_HOST": "localhost:1"}
    assert said(plan(tmp_path, **google))["Store"].startswith("the database the default")
    chosen = plan(tmp_path, ISSUETRACKER_STORE="firestore", **google)
    assert said(chosen)["Store"] == "Firestore's emulator at localhost:1 ISSUETRACKER_STORE"


def test_a_folder_of_any_name_can_hold_the_database(tmp_path: Path) -> None:
    var = tmp_path / "a b?c#d%20é"
    assert dj_database_url.parse(plan(var).database_url)["NAME"] == str(
        var / "issuetracker.sqlite3"
    )


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("postgres://me:secret@host:5432/issues", "postgres://…@host:5432/issues"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("broker-1:9092,broker-2:9092", "broker-1:9092,broker-2:9092"),
    ],
)
def test_a_printed_address_holds_no_password(address: str, printed: str) -> None:
    assert without_password(address) == printed


def test_a_port_on_which_anyone_listens_is_not_free() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((host, 0)) as server:
            port = server.getsockname()[1]
            assert not is_free(port)
            assert next_free(port) > port
        assert is_free(port)


def test_no_free_port_is_an_error_that_names_them() -> None:
    with socket.create_server(("127.0.0.1", 65535)), pytest.raises(NoFreePort, match="65535"):
        next_free(65535)


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    made = read_or_make(file)
    assert len(made) >= 32
    file.chmod(0o644)
    assert read_or_make(file) == made
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_is_given_up_when_its_holder_is_done(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(Occupied, match="already running"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        assert (tmp_path / "lock").exists()
