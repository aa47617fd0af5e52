"""What can be typed."""

import argparse
import re
from collections.abc import Callable, Sequence
from typing import get_args

from issuetracker.cli import changing, exporting, listing, showing, watching
from issuetracker.cli.api import Tracker
from issuetracker.cli.failures import Misused
from issuetracker.cli.ids import issue_id
from issuetracker.cli.terminal import Screen
from issuetracker.messages import IssueType, Priority

Command = Callable[[Tracker, Screen, argparse.Namespace], int]

_WORDS = """\
WORD narrows the list as the search box of the admin site does: words of the
title or the exception, or their beginnings, and terms such as

  status:open,in_progress  priority:high  type:bug  component:billing  tag:db
  assignee:anna  reporter:service.billing  is:new  is:regressed  is:muted
  is:unassigned  within:2h  since:2026-11-23  until:2026-11-24T09:30Z
  order:-count
"""
_STATUSES = """\
environment:
  ISSUETRACKER_URL    the tracker's address (http://issuetracker:6001)
  ISSUETRACKER_TOKEN  a service token; an administrator makes them
  NO_COLOR            no colours

exit status:
  0  done
  1  refused, or there is no such thing
  2  typed wrong
  3  the tracker is not there, or cannot answer now

Where the output is no terminal, an issue is one line with tabs between its
id, status, priority, count, last seen, component and title.
"""


def parse(typed: Sequence[str]) -> argparse.Namespace:
    """What was typed; it has ``run``, a :data:`Command`.

    Raises:
        SystemExit: it cannot be, or asks for help; that is printed.
    """
    whole = _parser()
    options, others = whole.parse_known_args(typed)
    # argparse takes words from one place only: not before and after an option.
    if others and not (hasattr(options, "words") and _are_words(others)):
        whole.error(f"not known: {' '.join(others)}")
    if others:
        options.words += others
    return options


def _are_words(others: Sequence[str]) -> bool:
    return not any(other.startswith("-") for other in others)


def _parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="issuetracker",
        description="The issue tracker from a terminal.",
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_url(whole, None)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(commands)
    _add_show(commands)
    _add_log(commands)
    _add_comment(commands)
    _add_status(commands, "resolve", "resolve issues", changing.resolve)
    _add_status(commands, "reopen", "open issues again", changing.reopen)
    _add_watch(commands)
    _add_export(commands)
    return whole


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _add(
    commands: "_Commands[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Command,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=epilog,
    )
    command.set_defaults(run=run)
    _add_url(command, argparse.SUPPRESS)
    return command


def _add_url(command: argparse.ArgumentParser, default: str | None) -> None:
    command.add_argument(
        "--url", default=default, help="the tracker's address; else ISSUETRACKER_URL"
    )


def _add_words(command: argparse.ArgumentParser) -> None:
    command.add_argument("words", nargs="*", metavar="WORD", help="what to look for; see below")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="a JSON object in each line")


def _add_list(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(commands, "list", "list issues", listing.run, epilog=_WORDS)
    _add_words(command)
    command.add_argument("--limit", type=_count, default=50, help="issues at most (50)")
    _add_json(command)


def _add_show(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(commands, "show", "show an issue with all that is known of it", showing.run)
    _add_id(command)
    _add_json(command)


def _add_log(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(commands, "log", "report an issue and print its id", changing.log)
    command.add_argument("title", metavar="TITLE", help="one line that says what broke")
    command.add_argument(
        "-d", "--description", default="", metavar="TEXT", help="what happened; -: standard input"
    )
    command.add_argument("-c", "--component", default="shell", help="who reports (shell)")
    command.add_argument(
        "-t", "--tag", action="append", default=[], help="one, or several with commas"
    )
    command.add_argument("-p", "--priority", choices=get_args(Priority), default="medium")
    command.add_argument("--type", choices=get_args(IssueType), default="bug")
    command.add_argument(
        "--fingerprint", help="reports of a component with the same one are one issue"
    )


def _add_comment(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(commands, "comment", "comment on an issue", changing.comment)
    _add_id(command)
    command.add_argument("text", metavar="TEXT", nargs="?", help="without it: standard input")


def _add_status(
    commands: "_Commands[argparse.ArgumentParser]", name: str, text: str, run: Command
) -> None:
    command = _add(
        commands,
        name,
        text,
        run,
        epilog=f"Every issue of a list:\n\n  issuetracker list tag:db | issuetracker {name} -\n",
    )
    command.add_argument(
        "ids",
        metavar="ID",
        nargs="+",
        type=lambda typed: typed if typed == "-" else _id(typed),
        help="an id or an issue's address; -: one from each line of standard input",
    )


def _add_watch(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(
        commands, "watch", "print issues as they come and change", watching.run, epilog=_WORDS
    )
    _add_words(command)
    command.add_argument("--since", metavar="TIME", help="begin with what changed since (2h ago …)")
    command.add_argument(
        "--interval", type=_interval, default=5.0, metavar="SECONDS", help="between two looks (5)"
    )
    _add_json(command)


def _add_export(commands: "_Commands[argparse.ArgumentParser]") -> None:
    command = _add(
        commands, "export", "write every issue that matches to a file", exporting.run, epilog=_WORDS
    )
    _add_words(command)
    command.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="(csv)")
    command.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="-: standard output, the default"
    )


def _add_id(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", type=_id, help="an id or an issue's address")


def _id(typed: str) -> str:
    try:
        return issue_id(typed)
    except Misused as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(typed: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,6}", typed):
        raise argparse.ArgumentTypeError("a number from 1 to 9999999, please")
    return int(typed)


def _interval(typed: str) -> float:
    try:
        seconds = float(typed)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:  # noqa: PLR2004 - a tracker is not asked without a pause
        raise argparse.ArgumentTypeError("seconds from 1 to 3600, please")
    return seconds
