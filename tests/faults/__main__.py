"""The table: every fault, and what became of everything that was answered.

``python -m tests.faults`` runs all rows; ``--help`` tells the rest.
"""

import argparse
import itertools
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.testing")
django.setup()

from tests.faults import disks  # noqa: E402 - needs the settings
from tests.faults.breaking import ROWS, Row  # noqa: E402
from tests.faults.levers.leaving_out import MECHANISMS  # noqa: E402
from tests.faults.running import Result, run  # noqa: E402
from tests.faults.world import World  # noqa: E402

REPORT = Path("var/faults.json")
_ROWS_PER_WORLD = 6


def main() -> int:
    """Run the rows that are asked for; 1 if one of them is not good."""
    options = _options()
    rows = [row for row in ROWS if not options.row or any(o in row.name for o in options.row)]
    if not rows:
        print("No row has that in its name. There are:", *(r.name for r in ROWS), sep="\n  ")
        return 2
    # What the client says of a tracker that is broken on purpose is in the table.
    logging.disable(logging.ERROR)
    # Whatever ends this must end all that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    print(_HEAD, flush=True)
    results = []
    for result in _results(rows, options):
        results.append(result)
        print(_line(result), flush=True)
        _explain(result)
        _report(results)
    total = sum(result.requests for result in results)
    bad = [result.row.name for result in results if not result.good]
    print(f"\n{total:,} requests in {len(results)} rows, {time.monotonic() - began:.0f} s.")
    print(f"Not good: {', '.join(bad)}." if bad else "Nothing lost, nothing twice, in any row.")
    print(f"As JSON: {REPORT}")
    return 1 if bad else 0


def _report(results: list[Result]) -> None:
    """Written after each row, so that a run that is ended early leaves what it has found."""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps([_document(result) for result in results], indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("row", nargs="*", help="only rows with this in their name")
    parser.add_argument("--rate", type=float, default=500, help="changes a second (500)")
    parser.add_argument("--seconds", type=float, default=6, help="how long each fault lasts (6)")
    parser.add_argument("--without", default="", choices=["", *MECHANISMS], help="leave it out")
    return parser.parse_args()


def _results(rows: list[Row], options: argparse.Namespace) -> Iterator[Result]:
    for store, some in _worlds(rows):
        with tempfile.TemporaryDirectory() as folder, disks.small(store == "sqlite") as disk:
            world = World(Path(folder), store, without=options.without, disk=disk)
            with closing(world):
                for row in some:
                    yield run(world, row, rate=options.rate, seconds=options.seconds)


def _worlds(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of one store share a world, a few at a time: the emulator slows as it fills."""
    for store, some in itertools.groupby(rows, key=lambda row: row.store):
        left = list(some)
        for start in range(0, len(left), _ROWS_PER_WORLD):
            yield store, left[start : start + _ROWS_PER_WORLD]


_HEAD = (
    f"{'fault':<46}{'requests':>9}{'/s':>5}{'202':>8}{'201':>7}{'503':>6}{'none':>6}"
    f"{'lost':>6}{'twice':>6}{'wrong':>6}{'letters':>8}{'recovered':>11}"
)


def _line(result: Result) -> str:
    found, answers = result.audit, result.answers
    return (
        f"{result.row.name:<46}{result.requests:>9}{result.rate:>5.0f}{answers[202]:>8}"
        f"{answers[201] + answers[200]:>7}{answers[503]:>6}{answers[0]:>6}"
        f"{len(found.lost):>6}{len(found.twice):>6}{len(found.wrong):>6}{result.letters:>8}"
        f"{result.recovered:>9.1f} s{'' if result.good else '  ✗'}"
    )


def _explain(result: Result) -> None:
    found = result.audit
    for name, told in (("lost", found.lost), ("twice", found.twice), ("wrong", found.wrong)):
        for one in told[:3]:
            print(f"    {name}: {one}")
    if strange := sorted(set(result.answers) - result.row.answers):
        print(f"    answered, and should not be: {strange}")


def _document(result: Result) -> dict[str, object]:
    found = result.audit
    return {
        "fault": result.row.fault.__doc__,
        "store": result.row.store,
        "requests": result.requests,
        "rate": round(result.rate),
        "answers": {str(code): number for code, number in sorted(result.answers.items())},
        "lost": len(found.lost),
        "twice": len(found.twice),
        "wrong": len(found.wrong),
        "dead_letters": result.letters,
        "recovered_seconds": str(round(result.recovered, 1)),
        "good": result.good,
    }


if __name__ == "__main__":
    sys.exit(main())
