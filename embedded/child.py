"""What each process of the launcher runs inside of: ``python -m embedded.child DELAY WHAT …``.

WHAT is a module's name, or a script that ends in ``.py``; it runs in this process as its main
program. Standard input is the launcher's end of a pipe that nothing is ever written to: it ends
when the launcher does, however that happens, and then this process ends too.
"""

import os
import runpy
import signal
import sys
import threading
import time

ANNOUNCEMENT = "@announce "
_LAST_RESORT_SECONDS = 10.0


def announce(text: str) -> None:
    """Tell the launcher the one thing it waits for from this process, such as an address."""
    print(f"{ANNOUNCEMENT}{text}", flush=True)


def wait_for_end() -> None:
    """Return when this process is told to end."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    told.wait()


def end_with_the_launcher(delay: float) -> None:
    """Have this process end by itself when the launcher is gone.

    Args:
        delay: seconds to go on without the launcher, so that the parts end in the same order as
            when it stops them.
    """
    threading.Thread(target=_watch, args=(delay,), daemon=True).start()


def _watch(delay: float) -> None:
    # The descriptor, not sys.stdin: its lock, held here, would abort a normal exit.
    while os.read(0, 1):
        pass
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_RESORT_SECONDS)
    # The launcher made this process the leader of its group; its own children are in it too.
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Run what the command line names."""
    delay, what, *arguments = sys.argv[1:]
    end_with_the_launcher(float(delay))
    sys.argv = [what, *arguments]
    if what.endswith(".py"):
        runpy.run_path(what, run_name="__main__")
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
