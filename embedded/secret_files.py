"""The secrets of a development set-up: made at the first start, kept in files of mode 600."""

import os
import secrets
from pathlib import Path


def read_or_make(path: Path) -> str:
    """The secret kept in a file, which is made when it is not there.

    Args:
        path: the file; nobody but its owner may read it afterwards.
    """
    if path.exists():
        path.chmod(0o600)
        if kept := path.read_text().strip():
            return kept
    made = secrets.token_urlsafe(24)
    keep(path, made)
    return made


def keep(path: Path, text: str) -> None:
    """Write a file that nobody but its owner may read at any moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
    draft.replace(path)
