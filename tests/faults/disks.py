"""A disk that can be filled without harm."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Bytes on the small disk; the load alone must not fill it.
SIZE = 512 * 1024 * 1024


def available() -> bool:
    """Whether such a disk can be made: on Linux, by root."""
    return sys.platform == "linux" and os.geteuid() == 0


@contextmanager
def small(wanted: bool = True) -> Iterator[Path | None]:
    """A file system of 512 MiB in memory; None if none is wanted."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True, timeout=10
        )
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True, timeout=10)
