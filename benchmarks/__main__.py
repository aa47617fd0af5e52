"""Measures how fast the product is, each figure beside a baseline of the same run.

On real Kafka, Redis and Firestore's emulator, started for this run alone. The load, the parts and
the product share this machine's cores, so ratios count, not absolute values. A missed goal is
shown and is no failure; a wrong count is one.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.testing")
django.setup()

from benchmarks import (  # noqa: E402 - needs the settings
    accepting,
    bugsink,
    following,
    listing,
    reporting,
    showing,
    sizing,
    starting,
    storing,
    wrk,
)
from benchmarks.bench import Bench  # noqa: E402
from benchmarks.figures import Figure  # noqa: E402

#: In the order of the way of a report.
FIGURES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "accept": accepting.accept,
    "access": accepting.access,
    "store": storing.store,
    "delay": following.delay,
    "client": reporting.client,
    "list": listing.listing,
    "start": starting.start,
    "memory": starting.memory,
}
#: Only where they are asked for: each takes many minutes, or installs what the product needs not.
ON_REQUEST: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "size": sizing.size,
    "bugsink": bugsink.bugsink,
}


def main() -> int:
    """Measure what is asked for; 2 where that cannot be."""
    options = _options()
    try:
        wrk.require()
    except wrk.NotInstalled as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Whatever ends this must end all that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cores} cores, shared by load, parts and product; load average now {load:.1f}.")
    print(f"{options.seconds:g} s a load, {options.repeat} repetitions.\n\n{showing.HEAD}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for figure in _measured(Path(folder), options):
            figures.append(figure)
            print(showing.line(figure), flush=True)
    showing.write(options.json, figures, options.seconds, options.repeat)
    missed = sum(figure.is_met is False for figure in figures)
    print(f"\n{len(figures)} figures, {missed} goals missed, {time.monotonic() - began:.0f} s.")
    print(f"As JSON: {options.json}")
    return 0


def _measured(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    with closing(Bench(folder, options.seconds, options.repeat)) as bench:
        for name in options.figure or FIGURES:
            yield from (FIGURES | ON_REQUEST)[name](bench)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(FIGURES | ON_REQUEST)
    text = f"only these of: {names}; without any, all but {', '.join(ON_REQUEST)}"
    parser.add_argument("figure", nargs="*", metavar="FIGURE", help=text)
    parser.add_argument("--seconds", type=float, default=3, help="how long a load lasts (3)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each figure (3)")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"), help="%(default)s")
    options = parser.parse_args()
    if unknown := sorted(set(options.figure) - set(FIGURES | ON_REQUEST)):
        parser.error(f"no such figure: {', '.join(unknown)}; there are: {names}")
    return options


if __name__ == "__main__":
    sys.exit(main())
