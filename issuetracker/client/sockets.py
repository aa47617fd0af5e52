"""Sockets that end on time: every look-up, connect, read and write has one common deadline.

A timeout of a socket (and of every HTTP library) is per read, so a server that drips one byte a
second holds its caller for ever. Here the timeout is set anew before each read to what is left.
Only looking up a name cannot be given a timeout; it runs in a thread of its own, one at most.
"""

import encodings.idna  # noqa: F401 - see below
import io
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Looking a name up imports this codec. Were that left to the sender's thread, a fork at that moment
# would leave the child with an import lock that nobody opens.

_MAX_ADDRESSES = 4

Address: TypeAlias = tuple[socket.AddressFamily, Any]


def remaining(deadline: float) -> float:
    """Seconds until ``deadline`` (of :func:`time.monotonic`).

    Raises:
        TimeoutError: it has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _addresses(host: str, port: int, flags: int = 0) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:
        raise OSError(f"not a host name: {host!a}") from error
    return [(entry[0], entry[4]) for entry in found[:_MAX_ADDRESSES]]


class _Lookup:
    """One look-up of a name, for which any number of threads can wait."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._found: list[Address] = []
        self._error: OSError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._found = _addresses(self._host, self._port)
        except OSError as error:
            self._error = error
        finally:
            self.done.set()

    def result(self) -> list[Address]:
        if self._error is not None:
            raise OSError(*self._error.args) from self._error
        return self._found


class Resolver:
    """Looks one host up. While a look-up hangs, all who ask wait for the same one."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._lookup: _Lookup | None = None

    def addresses(self, deadline: float) -> list[Address]:
        """Where the host is.

        Raises:
            OSError: there is no such host, or the name service did not answer in time.
        """
        try:
            return _addresses(self._host, self._port, socket.AI_NUMERICHOST)
        except OSError:
            lookup = self._current_lookup()
        if not lookup.done.wait(remaining(deadline)):
            raise TimeoutError(f"looking up {self._host} took too long")
        return lookup.result()

    def _current_lookup(self) -> _Lookup:
        with self._lock:
            if self._lookup is None or self._lookup.done.is_set():
                self._lookup = lookup = _Lookup(self._host, self._port)
                try:
                    threading.Thread(
                        target=lookup.run, name="issuetracker-lookup", daemon=True
                    ).start()
                except RuntimeError:  # no threads are to be had, as when the process is ending
                    lookup.run()
            return self._lookup


def connect(addresses: Sequence[Address], deadline: float) -> socket.socket:
    """A connection to the first of ``addresses`` that answers; each gets its share of the time.

    Raises:
        OSError: none did.
    """
    failure = OSError("the host has no address")
    for position, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(remaining(deadline) / (len(addresses) - position))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def encrypt(
    connection: socket.socket, context: ssl.SSLContext, host: str, deadline: float
) -> socket.socket:
    """``connection`` with TLS.

    Raises:
        OSError: no agreement with the server, or not in time.
    """
    try:
        connection.settimeout(remaining(deadline))
        return context.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


class DeadlineSocket:
    """As much of a connected socket as :mod:`http.client` uses, with a deadline.

    Attributes:
        deadline: when reads and writes end, by :func:`time.monotonic`.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Write all of ``data``."""
        view = memoryview(data)
        while view:
            self.expire_soon()
            view = view[self._connection.send(view) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the server sends."""
        # The real socket's own file keeps it open for as long as an answer is read from it.
        return io.BufferedReader(
            _DeadlineReader(self, self._connection.makefile("rb", buffering=0))
        )

    def expire_soon(self) -> None:
        """Let the next operation wait no longer than to the deadline."""
        self._connection.settimeout(remaining(self.deadline))

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class _DeadlineReader(io.RawIOBase):
    def __init__(self, owner: DeadlineSocket, source: socket.SocketIO) -> None:
        self._owner, self._source = owner, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._owner.expire_soon()
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()
