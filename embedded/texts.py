"""What the launcher prints, apart from the parts' own lines."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded.first_start import ADMIN, Prepared
from embedded.plan import Choice
from embedded.supervisor import PROJECT

IN_MEMORY = """
The embedded broker keeps its log in memory only. Ending with Ctrl-C first stores every accepted
report; a crash, a kill -9 or more than 5 MiB waiting in a partition can lose what was accepted and
not yet stored. For reports that matter, set KAFKA_BOOTSTRAP_SERVERS to a real broker."""


def parts(choices: Sequence[Choice]) -> str:
    """A table of every part, where it is and what chose it."""
    part, address = (max(len(row) for row in column) for column in _columns(choices))
    return "\n".join(
        f"  {choice.part:<{part}}  {choice.address:<{address}}  ({choice.reason})"
        for choice in choices
    )


def ready(var: Path, web: str, prepared: Prepared, seconds: float) -> str:
    """Where to look.

    Args:
        var: the folder of what is kept.
        web: the address of the web server.
        prepared: the login and the token.
        seconds: how long the start took.
    """
    return f"""
Ready after {seconds:.1f} s: {web}/admin/

  Overview   {web}/admin/issuetracker/issue/overview/
  Issues     {web}/admin/issuetracker/issue/
  Workflows  {web}/admin/workflow/run/
  API        {web}/api/v1/docs
  Login      {_login(var, prepared)}

{_example(var, prepared)}
Report an issue of your own:

  curl -sS {web}/api/v1/issues -H "Authorization: Bearer {prepared.token(var)}" \\
    -H "Content-Type: application/json" -d '{{"title": "It works", "description": "My first \
report", "type": "bug", "priority": "medium", "tags": ["trial"], "component": "shell"}}'

Or from a terminal:

  ISSUETRACKER_URL={web} {_python()} -m issuetracker list

What is stored stays in {var} for the next start. Ctrl-C ends everything.
"""


def lost(count: int | None) -> str:
    """That accepted reports could not be stored before the end.

    Args:
        count: how many; None when the broker could not be asked.
    """
    what = "Accepted reports" if count is None else f"{count} accepted messages"
    return f"{what} may not be stored: the embedded broker's memory ends with it."


def _login(var: Path, prepared: Prepared) -> str:
    file = Prepared.password_file(var)
    if not prepared.knows_password:
        return f"{ADMIN}, with the password you gave it ({file} holds an earlier one)"
    if prepared.made_login:
        return f"{ADMIN} / {file.read_text().strip()}   (kept in {file})"
    return f"{ADMIN}, password in {file}"


def _example(var: Path, prepared: Prepared) -> str:
    again = f"  {_manage(var)} start_workflow nightly-report\n"
    if prepared.is_new:
        return f"An example workflow has just failed: the first issue. Once more:\n\n{again}"
    return f"To have the example workflow fail once more:\n\n{again}"


def _manage(var: Path) -> str:
    """What a person types to run a ``manage.py`` command on this set-up."""
    where = "" if var == PROJECT / "var" else f" --var {shlex.quote(str(var))}"
    return f"{_python()} -m embedded{where} manage"


def _python() -> Path:
    """This Python, as somebody in the project's folder types it."""
    python = Path(sys.executable)
    return python.relative_to(PROJECT) if python.is_relative_to(PROJECT) else python


def _columns(choices: Sequence[Choice]) -> tuple[list[str], list[str]]:
    return [choice.part for choice in choices], [choice.address for choice in choices]
