"""The ``issuetracker`` command: the tracker from a terminal, over its API.

It comes with the client's package and needs neither Django nor Kafka. Modules: ``arguments`` (what
can be typed), ``api`` (requests and what went wrong with them), ``terminal`` (what is printed, and
how), and one per command.
"""

from issuetracker.cli.command import main

__all__ = ["main"]
