"""Which issue is meant."""

import re

from issuetracker.cli.failures import Misused

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])")


def issue_id(typed: str) -> str:
    """The id in what was typed: with or without ``temp-``, or the address of the issue's page.

    Raises:
        Misused: there is none.
    """
    found = _ID.search(typed.lower())
    if found is None:
        raise Misused(
            f"{typed} is no issue's id; one is like 5b0c1f52-6f0e-5a0e-9d5b-3f6f4f6b8f10. "
            "`issuetracker list` shows them."
        )
    return found[0]
