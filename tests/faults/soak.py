"""Memory over a long run: ``python -m tests.faults.soak`` prints what each process holds.

The load goes on steadily; the resident memory of every web worker and of the consumer is read
once a minute. It fails if one of them holds clearly more at the end than after its first minutes.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
import uuid
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.testing")
django.setup()

from tests.faults.audit import audit  # noqa: E402 - needs the settings
from tests.faults.load import Load  # noqa: E402
from tests.faults.world import World, children_of, resident_bytes  # noqa: E402

MEBIBYTE = 1024 * 1024
#: What a process may hold more at the end than at its start: caches that fill slowly.
GROWTH = 1.15


def main() -> int:
    """Run for as long as is asked; 1 if memory grew, or something is not as it was answered."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="how long (20)")
    parser.add_argument("--rate", type=float, default=100, help="changes a second (100)")
    parser.add_argument("--store", default="firestore", help="firestore, postgres or sqlite")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), options.store)
        try:
            return _run(world, options.minutes * 60, options.rate)
        finally:
            world.close()


def _run(world: World, seconds: float, rate: float) -> int:
    load = Load(world.system.url, f"soak-{uuid.uuid4().hex[:8]}", rate)
    load.start()
    samples: list[dict[str, float]] = []
    began = time.monotonic()
    # The first sample is taken warm: every worker has served, every cache has something in it.
    for due in _moments(seconds):
        time.sleep(max(0.0, began + due - time.monotonic()))
        samples.append(_resident(world))
        held = ", ".join(f"{name} {size:.0f}" for name, size in samples[-1].items())
        print(f"{due / 60:5.1f} min, {len(load.sent):,} changes, MiB: {held}", flush=True)
    load.stop()
    world.seconds_to_catch_up(time.monotonic(), within=60)
    with world.opened_store() as store:
        found = audit(store, load.sent)
    print(f"start, middle, end in MiB, {len(load.sent):,} changes:")
    first, middle, last = samples[0], samples[len(samples) // 2], samples[-1]
    for name in first:
        print(f"  {name:<14}{first[name]:>8.0f}{middle[name]:>8.0f}{last[name]:>8.0f}")
    grown = [name for name in first if last[name] > first[name] * GROWTH]
    print(f"grew: {', '.join(grown) or 'nothing'}; audit: {'clean' if found.clean else found}")
    return 1 if grown or not found.clean else 0


def _moments(seconds: float) -> list[float]:
    step = min(60.0, seconds / 4)
    return [step * number for number in range(1, int(seconds / step) + 1)]


def _resident(world: World) -> dict[str, float]:
    web = children_of(world.system.pid("web"))
    pids = {f"web worker {number}": pid for number, pid in enumerate(web, 1)}
    pids["consumer"] = world.system.pid("issue-consumer")
    return {name: resident_bytes(pid) / MEBIBYTE for name, pid in pids.items()}


if __name__ == "__main__":
    sys.exit(main())
