"""However the tracker behaves: nothing is raised, and nobody waits past the timeout."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from issuetracker.client import sockets
from tests.client.conftest import MakeClient
from tests.client.servers import (
    Conversation,
    Reply,
    Tracker,
    accepted,
    blackhole,
    conversing,
    dripping,
    free_port,
    read_request,
    saying,
    silent,
)

TIMEOUT = 0.4
SLACK = 0.6  # for a machine that has other things to do

_OK = b"HTTP/1.1 202 Accepted\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def _endless(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(_OK + b"\r\n")
    while True:
        connection.sendall(b'{"id": "temp-1"} ' * 1000)


HOLDING: dict[str, Conversation] = {
    "never answers": silent,
    "drips its status line": dripping(b"H"),
    "drips its headers": dripping(b"X-A: b\r\n", at_once=_OK),
    "drips its body": dripping(b" ", at_once=_OK + b"Content-Length: 1000\r\n\r\n"),
    "drips its chunks": dripping(
        b"1\r\n \r\n", at_once=_OK + b"Transfer-Encoding: chunked\r\n\r\n"
    ),
    "says continue for ever": dripping(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "stops in its body": saying(_OK + b"Content-Length: 9\r\n\r\n{", then_close=False),
}


@pytest.mark.parametrize("talk", HOLDING.values(), ids=HOLDING)
def test_nobody_is_held_past_the_timeout(make_client: MakeClient, talk: Conversation) -> None:
    with conversing(talk) as url:
        client = make_client(url, timeout=TIMEOUT)
        before = threading.active_count()
        started = time.monotonic()
        assert client.log_issue("x", "d" * 20_000, context={"rows": ["y" * 1900] * 12}) is None
        assert time.monotonic() - started < TIMEOUT + SLACK
        assert threading.active_count() <= before + 1  # the server's own for this connection
    assert (client.sent, client.failed) == (0, 1)


def test_two_seconds_are_the_default(make_client: MakeClient) -> None:
    with conversing(dripping(b"X-A: b\r\n", 0.3, at_once=_OK)) as url:
        started = time.monotonic()
        assert make_client(url).log_issue("x") is None
        assert 1.9 < time.monotonic() - started < 2.0 + SLACK


def test_an_address_that_swallows_connections_does_not_hold(make_client: MakeClient) -> None:
    with blackhole() as url:
        started = time.monotonic()
        assert make_client(url, timeout=TIMEOUT).log_issue("x") is None
        assert TIMEOUT * 0.9 < time.monotonic() - started < TIMEOUT + SLACK


ANSWERS = {
    "closes at once": b"",
    "closes in its status line": b"HTTP/1.1 20",
    "closes in its headers": _OK + b"Content-Le",
    "closes in its body": _OK + b'Content-Length: 100\r\n\r\n{"id": ',
    "closes in a chunk": _OK + b'Transfer-Encoding: chunked\r\n\r\nff\r\n{"id"',
    "speaks another protocol": b"+OK ready\r\n",
    "sends binary": bytes(range(256)) * 4,
    "sends a header without end": _OK + b"X-A: " + b"a" * 100_000,
    "sends a thousand headers": _OK + b"X-A: b\r\n" * 1000 + b"\r\n",
    "sends a wrong chunk size": _OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "sends a negative length": _OK + b"Content-Length: -5\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_answer_counts_as_none(make_client: MakeClient, answer: bytes) -> None:
    with conversing(saying(answer)) as url:
        started = time.monotonic()
        assert make_client(url).log_issue("x") is None
        assert time.monotonic() - started < 1.5  # no waiting where there is nothing to wait for


def _reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, named)


REPLIES = {
    "an error": _reply(500),
    "a page": _reply(200, b"<html>Welcome</html>", Content_Type="text/html"),
    "a page in another encoding": _reply(202, b'\xff\xfe{"id"'),
    "no object": _reply(202, b'["temp-1"]'),
    "no id": _reply(202, b'{"status": "accepted"}'),
    "an id that is no text": _reply(202, b'{"id": {"$oid": 1}}'),
    "an id without end": _reply(202, b'{"id": "%s"}' % (b"x" * 5000)),
    "deep nesting": _reply(202, b"[" * 60_000),
    "an unknown status": _reply(799, b'{"id": "temp-1"}'),
    "no content": _reply(204),
    "too busy": _reply(429, b"", Retry_After="1"),
    "a login": _reply(401, b"", WWW_Authenticate="Bearer"),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_an_answer_without_an_issue_is_a_failure(
    tracker: Tracker, make_client: MakeClient, reply: Reply
) -> None:
    tracker.replies = [reply]
    client = make_client(tracker.url)
    assert client.log_issue("x") is None
    assert client.failed == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(tracker: Tracker, make_client: MakeClient, status: int) -> None:
    tracker.replies = [_reply(status, b"", Location=f"{tracker.url}/elsewhere")]
    assert make_client(tracker.url, token="aft_1").log_issue("x") is None
    assert len(tracker.received) == 1


def test_a_body_without_end_is_read_to_a_bound_only(make_client: MakeClient) -> None:
    with conversing(_endless) as url:
        started = time.monotonic()
        assert make_client(url).log_issue("x") is None
        assert time.monotonic() - started < 1.0


def test_a_server_that_reads_a_byte_at_a_time_does_not_hold() -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    done = threading.Event()

    def read_slowly() -> None:
        while not done.wait(0.01):
            theirs.recv(1)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    started = time.monotonic()
    with ours, theirs:
        with pytest.raises(TimeoutError):
            sockets.DeadlineSocket(ours, started + TIMEOUT).sendall(b"x" * 512 * 1024)
        assert time.monotonic() - started < TIMEOUT + SLACK
        done.set()
        reader.join()


def test_a_refused_connection_is_known_at_once(make_client: MakeClient) -> None:
    started = time.monotonic()
    assert make_client(f"http://127.0.0.1:{free_port()}").log_issue("x") is None
    assert time.monotonic() - started < 0.5


def test_a_connection_closed_while_idle_is_opened_again(make_client: MakeClient) -> None:
    with conversing(saying(accepted("temp-1")), saying(accepted("temp-2"))) as url:
        client = make_client(url)
        assert client.log_issue("first") == "temp-1"
        assert client.log_issue("second") == "temp-2"


def test_a_request_that_was_cut_off_is_sent_again_under_its_event_id(
    make_client: MakeClient,
) -> None:
    bodies: list[bytes] = []

    def cut_off(connection: socket.socket) -> None:
        bodies.append(read_request(connection))
        connection.close()

    def answer(connection: socket.socket) -> None:
        bodies.append(read_request(connection))
        connection.sendall(accepted())

    with conversing(cut_off, answer) as url:
        assert make_client(url).log_issue("x") == "temp-1"
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b'"event_id"' in bodies[0]


def test_a_request_is_sent_twice_at_most(make_client: MakeClient) -> None:
    bodies: list[bytes] = []

    def cut_off(connection: socket.socket) -> None:
        bodies.append(read_request(connection))
        connection.close()

    with conversing(cut_off) as url:
        assert make_client(url).log_issue("x") is None
    assert len(bodies) == 2


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name service that does not answer; there is none to be had for a test."""
    asked: list[str] = []
    release = threading.Event()
    real = socket.getaddrinfo

    def hang(host: str, port: int, **options: int) -> object:
        if options.get("flags") or host == "127.0.0.1":
            return real(host, port, **options)
        asked.append(host)
        release.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    release.set()


