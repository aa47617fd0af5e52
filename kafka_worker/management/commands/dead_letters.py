"""``manage.py dead_letters``: looks at the dead letters of a handler, replays or discards them."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from kafka_worker.exceptions import ConfigurationError, Unavailable
from kafka_worker.letters.box import LetterBox, Outcome, Progress, box_of, refusal
from kafka_worker.letters.choosing import Filters, by_id, moment, page_of
from kafka_worker.letters.form import Letter
from kafka_worker.letters.showing import counted, described, line, printable

_LISTED = 50
_SECONDS = 120.0
#: Fewer letters than this are done before anybody wonders.
_MANY = 500

Act = Callable[[Sequence[Letter], Progress | None], Outcome]
Options = dict[str, Any]


class Command(BaseCommand):
    """Shows dead letters, puts their messages back on the topic, or throws them away."""

    help = (
        "Look at the messages that a handler gave up (list, show), put them back on their topic "
        "(replay) or throw them away (discard)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the four things that can be done, each with its options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="the letters, the newest first")
        _add_filters(listing)
        listing.add_argument("--limit", type=_count, default=_LISTED, help="how many (50)")
        listing.add_argument("--json", action="store_true", help="as one JSON array")
        showing = actions.add_parser("show", help="one letter with its message")
        showing.add_argument("id", metavar="ID", help="as list prints it")
        showing.add_argument("--handler", default="", help="the handler's registered name")
        replaying = actions.add_parser("replay", help="put messages back on their topic")
        _add_choice(replaying)
        replaying.add_argument(
            "--force", action="store_true", help="also messages that came back again and again"
        )
        _add_choice(actions.add_parser("discard", help="throw letters away"))

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Do what was asked for."""
        actions = {
            "list": self._list,
            "show": self._show,
            "replay": self._replay,
            "discard": self._discard,
        }
        try:
            actions[options["action"]](box_of(options["handler"], _SECONDS), options)
        except (ConfigurationError, Unavailable) as error:
            raise CommandError(str(error)) from error

    def _list(self, box: LetterBox, options: Options) -> None:
        found = box.find()
        letters = _filters(options).take(found.letters)
        shown, _ = page_of(letters, options["limit"])
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in shown], default=_as_json))
            return
        for letter in shown:
            self.stdout.write(line(letter))
        self.stdout.write(f"{len(shown)} of {counted(len(letters))} in {box.name}")
        if found.foreign:
            self.stdout.write(f"{found.foreign} records there are no letters")
        if shown:
            self._next(f"show ID --handler {box.handler}, then replay or discard")

    def _show(self, box: LetterBox, options: Options) -> None:
        letters, unknown = by_id(box.find().letters, [options["id"]])
        opened = box.open(letters[0]) if letters else None
        if opened is None:
            raise CommandError(_no_such(unknown or [options["id"]], box))
        for text in described(*opened):
            self.stdout.write(text)
        self._next(f"replay {printable(letters[0].id)} --handler {box.handler}, or discard instead")

    def _replay(self, box: LetterBox, options: Options) -> None:
        force: bool = options["force"]
        letters, unknown = self._chosen(box, options)
        if options["dry_run"]:
            refused = {letter.id: refusal(letter, force=force) for letter in letters}
            self._rehearse(box, "replayed", letters, refused)
        else:
            outcome = box.replay(letters, force=force, progress=self._progress(letters))
            self._tell("replayed", outcome)
            if outcome.done:
                self._next(f"list --handler {box.handler}, to see what came back")
            _fail("replayed", outcome)
        if unknown:
            raise CommandError(_no_such(unknown, box))

    def _discard(self, box: LetterBox, options: Options) -> None:
        letters, unknown = self._chosen(box, options)
        if options["dry_run"]:
            self._rehearse(box, "discarded", letters, {})
        else:
            outcome = box.discard(letters, progress=self._progress(letters))
            self._tell("discarded", outcome)
            _fail("discarded", outcome)
        if unknown:
            raise CommandError(_no_such(unknown, box))

    def _chosen(self, box: LetterBox, options: Options) -> tuple[list[Letter], list[str]]:
        """The letters that are meant, the oldest first, and the ids that nothing has."""
        filters, ids = _filters(options), options["ids"]
        if not (ids or filters or options["all"]):
            raise CommandError("Say which letters: ids, a filter such as --since 24h, or --all")
        letters = box.find().letters
        unknown: list[str] = []
        if ids:
            letters, unknown = by_id(letters, ids)
        return filters.take(letters)[: options["limit"]], unknown

    def _rehearse(
        self, box: LetterBox, done: str, letters: Sequence[Letter], refused: dict[str, str]
    ) -> None:
        for letter in letters:
            self.stdout.write(line(letter))
            if why := refused.get(letter.id):
                self.stdout.write(f"  would be left: {why}")
        left = sum(bool(why) for why in refused.values())
        self.stdout.write(f"{counted(len(letters) - left)} of {box.name} would be {done}")
        self.stdout.write("Next: the same without --dry-run")

    def _progress(self, letters: Sequence[Letter]) -> Progress | None:
        if len(letters) <= _MANY:
            return None
        return lambda outcome: self.stderr.write(f"{len(outcome)} of {len(letters)} …")

    def _tell(self, done: str, outcome: Outcome) -> None:
        for letter, why in outcome.failed:
            self.stderr.write(f"{printable(letter.id)}: {why}")
        self.stdout.write(f"{counted(len(outcome.done))} {done}")

    def _next(self, what: str) -> None:
        self.stdout.write(f"Next: manage.py dead_letters {what}")


def _add_filters(parser: ArgumentParser) -> None:
    parser.add_argument("--handler", default="", help="the handler's registered name")
    parser.add_argument("--reason", default="", metavar="TEXT", help="text in the reason")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="24h, 7d or 2026-11-23T09:30")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="before this time")
    parser.add_argument("--partition", type=int, help="the partition of the message")


def _add_choice(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="as list prints them")
    _add_filters(parser)
    parser.add_argument("--all", action="store_true", help="every letter")
    parser.add_argument("--limit", type=_count, help="at most so many, the oldest first")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _filters(options: Options) -> Filters:
    names = ("reason", "since", "until", "partition")
    return Filters(**{name: options[name] for name in names})


def _moment(text: str) -> datetime:
    try:
        return moment(text, timezone.now())
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _fail(done: str, outcome: Outcome) -> None:
    if outcome.failed:
        raise CommandError(f"{len(outcome.failed)} of {counted(len(outcome))} not {done}")


def _no_such(ids: Sequence[str], box: LetterBox) -> str:
    return f"{box.name} has no letter {', '.join(ids)}; list shows those it has"


def _as_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
