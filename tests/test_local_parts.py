import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.services import PARTS, NotInstalledError, ServiceError, Services, process
from deploy.services.__main__ import main
from deploy.services.kafka import tool_command
from deploy.services.manager import holder_of_this_process
from deploy.services.part import Instance
from deploy.services.postgres import PostgreSQL
from deploy.services.state import Record
from tests.services import KafkaBroker
from tests.system import eventually


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Services]:
    """A folder of this test's own: what it kills is nobody else's."""
    services = Services(tmp_path)
    yield services
    for name in PARTS:
        services.stop(name)


def start(parts: Services, name: str) -> Instance:
    try:
        return parts.start(name)
    except NotInstalledError as error:
        if os.environ.get("REQUIRE_SERVICES"):
            raise
        pytest.skip(str(error))


def client_of(instance: Instance) -> redis.Redis:
    return redis.Redis(port=instance.port, socket_timeout=1, decode_responses=True)


def test_starting_a_running_part_finds_it(parts: Services) -> None:
    first = start(parts, "redis")
    pid = parts.pid("redis")
    assert parts.start("redis") == first
    assert parts.pid("redis") == pid


def test_many_who_start_a_part_at_once_get_one(parts: Services, tmp_path: Path) -> None:
    start(parts, "redis")
    parts.kill("redis")
    script = "import sys; from pathlib import Path; from deploy.services import Services; "
    script += "print(Services(Path(sys.argv[1])).start('redis').address)"
    command = [sys.executable, "-c", script, str(tmp_path)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {starter.communicate()[0].strip() for starter in starters}
    assert answers == {parts.running()["redis"].address}
    listening = subprocess.run(
        ["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout.count(f"redis-server 127.0.0.1:{parts.running()['redis'].port}")
    assert listening == 1


def test_another_process_finds_what_this_one_started(parts: Services, tmp_path: Path) -> None:
    instance = start(parts, "redis")
    assert Services(tmp_path).running() == {"redis": instance}
    assert Services(tmp_path).environment() == {"REDIS_URL": f"redis://{instance.address}/0"}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_part_that_ended_comes_back_at_its_address_with_its_data(
    parts: Services, end: str
) -> None:
    before = start(parts, "redis")
    with client_of(before) as client:
        client.set("kept", "yes")
    assert getattr(parts, end)("redis") is True
    assert parts.running() == {}
    after = parts.start("redis")
    assert after == before
    with client_of(after) as client:
        assert client.get("kept") == "yes"


def test_a_frozen_part_answers_nothing_until_it_goes_on(parts: Services) -> None:
    instance = start(parts, "redis")
    parts.pause("redis")
    assert PARTS["redis"].answers(instance) is False
    parts.resume("redis")
    assert PARTS["redis"].answers(instance) is True


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are looked at in /proc")
def test_every_thread_of_what_is_frozen_stands_at_once(tmp_path: Path) -> None:
    busy = "import threading\ndef run():\n    while True: pass\n"
    threads = "for _ in range(20): threading.Thread(target=run).start()"
    pid = process.spawn([sys.executable, "-c", f"{busy}{threads}"], tmp_path / "log")
    tasks = Path(f"/proc/{pid}/task")
    try:
        eventually(lambda: len(list(tasks.iterdir())) == 21, "it has its threads")
        process.freeze(pid)
        found = [(each / "stat").read_text() for each in tasks.iterdir()]
        assert [each.rpartition(")")[2].split()[0] for each in found] == ["T"] * 21
    finally:
        process.send(pid, signal.SIGKILL)


def test_a_frozen_part_can_be_stopped(parts: Services) -> None:
    start(parts, "redis")
    parts.pause("redis")
    assert parts.stop("redis") is True
    assert parts.running() == {}


def test_what_is_not_running_cannot_be_frozen_and_need_not_be_stopped(parts: Services) -> None:
    with pytest.raises(ServiceError, match="redis is not running"):
        parts.pause("redis")
    assert parts.stop("redis") is False
    assert parts.kill("redis") is False


def test_a_process_that_merely_got_the_same_id_is_left_alone(parts: Services) -> None:
    start(parts, "redis")
    parts.kill("redis")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        record = parts._state.read()["redis"]
        record.pid, record.birth = stranger.pid, "1"
        parts._state.write("redis", record)
        assert parts.running() == {}
        assert parts.stop("redis") is False
        assert stranger.poll() is None


def test_a_part_that_does_not_start_says_the_end_of_its_log(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no room left')"]
    monkeypatch.setattr(PARTS["redis"], "command", lambda _: command)
    with pytest.raises(ServiceError, match="redis ended at once:\nno room left"):
        start(parts, "redis")
    assert parts.running() == {}


def test_a_part_is_stopped_when_the_last_of_those_who_need_it_has_gone(parts: Services) -> None:
    start(parts, "redis")
    parts.stop("redis")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        parts.start("redis", holder=holder_of_this_process())
        parts.start("redis", holder=f"{other.pid}:1")
        parts.start("redis", holder="manual")
        assert parts.release(holder_of_this_process()) == []
    assert list(parts.running()) == ["redis"]
    assert parts.release("manual") == ["redis"]
    assert parts.running() == {}


def test_who_died_without_a_word_needs_nothing() -> None:
    record = Record(ports={}, data="", holders=["1:not its birth", "manual", "me"])
    record.holders.remove("me")
    record.release("nobody")
    assert record.holders == ["manual"]


def test_a_missing_program_is_named_with_how_to_get_it(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotInstalledError, match=r"redis is not installed\. Install it: `apt-get"):
        parts.start("redis")


def test_the_command_refuses_a_part_that_it_does_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["start", "mongodb"])
    assert ended.value.code == 2
    assert "no part is called mongodb: use kafka, redis, firestore, postgres" in (
        capsys.readouterr().err
    )


@pytest.mark.redis
def test_the_command_prints_what_a_shell_can_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    if "redis" not in Services().running():
        pytest.skip("the Redis of this run is not one that was started here")
    assert main(["env", "redis"]) == 0
    assert capsys.readouterr().out.startswith("export REDIS_URL=redis://127.0.0.1:")
    assert main(["status", "redis"]) == 0
    assert "redis: answers at 127.0.0.1:" in capsys.readouterr().out


def test_postgres_keeps_a_committed_row_when_it_is_killed(parts: Services) -> None:
    url = PARTS["postgres"].environment(start(parts, "postgres"))["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    parts.kill("postgres")
    parts.start("postgres")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_kafka_keeps_an_acknowledged_message_when_it_is_killed(parts: Services) -> None:
    broker = KafkaBroker(start(parts, "kafka").address)
    topic = broker.topic("kept", partitions=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "acks": "all"})
    producer.produce(topic, b"kept")
    assert producer.flush(10) == 0
    parts.kill("kafka")
    assert parts.start("kafka").address == broker.bootstrap_servers
    reader = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": broker.group()})
    reader.assign([TopicPartition(topic, 0, 0)])
    message = reader.poll(20)
    reader.close()
    assert message is not None
    assert message.value() == b"kept"


def test_postgres_keeps_its_data_elsewhere_when_its_user_cannot_enter_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = PostgreSQL()
    monkeypatch.setattr(part, "_hand_over", lambda _: None)
    monkeypatch.setattr(part, "account", lambda: "postgres")
    tmp_path.chmod(0o700)
    elsewhere = part.data_folder(tmp_path)
    assert tmp_path not in elsewhere.parents
    elsewhere.rmdir()


def test_kafkas_own_console_tools_reach_the_broker(kafka: KafkaBroker) -> None:
    topic = kafka.topic("console")
    command = tool_command("org.apache.kafka.tools.TopicCommand", "--list")
    listed = subprocess.run(
        [*command, "--bootstrap-server", kafka.bootstrap_servers],
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert topic in listed.stdout.split()
