"""The command line: ``python -m deploy.services start|stop|status|env [NAME…]``."""

import argparse
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

from deploy.services.manager import PARTS, Services
from deploy.services.part import DEFAULT_FOLDER, REPOSITORY, NotInstalledError, ServiceError

_NEXT = """
Point a shell at them:   eval "$(make -s services-env)"
Then:                    make run     (choose the store with ISSUETRACKER_STORE)
Stop them:               make services-stop
"""


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.services", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status", "env"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}: use {', '.join(PARTS)}")
    actions = {"start": _start, "stop": _stop, "status": _status, "env": _env}
    return actions[options.action](Services(), options.names)


def _start(services: Services, names: list[str]) -> int:
    with ThreadPoolExecutor(len(PARTS)) as pool:
        outcomes = list(pool.map(lambda name: _start_one(services, name), names or PARTS))
    if services.running():
        print(_NEXT, end="")
    # Without names it means "what is here"; a part asked for by name must be there.
    return int(any(outcome == "failed" or (names and outcome == "missing") for outcome in outcomes))


def _start_one(services: Services, name: str) -> str:
    began = time.monotonic()
    already = name in services.running()
    if not already:
        _say(f"{name}: starting")
    try:
        instance = services.start(name)
    except NotInstalledError as error:
        _say(f"{name}: not here: {error}", sys.stderr)
        return "missing"
    except ServiceError as error:
        _say(f"{name}: failed: {error}", sys.stderr)
        return "failed"
    said = "already running" if already else f"ready after {time.monotonic() - began:.1f} s"
    _say(f"{name}: {said} at {instance.address}")
    return "running"


def _stop(services: Services, names: list[str]) -> int:
    def stop_one(name: str) -> None:
        _say(f"{name}: {'stopped' if services.stop(name) else 'was not running'}")

    with ThreadPoolExecutor(len(PARTS)) as pool:
        list(pool.map(stop_one, names or PARTS))
    return 0


def _status(services: Services, names: list[str]) -> int:
    running = services.running()
    for name in names or PARTS:
        if name not in running:
            print(f"{name}: not running")
        else:
            health = "answers" if PARTS[name].answers(running[name]) else "does not answer"
            print(f"{name}: {health} at {running[name].address}, pid {services.pid(name)}")
    print(f"state and logs: {DEFAULT_FOLDER.relative_to(REPOSITORY)}/")
    return 0 if all(name in running for name in names) else 1


def _env(services: Services, names: list[str]) -> int:
    for name, instance in services.running().items():
        if names and name not in names:
            continue
        for variable, value in PARTS[name].environment(instance).items():
            print(f"export {variable}={shlex.quote(value)}")
    return 0


def _say(line: str, stream: TextIO | None = None) -> None:
    # One write: the threads that start the parts must not mix their lines.
    print(f"{line}\n", end="", file=stream or sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
