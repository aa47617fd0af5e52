"""The worker's own small web server: ``/livez``, ``/readyz``, ``/metrics``."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from kafka_worker.config import WorkerConfig
from kafka_worker.exceptions import ConfigurationError
from kafka_worker.health import Answer, Health

_Page = tuple[int, str, bytes]


@contextmanager
def serving(health: Health, config: WorkerConfig) -> Iterator[int]:
    """Serve for the time of a block, if the configuration names a port; gives the port.

    Raises:
        ConfigurationError: the port is in use, or the address is not this machine's.
    """
    if not config.health_port:
        yield 0
        return
    with _listen(health, config) as server:
        thread = threading.Thread(target=server.serve_forever, name="probes", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _listen(health: Health, config: WorkerConfig) -> "_Server":
    try:
        return _Server(config.health_host, config.health_port, health)
    except OSError as error:
        raise ConfigurationError(
            f"Nothing can listen on {config.health_host}:{config.health_port} ({error.strerror}): "
            "choose another health_port in KAFKA_WORKER, or WORKER_PORT where the environment "
            "gives it"
        ) from error


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, health: Health) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.pages: dict[str, Callable[[], _Page]] = {
            "/livez": lambda: _answer(health.live()),
            "/readyz": lambda: _answer(health.ready()),
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)),
        }
        super().__init__((host, port), _Request)


def _answer(answer: Answer) -> _Page:
    status = HTTPStatus.OK if answer.good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps(answer.document).encode()


class _Request(BaseHTTPRequestHandler):
    # Seconds: a caller that says nothing must not keep a thread for ever.
    timeout = 5
    server: _Server

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        status, kind, body = page()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Say nothing of each probe."""
