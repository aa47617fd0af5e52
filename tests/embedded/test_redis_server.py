"""The embedded Redis does what the recent view and the cache ask of one."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import redis

from embedded.supervisor import PROJECT


@pytest.fixture(scope="module")
def client() -> Iterator["redis.Redis"]:
    command = [sys.executable, "-m", "embedded.redis_server"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[1]
        with redis.Redis.from_url(url, decode_responses=True) as connected:
            yield connected
            process.terminate()
            # A connection that is still open must not keep it.
            assert process.wait(timeout=10) == 0


def test_a_key_expires_and_a_sorted_set_keeps_its_order(client: "redis.Redis") -> None:
    client.set("issue", '{"title": "Ä"}', ex=3600)
    client.zadd("recent", {"later": 2, "earlier": 1})
    assert client.get("issue") == '{"title": "Ä"}'
    assert 3590 < int(client.ttl("issue")) <= 3600
    assert client.zrange("recent", 0, -1) == ["earlier", "later"]


def test_pipelines_do_not_wait_for_one_another(client: "redis.Redis") -> None:
    began = time.monotonic()
    for number in range(100):
        with client.pipeline() as pipeline:
            pipeline.set(f"key-{number}", "x" * 2000)
            pipeline.zadd("pipelined", {f"key-{number}": number})
            pipeline.execute()
    assert client.zcard("pipelined") == 100
    # With Nagle's algorithm on, four and a half seconds.
    assert time.monotonic() - began < 2.5


def test_its_data_is_of_this_process_alone(client: "redis.Redis") -> None:
    client.set("kept", "only here")
    client.flushdb()
    assert client.get("kept") is None
