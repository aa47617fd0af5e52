"""Whether this container's process is alive: exit status 0 or 1, for HEALTHCHECK.

A consumer's container sets WORKER_PORT, where the consumer answers; the web server's does not.
"""

import http.client
import os
import sys
from collections.abc import Mapping


def host_header(environ: Mapping[str, str]) -> str:
    """A host name that the server takes: the first of DJANGO_ALLOWED_HOSTS that is one."""
    names = (name.strip() for name in environ.get("DJANGO_ALLOWED_HOSTS", "").split(","))
    # ".example.com" stands for the domain and all below it, "*" for anything.
    return next((name.lstrip(".") for name in names if name not in {"", "*"}), "localhost")


def is_alive(environ: Mapping[str, str]) -> bool:
    """Whether ``/livez`` on this machine's WORKER_PORT, or else PORT, answers 200 within 2 s."""
    port = int(environ.get("WORKER_PORT") or environ.get("PORT") or "6001")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/livez", headers={"Host": host_header(environ)})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(os.environ) else 1)
