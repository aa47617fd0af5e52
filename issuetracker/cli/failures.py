"""What keeps a command from doing its work, each with the status that the process ends with."""

from typing import ClassVar


class CommandFailed(Exception):
    """The message says what is wrong and what to do, in sentences; each line is one."""

    status: ClassVar[int] = 1


class Refused(CommandFailed):
    """The tracker said no, or there is no such thing."""


class Misused(CommandFailed):
    """What was typed cannot be."""

    status = 2


class Unreachable(CommandFailed):
    """The tracker is not there, or cannot answer now: the same may work later."""

    status = 3
