"""Makes the tables, the administrator's login and a service's token, as far as they are missing.

Runs as a process of its own (``python -m embedded.first_start VAR``), because only that one needs
Django, and announces what it found.
"""

import os
import sys
from pathlib import Path

import msgspec

from embedded.child import announce
from embedded.secret_files import keep, read_or_make

ADMIN = "admin"
SERVICE = "workflow-consumer"
_PASSWORD, _TOKEN = "admin-password", "service-token"


class Prepared(msgspec.Struct, frozen=True):
    """What is ready for the launcher.

    Attributes:
        is_new: the database has seen no workflow yet.
        made_login: this start made the administrator.
        knows_password: the kept password is the administrator's.
    """

    is_new: bool
    made_login: bool
    knows_password: bool

    @staticmethod
    def password_file(var: Path) -> Path:
        """Where the administrator's password is kept."""
        return var / _PASSWORD

    @staticmethod
    def token_file(var: Path) -> Path:
        """Where the service token is kept."""
        return var / _TOKEN

    @staticmethod
    def token(var: Path) -> str:
        """The service token that is kept."""
        return Prepared.token_file(var).read_text().strip()


def prepare(var: Path) -> Prepared:
    """Make what is missing; needs Django set up.

    Args:
        var: the folder with the secrets.
    """
    from django.core.management import call_command  # noqa: PLC0415 (needs settings)

    from workflow.models import Run  # noqa: PLC0415

    call_command("migrate", interactive=False, verbosity=0)
    made_login, knows_password = _ensure_login(var)
    _ensure_token(var)
    return Prepared(not Run.objects.exists(), made_login, knows_password)


def _ensure_login(var: Path) -> tuple[bool, bool]:
    from django.contrib.auth import get_user_model  # noqa: PLC0415 (needs settings)

    password = read_or_make(Prepared.password_file(var))
    users = get_user_model().objects
    admin = users.filter(username=ADMIN).first()
    if admin is None:
        users.create_superuser(ADMIN, password=password)
        return True, True
    return False, admin.check_password(password)


def _ensure_token(var: Path) -> None:
    """A database that does not know the kept token gets a new one."""
    from issuetracker.access.services import make_service_user  # noqa: PLC0415 (needs settings)
    from issuetracker.access.tokens import InvalidToken, Tokens, create_token  # noqa: PLC0415

    file = Prepared.token_file(var)
    kept = file.read_text().strip() if file.exists() else ""
    try:
        Tokens().identify(kept)
    except InvalidToken:
        _, secret = create_token(make_service_user(SERVICE), "make run")
        keep(file, secret)


def main() -> None:
    """Prepare the folder that the command line names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    import django  # noqa: PLC0415 (needs settings)

    django.setup()
    announce(msgspec.json.encode(prepare(Path(sys.argv[1]))).decode())


if __name__ == "__main__":
    main()
