"""Bugsink beside the product: the same report, as each takes it, in one run.

Bugsink is installed from PyPI into an environment of its own, under ``var/bench``, and set up as
its guide for a single server says (``bugsink-create-conf --template=singleserver``): gunicorn with
four workers, snappea for what is done after the answer, SQLite. Two things differ, both in its
favour: no reverse proxy stands before it, and its quotas (1,000 events in five minutes) are lifted.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import reports, wrk
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Goal, Samples
from benchmarks.serving import Server, get
from issuetracker.messages import Frame, NewIssue
from tests.system import ROOT, eventually, free_port

VERSION = "2.6.2"
_WARM_UPS = 10
_HOME = ROOT / "var" / "bench" / f"bugsink-{VERSION}"
_BIN = _HOME / "bin"
_SETTINGS = """
BUGSINK["BASE_URL"] = "http://127.0.0.1"
ALLOWED_HOSTS = ["127.0.0.1"]
BUGSINK.update({f"MAX_EVENTS_PER_{each}": 10**9 for each in (
    "5_MINUTES", "HOUR", "MONTH", "PROJECT_PER_5_MINUTES", "PROJECT_PER_HOUR", "PROJECT_PER_MONTH",
)})
"""
_NEW_PROJECT = (
    "from projects.models import Project; p = Project.objects.create(name='bench'); "
    "print(p.pk, p.sentry_key.hex)"
)
# Its guide has a timeout of 6 s, within which its workers do not start on a busy machine.
_GUNICORN = ("--workers=4", "--timeout=60", "--max-requests=1000", "--max-requests-jitter=100")


@dataclass(frozen=True)
class Project:
    """Where Bugsink takes events.

    Attributes:
        address: the path to post envelopes to.
        key: of its DSN.
    """

    address: str
    key: str


def bugsink(bench: Bench) -> Iterator[Figure]:
    """Accepted per second, the same 30 kB report: alone, and while each works off what it took."""
    _install(bench.folder)
    rival = Bugsink(bench.folder / "bugsink")
    with bench.web() as web:
        for working in (False, True):
            ours, others = [], []
            for _ in range(bench.repetitions):
                others.append(rival.load(bench.seconds, working=working))
                with bench.consumer() if working else nullcontext():
                    ours.append(_load(bench, web))
                bench.forget()
            yield _figure(ours, others, working=working)


def _load(bench: Bench, web: Server) -> wrk.Outcome:
    url, body = web.url("/api/v1/issues"), reports.body(reports.LARGE)
    return _when_warm(
        lambda seconds: wrk.load(url, bench.folder, seconds, body=body), bench.seconds
    )


def _when_warm(load: Callable[[float], wrk.Outcome], seconds: float) -> wrk.Outcome:
    """What comes of the first load after one of which everything was answered in 2 s."""
    for _ in range(_WARM_UPS):
        found = load(2)
        if found.answered and not found.failed:
            break
    found = load(seconds)
    if not found.answered:
        raise AssertionError(f"it accepts nothing, so there is nothing to compare: {found}")
    return found


def _figure(ours: list[wrk.Outcome], others: list[wrk.Outcome], *, working: bool) -> Figure:
    failed = sum(one.failed for one in ours), sum(one.failed for one in others)
    return Figure(
        "accepted, 30 kB, and worked off meanwhile" if working else "accepted, 30 kB",
        "1/s",
        Samples(one.rate for one in ours),
        f"Bugsink {VERSION}",
        Samples(one.rate for one in others),
        Goal("ratio", "at least", 10),
        f"without a good answer: {failed[0]} here, {failed[1]} there" if any(failed) else "",
    )


class Bugsink:
    """A Bugsink with one project.

    Args:
        folder: for all that it keeps.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        template = ("--template=singleserver", "--host=127.0.0.1", f"--base-dir={folder}")
        self._run("bugsink-create-conf", *template)
        with (folder / "bugsink_conf.py").open("a") as settings:
            settings.write(_SETTINGS)
        self._run("bugsink-manage", "migrate")
        self._run("bugsink-manage", "migrate", "snappea", "--database=snappea")
        said = self._run("bugsink-manage", "shell", "-c", _NEW_PROJECT)
        number, key = said.split()[-2:]
        self._project = Project(f"/api/{number}/envelope/", key)

    def load(self, seconds: float, *, working: bool) -> wrk.Outcome:
        """Start it, send the report for so long once it is warm, and end it.

        Args:
            seconds: for how long.
            working: whether snappea runs, which works off what was taken.
        """
        script = _script(self._project.key)
        with self._serving(working=working) as port:
            url = f"http://127.0.0.1:{port}{self._project.address}"
            body = event()
            return _when_warm(
                lambda each: wrk.load(url, self._folder, each, body=body, script=script), seconds
            )

    @contextmanager
    def _serving(self, *, working: bool) -> Iterator[int]:
        port = free_port()
        serve = ["gunicorn", f"--bind=127.0.0.1:{port}", *_GUNICORN, "bugsink.wsgi"]
        with ExitStack() as stack:
            stack.enter_context(self._running(serve))
            if working:
                stack.enter_context(self._running(["bugsink-runsnappea"]))
            eventually(lambda: get(port, "/accounts/login/") == 200, "Bugsink answers", within=120)
            yield port

    @contextmanager
    def _running(self, command: Sequence[str]) -> Iterator[None]:
        with (self._folder / "bugsink.log").open("ab") as log:
            process = subprocess.Popen(
                [_BIN / command[0], *command[1:]],
                cwd=self._folder,
                env=_environment(),
                stdout=log,
                stderr=log,
            )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [_BIN / program, *arguments],
            cwd=self._folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stderr[-2000:]}"
        return done.stdout


