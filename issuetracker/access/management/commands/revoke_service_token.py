"""``manage.py revoke_service_token``: has a token refused from now on."""

from typing import TypedDict, Unpack

from django.core.management.base import BaseCommand, CommandError, CommandParser

from issuetracker.access.models import ServiceToken
from issuetracker.access.tokens import CHECKED_FOR, MARK, revoke_token

#: A token's first characters that are always the same, and one more.
_SHORTEST = len(MARK) + 4


class Options(TypedDict):
    """What the command line says."""

    token: str


class Command(BaseCommand):
    """Revokes one token."""

    help = "Revoke a token; `manage.py list_service_tokens` shows its first characters."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which token."""
        parser.add_argument("token", help="its first characters, e.g. aft_Xy12Ab34")

    def handle(self, *_args: object, **options: Unpack[Options]) -> None:
        """Revoke it and say from when it is refused."""
        token = _find(options["token"])
        if not revoke_token(token):
            raise CommandError(f"Token {token} was revoked before.")
        self.stdout.write(
            f"Token {token} is revoked: every process refuses it within {CHECKED_FOR:.0f} s.\n"
            f"To give the service another: manage.py create_service_token {token.service}"
        )


def _find(beginning: str) -> ServiceToken:
    # A whole token is one too: nobody should have to cut one that has leaked.
    beginning = beginning[:12].rstrip("…")
    if len(beginning) < _SHORTEST:
        raise CommandError(f"Give at least {_SHORTEST} characters of the token.")
    known = ServiceToken.objects.select_related("user").filter(prefix__startswith=beginning)
    # SQLite compares without regard to case.
    found = [token for token in known if token.prefix.startswith(beginning)]
    if not found:
        raise CommandError(
            f"No token begins with {beginning}. manage.py list_service_tokens shows those there are"
        )
    if len(found) > 1:
        raise CommandError(f"Several tokens begin with {beginning}: give more of it.")
    return found[0]
