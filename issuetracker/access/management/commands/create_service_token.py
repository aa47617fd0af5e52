"""``manage.py create_service_token``: a token for a service, printed once."""

import argparse
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict, Unpack

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from issuetracker.access.permissions import MEANINGS, USUAL, Permission
from issuetracker.access.services import checked_component, make_service_user
from issuetracker.access.tokens import USUAL_LIFE, create_token

_LONGEST = timedelta(days=36_500)


class Options(TypedDict):
    """What the command line says."""

    service: str
    permission: list[str] | None
    expires: timedelta | None
    purpose: str


class Command(BaseCommand):
    """Creates a token, and the service user it stands for where there is none."""

    help = "Make a token with which a service calls the API. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The service, what its token may do, and how long it is good."""
        parser.add_argument("service", help="the component's name, e.g. workflow-consumer")
        parser.add_argument(
            "--permission",
            action="append",
            choices=[permission.value for permission in Permission],
            help="may be given several times; without: "
            f"{', '.join(USUAL)}. "
            + "; ".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items()),
        )
        parser.add_argument(
            "--expires",
            type=life,
            default=USUAL_LIFE,
            metavar="90d|never|DATE",
            help=f"days, a date such as 2027-03-01, or never; without: {USUAL_LIFE.days}d",
        )
        parser.add_argument("--purpose", default="", help="what it is for, in a few words")

    def handle(self, *_args: object, **options: Unpack[Options]) -> None:
        """Print the token alone on standard output, so that a script can take it."""
        service, purpose = options["service"], options["purpose"]
        try:
            checked_component(service)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if len(purpose) > 100:  # noqa: PLR2004 - the column's length
            raise CommandError("--purpose has at most 100 characters")
        user = make_service_user(service)
        token, secret = create_token(
            user,
            purpose,
            life=options["expires"],
            permissions=options["permission"] or USUAL,
        )
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "until revoked"
        self.stderr.write(
            f"Token of {user.get_username()}, good {until}; it may {token.may}.\n"
            "It cannot be shown again: set it as ISSUETRACKER_TOKEN where that service runs.\n"
            f"To end it: manage.py revoke_service_token {token.prefix}"
        )
        self.stdout.write(secret)


def life(text: str) -> timedelta | None:
    """How long from now a token is good, None for ever: of ``90d``, ``2027-03-01`` or ``never``.

    Raises:
        ArgumentTypeError: it is none of these, or not in the future.
    """
    if text == "never":
        return None
    found = timedelta(days=int(text[:-1])) if re.fullmatch(r"\d{1,6}d", text) else _until(text)
    if not timedelta() < found <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is not within the next hundred years")
    return found


def _until(text: str) -> timedelta:
    """Until the last minute of a day, UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither days (90d) nor a date (2027-03-01) nor never"
        ) from error
    end = datetime.combine(day, time(23, 59), tzinfo=UTC)
    return end - timezone.now()
