"""Django's command line for the issue tracker and the workflow app."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 (needs settings)

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
