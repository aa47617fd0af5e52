"""The command from its first to its last moment."""

import os
import sys
from collections.abc import Sequence

from issuetracker.cli.api import Tracker
from issuetracker.cli.arguments import parse
from issuetracker.cli.failures import CommandFailed
from issuetracker.cli.terminal import Screen
from issuetracker.client.addresses import find_token, find_url

_INTERRUPTED = 130
#: What a shell shows for a program that wrote to a closed pipe.
_PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was typed; the status to end with. Never a traceback.

    Args:
        arguments: without the program's name; None: those of this process.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    # Bytes that are no UTF-8 come as surrogates, which JSON cannot hold.
    options = parse([one.encode("utf-8", "replace").decode() for one in typed])
    screen = Screen()
    try:
        tracker = Tracker(find_url(options.url, None), find_token(None, None))
        status: int = options.run(tracker, screen, options)
        return status
    except CommandFailed as error:
        screen.note(str(error))
        return error.status
    except BrokenPipeError:
        # Whoever read has seen enough. Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        screen.note(
            f"Something unexpected went wrong: {type(error).__name__}: {error}.\n"
            "This is a fault of the command; `python -X dev -m issuetracker …` shows where."
        )
        return 1
