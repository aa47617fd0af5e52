"""Load over HTTP, from wrk (a Debian package)."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Callers at the same time, each with a connection of its own.
CONNECTIONS = 64
_SCRIPT = """\
wrk.method = {method}
{body}
{headers}
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\\nRESULT {{"requests":%d,"micros":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}}\\n',
        summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
"""


class NotInstalled(Exception):
    """wrk is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Outcome:
    """What came of a load.

    Attributes:
        answered: requests with an answer below 400.
        rate: of these, a second.
        p50: milliseconds until an answer, of half of all.
        p99: milliseconds until an answer, of 99 in 100.
        failed: requests that were refused, broken off, or had no answer in 2 s.
    """

    answered: int
    rate: float
    p50: float
    p99: float
    failed: int


def require() -> None:
    """Make sure that wrk is here.

    Raises:
        NotInstalled: it is not.
    """
    if shutil.which("wrk") is None:
        raise NotInstalled("wrk is missing: `apt-get install wrk`.")


def load(
    url: str,
    folder: Path,
    seconds: float,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    connections: int = CONNECTIONS,
    script: str = "",
) -> Outcome:
    """Send the same request again and again.

    Args:
        url: where to.
        folder: for wrk's script.
        seconds: for how long; whole seconds, at least one.
        body: JSON to POST; without one it is a GET.
        headers: further headers.
        connections: callers at the same time.
        script: further Lua, where not each request is the same.
    """
    file = _script(folder, body, headers or {}, script)
    whole = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "-s", str(file), url]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=whole + 30, cwd=folder
    )
    found = json.loads(done.stdout.rpartition("RESULT ")[2])
    answered = found["requests"] - found["refused"]
    return Outcome(
        answered=answered,
        rate=answered / (found["micros"] / 1e6),
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        failed=found["refused"] + found["broken"],
    )


def _script(folder: Path, body: bytes | None, headers: Mapping[str, str], further: str) -> Path:
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(headers[name])}" for name in headers]
    read = ""
    if body is not None:
        (folder / "body.json").write_bytes(body)
        read = 'local file = io.open("body.json"); wrk.body = file:read("*a"); file:close()'
        lines.append('wrk.headers["Content-Type"] = "application/json"')
    method = '"GET"' if body is None else '"POST"'
    script = folder / "wrk.lua"
    script.write_text(_SCRIPT.format(method=method, body=read, headers="\n".join(lines)) + further)
    return script
