"""``manage.py list_service_tokens``: which tokens there are, and what they may do."""

from datetime import datetime
from typing import TypedDict, Unpack

from django.core.management.base import BaseCommand, CommandParser

from issuetracker.access.models import ServiceToken
from issuetracker.access.services import service_name

_HEADINGS = ("TOKEN", "SERVICE", "STATE", "MAY", "EXPIRES", "LAST USED", "PURPOSE")


class Options(TypedDict):
    """What the command line says."""

    service: str | None
    all: bool


class Command(BaseCommand):
    """Prints a table."""

    help = "List the tokens that are good; never the secrets, of which only hashes are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tokens."""
        parser.add_argument("service", nargs="?", help="only of this service")
        parser.add_argument(
            "--all", action="store_true", help="also those that have expired or are revoked"
        )

    def handle(self, *_args: object, **options: Unpack[Options]) -> None:
        """Print a line for each token, and what to do with one."""
        found = ServiceToken.objects.select_related("user").order_by("user__username", "pk")
        if options["service"]:
            found = found.filter(user__username=service_name(options["service"]))
        shown = [token for token in found if options["all"] or not token.refusal()]
        if not shown:
            self.stdout.write(
                "No such token. To make one: manage.py create_service_token SERVICE\n"
                "Those that are refused: manage.py list_service_tokens --all"
            )
            return
        for line in _table([_HEADINGS, *(_row(token) for token in shown)]):
            self.stdout.write(line)
        self.stderr.write("To end one: manage.py revoke_service_token TOKEN")


def _row(token: ServiceToken) -> tuple[str, ...]:
    return (
        token.prefix,
        token.service,
        token.refusal() or "good",
        token.may,
        _day(token.expires_at),
        _day(token.last_used_at),
        token.purpose,
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
