"""One HTTP request to the tracker and its answer, within a deadline.

Plain :mod:`http.client` over sockets with a deadline: nothing here follows redirects, reads
``.netrc`` (which would replace the token), uses a proxy or waits for a body without end, and a
service that only reports has no HTTP library to load.
"""

import http.client
import json
import re
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from issuetracker.client.sockets import DeadlineSocket, Resolver, connect, encrypt

MAX_ANSWER_BYTES = 64 * 1024
MAX_RETRY_AFTER = 300.0
_MAX_IDLE = 4
_MAX_FIELD = 100
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_PATH = re.compile(r"[!-~]*")

_CLOSED = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    http.client.IncompleteRead,
)


class TransportError(Exception):
    """The tracker gave no answer, or none that is HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        status: HTTP status.
        body: at most 64 KiB of it.
        retry_after: seconds it asked to wait, at most 300; None when it said nothing of it.
    """

    status: int
    body: bytes
    retry_after: float | None = None

    def text_field(self, name: str) -> str | None:
        """A short text field of the JSON body; None when there is no such thing."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        value = document.get(name) if isinstance(document, dict) else None
        return value if isinstance(value, str) and 0 < len(value) <= _MAX_FIELD else None


class _Connection(http.client.HTTPConnection):
    """A connection that is opened by :class:`Transport`, never by itself."""

    auto_open = 0

    def __init__(self, host: str, port: int, opened: DeadlineSocket) -> None:
        super().__init__(host, port)
        self.sock: DeadlineSocket = opened


class Transport:
    """Connections to one address. Any number of threads may use it.

    A connection is used by one call at a time: it is taken from a stack of idle ones and put back
    after a whole answer, so that no thread waits for another's answer and no thread that ends
    takes a connection with it.

    Args:
        url: ``http://`` or ``https://``, host, optional port and path.
        token: sent as the bearer token; None: none.

    Raises:
        ValueError: ``url`` is no such address.
    """

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("the address must be http://HOST or https://HOST")
        if not _SAFE_PATH.fullmatch(parts.path):
            raise ValueError("the address's path must be plain ASCII")
        self._host = parts.hostname
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._encrypted = parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._idle: deque[_Connection] = deque()
        self.start_anew()

    def start_anew(self) -> None:
        """In a forked child: leave the parent its connections, and what its threads held."""
        self.close()
        self._resolver = Resolver(self._host, self._port)
        self._tls_lock = threading.Lock()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def request(self, method: str, path: str, body: bytes, deadline: float) -> Answer:
        """Send a JSON body and wait for the answer, until ``deadline`` and no longer.

        A connection which turns out to be closed is opened again, once: servers close idle
        connections, and what is sent carries an event id, so that arriving twice counts once.

        Raises:
            TransportError: there is no answer.
        """
        try:
            try:
                return self._attempt(self._idle_or_new(deadline), method, path, body, deadline)
            except _CLOSED:
                self.close()  # the other idle ones are as old
                return self._attempt(self._open(deadline), method, path, body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError(f"{type(error).__name__}: {error}"[:300]) from error

    def _idle_or_new(self, deadline: float) -> _Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open(deadline)

    def _open(self, deadline: float) -> _Connection:
        opened = connect(self._resolver.addresses(deadline), deadline)
        if self._encrypted:
            opened = encrypt(opened, self._tls, self._host, deadline)
        return _Connection(self._host, self._port, DeadlineSocket(opened, deadline))

    @property
    def _tls(self) -> ssl.SSLContext:
        with self._tls_lock:  # loading the authorities takes long enough to do it once only
            return self._tls_context

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _attempt(
        self, connection: _Connection, method: str, path: str, body: bytes, deadline: float
    ) -> Answer:
        connection.sock.deadline = deadline
        reusable = False
        try:
            connection.request(method, self._base + path, body, self._headers())
            with connection.getresponse() as response:
                content = _bounded_body(response)
                reusable = response.isclosed() and not response.will_close
                return Answer(response.status, content, _retry_after(response.headers))
        finally:
            if reusable and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
            else:
                connection.close()

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "issuetracker-client",
            **self._authorization,
        }


def _bounded_body(response: http.client.HTTPResponse) -> bytes:
    content = response.read(MAX_ANSWER_BYTES)
    # A read with a limit does not say by itself that the server went away in the middle.
    if response.length and len(content) < MAX_ANSWER_BYTES:
        raise http.client.IncompleteRead(content, response.length)
    return content


def _retry_after(headers: http.client.HTTPMessage) -> float | None:
    # A date is the other form; the tracker sends seconds, and clocks differ.
    value = headers.get("Retry-After", "")
    if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return None
    return min(float(value), MAX_RETRY_AFTER)
