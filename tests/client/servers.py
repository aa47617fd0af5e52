"""Trackers of every kind: real servers on real sockets, most of them bad ones."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from issuetracker.messages import NewIssue, new_issue_id

Conversation = Callable[[socket.socket], None]


@dataclass
class Received:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Reply:
    """What a tracker answers instead of what it should."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Tracker:
    """A tracker that takes everything, unless told to answer otherwise.

    Attributes:
        received: every request so far.
        replies: answers to give first, one a request; the last one stays when `stubborn`.
    """

    url: str
    received: list[Received] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    stubborn: bool = False
    connections: int = 0

    @property
    def issues(self) -> list[dict[str, Any]]:
        return [found.body for found in self.received if found.path == "/api/v1/issues"]

    def reply_to(self, request: Received) -> Reply:
        if self.replies:
            return self.replies[0] if self.stubborn else self.replies.pop(0)
        answer = {"id": _answered_id(request), "status": "accepted"}
        return Reply(202, json.dumps(answer).encode())


def _answered_id(request: Received) -> str:
    if request.path.endswith("/api/v1/issues"):
        # The real API's own validation: what the client sends must pass it.
        issue = msgspec.convert(request.body, NewIssue)
        return f"temp-{new_issue_id(issue, issue.event_id or '')}"
    return "0b5c4f0e-8a3f-4f4b-9d6c-0c7f5d1f6a11"


@contextmanager
def running_tracker(port: int = 0) -> Iterator[Tracker]:
    """A tracker that answers like the API does."""
    tracker = Tracker("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits 40 ms for the other

        def setup(self) -> None:
            super().setup()
            tracker.connections += 1

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            request = Received(self.command, self.path, dict(self.headers), json.loads(content))
            tracker.received.append(request)
            try:
                reply = tracker.reply_to(request)
            except msgspec.ValidationError as error:
                reply = Reply(400, str(error).encode())
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = answer  # noqa: N815
        do_PATCH = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    tracker.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield tracker
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def conversing(*conversations: Conversation) -> Iterator[str]:
    """The address of a server that talks to each connection its own way; the last way stays."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: list[socket.socket] = []

    def accept() -> None:
        for number in range(1000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(connection)
            talk = conversations[min(number, len(conversations) - 1)]
            threading.Thread(target=_converse, args=(talk, connection), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in open_sockets:
            connection.close()


def _converse(talk: Conversation, connection: socket.socket) -> None:
    try:
        talk(connection)
    except OSError:
        return  # the client went away, as it should


def dripping(data: bytes, pause: float = 0.05, *, at_once: bytes = b"") -> Conversation:
    """Send `at_once`, then `data` byte by byte, again and again."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(at_once)
        while True:
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(pause)

    return talk


def saying(data: bytes, *, then_close: bool = True) -> Conversation:
    """Read the request, send `data`."""

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(data)
        if then_close:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    return talk


def silent(connection: socket.socket) -> None:
    """Read, and never answer."""
    while connection.recv(65536):
        pass


def read_request(connection: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return body


def accepted(issue_id: str = "temp-1") -> bytes:
    """The bytes of a 202."""
    body = json.dumps({"id": issue_id}).encode()
    return b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@contextmanager
def blackhole() -> Iterator[str]:
    """An address that takes no connection and refuses none: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        waiting.append(filler)
    time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for filler in waiting:
            filler.close()
        listener.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
