"""``manage.py create_service_token``: a token for a service, printed once."""

from typing import TypedDict, Unpack

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from issuetracker.access.services import make_service_user
from issuetracker.access.tokens import create_token
from issuetracker.messages import Component


class Options(TypedDict):
    """What the command line says."""

    service: str
    name: str
    days: int | None


class Command(BaseCommand):
    """Creates a token, and the service user it stands for where there is none."""

    help = "Make a token with which a service calls the API. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The service, and how long its token is good."""
        parser.add_argument("service", help="the component's name, e.g. workflow-consumer")
        parser.add_argument("--name", default="", help="what people call the token")
        parser.add_argument("--days", type=int, help="days until it expires; without: never")

    def handle(self, *_args: object, **options: Unpack[Options]) -> None:
        """Print the token alone on standard output, so that a script can take it."""
        service, days = options["service"], options["days"]
        try:
            msgspec.convert(service, Component)
        except msgspec.ValidationError as error:
            raise CommandError(f"{service!r} is no component's name: {error}") from error
        if days is not None and not 0 < days <= 36_500:  # noqa: PLR2004 - a hundred years
            raise CommandError("--days must be between 1 and 36500")
        user = make_service_user(service)
        token, secret = create_token(user, options["name"], days)
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "until revoked"
        self.stderr.write(
            f"Token of {user.get_username()}, good {until}. It cannot be shown again; "
            "set it as ISSUETRACKER_TOKEN where that service runs."
        )
        self.stdout.write(secret)
