"""Finds the port of the web server."""

import socket

_TRIES = 100


class NoFreePort(Exception):
    """The wanted port and the many after it are all in use."""


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine.

    Asked here because the web server shares a port that is in use instead of refusing it.
    """
    with socket.socket() as probe:
        probe.settimeout(0.5)
        # Binding alone would miss, on macOS, a server that listens on every address.
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def next_free(wanted: int) -> int:
    """The wanted port, or the first free one after it.

    Raises:
        NoFreePort: there is none nearby.
    """
    for port in range(wanted, min(wanted + _TRIES, 65536)):
        if is_free(port):
            return port
    raise NoFreePort(f"Port {wanted} and the {_TRIES - 1} after it are in use.")