def event() -> bytes:
    """The report of 30 kB as the payload that Sentry's SDK for Python makes of it."""
    issue = msgspec.json.decode(reports.body(reports.LARGE), type=NewIssue)
    raised = issue.exception[0]
    frames = [_frame(frame) for frame in raised.frames]
    value = {"type": raised.type, "value": raised.message, "stacktrace": {"frames": frames}}
    payload = {
        "level": "error",
        "platform": "python",
        "logger": issue.component,
        "transaction": issue.title,
        "tags": dict.fromkeys(issue.tags, "yes"),
        "exception": {"values": [value]},
    }
    missing = reports.LARGE - len(msgspec.json.encode(payload)) - len(',"extra":{"text":""}')
    return msgspec.json.encode({**payload, "extra": {"text": "x" * max(0, missing)}})


def _frame(frame: Frame) -> dict[str, object]:
    return {
        "filename": frame.file,
        "lineno": frame.line,
        "function": frame.function,
        "context_line": frame.code,
        "pre_context": frame.before,
        "post_context": frame.after,
        "in_app": frame.own,
    }


def _script(key: str) -> str:
    """Lua for wrk: each request is an envelope with an event id of its own."""
    return f"""
wrk.headers["Content-Type"] = "application/x-sentry-envelope"
wrk.headers["X-Sentry-Auth"] = "Sentry sentry_version=7, sentry_key={key}"
local payload, count, run = wrk.body, 0, os.time()
local item = '\\n{{"type":"event","length":' .. #payload .. '}}\\n' .. payload .. '\\n'
function request()
    count = count + 1
    local id = string.format("%016x%016x", run, count)
    return wrk.format(nil, nil, nil, '{{"event_id":"' .. id .. '"}}' .. item)
end
"""


def _install(folder: Path) -> None:
    """Install it, unless an earlier run has."""
    mark = _HOME / "installed"
    if mark.exists():
        return
    with (folder / "pip.log").open("ab") as log:
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(_HOME)],
            [str(_BIN / "python"), "-m", "pip", "install", "--quiet", f"bugsink=={VERSION}"],
        ):
            subprocess.run(command, stdout=log, stderr=log, timeout=600, check=True)
    mark.touch()


def _environment() -> dict[str, str]:
    """This process's own, without what is meant for the product."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return {**kept, "DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONUNBUFFERED": "1"}