def test_a_name_service_that_hangs_holds_nobody_and_costs_one_thread(
    make_client: MakeClient, hanging_names: list[str]
) -> None:
    client = make_client("http://issuetracker.example:6001", timeout=0.2, failure_threshold=100)
    before = threading.active_count()
    started = time.monotonic()
    callers = [threading.Thread(target=client.log_issue, args=("x",)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert client.log_issue("x") is None
    assert time.monotonic() - started < 0.4 + SLACK
    assert hanging_names == ["issuetracker.example"]
    assert threading.active_count() == before + 1


@pytest.mark.parametrize(
    "url",
    [
        "http://no-such-host.invalid",
        "http://" + "a" * 300 + ".example",
        "http://a..b",
        "http://xn--\udcff",
        "http://[::1",
        "http://host:port",
        "http://host:99999",
        "ftp://host",
        "http://",
        "http://host/pa th\r\nX: y",
        "://",
        "\x00",
    ],
)
def test_an_address_that_is_none_raises_nothing(make_client: MakeClient, url: str) -> None:
    client = make_client(url, timeout=1.0)
    assert client.log_issue("x") is None
    assert client.add_comment("1", "body") is False
    assert client.failed == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, and its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True, cwd=folder)
    return folder


def _over_tls(talk: Conversation, folder: Path) -> AbstractContextManager[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def converse(connection: socket.socket) -> None:
        try:
            talk(context.wrap_socket(connection, server_side=True))
        except ssl.SSLError:
            connection.close()

    return conversing(converse)


def test_https_is_spoken_with_whom_the_authorities_vouch_for(
    make_client: MakeClient, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with _over_tls(saying(accepted(), then_close=False), certificate) as url:
        address = url.replace("http://127.0.0.1", "https://localhost")
        assert make_client(address).log_issue("x") == "temp-1"


def test_https_with_an_unknown_certificate_is_refused(
    make_client: MakeClient, certificate: Path
) -> None:
    with _over_tls(saying(accepted()), certificate) as url:
        address = url.replace("http://127.0.0.1", "https://localhost")
        assert make_client(address).log_issue("x") is None


@pytest.mark.parametrize("within_tls", [True, False], ids=["after", "before"])
def test_https_has_the_same_deadline_before_and_after_the_handshake(
    make_client: MakeClient,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    within_tls: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    drip = dripping(b"X-A: b\r\n", at_once=_OK)
    server = _over_tls(drip, certificate) if within_tls else conversing(silent)
    with server as url:
        address = url.replace("http://127.0.0.1", "https://localhost")
        started = time.monotonic()
        assert make_client(address, timeout=TIMEOUT).log_issue("x") is None
        assert TIMEOUT * 0.9 < time.monotonic() - started < TIMEOUT + SLACK


def test_proxies_and_netrc_are_left_alone(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login jane password secret\n")
    surroundings = {
        "HOME": str(tmp_path),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
        "ISSUETRACKER_URL": tracker.url,
        "ISSUETRACKER_TOKEN": "aft_1",
    }
    code = "from issuetracker.client import IssueTrackerClient as C; print(C().log_issue('x'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.startswith("temp-")
    assert tracker.received[0].headers["Authorization"] == "Bearer aft_1"
