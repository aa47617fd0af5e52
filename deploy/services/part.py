"""What a part is: how it is found, started, asked for its health, and addressed."""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = REPOSITORY / "var" / "services"


class ServiceError(Exception):
    """A part could not be started, stopped or reached; the message says why."""


class NotInstalledError(ServiceError):
    """A part's program is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Instance:
    """Where one running (or stopped) part lives.

    Attributes:
        folder: its configuration and log.
        data: what it keeps across restarts.
        ports: its ports on 127.0.0.1 by purpose; ``"main"`` is the one clients use.
    """

    folder: Path
    data: Path
    ports: dict[str, int]

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.ports["main"]

    @property
    def address(self) -> str:
        """The address that clients use, as ``host:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file that takes the part's output."""
        return self.folder / "output.log"


class Part(ABC):
    """One program that the product talks to.

    Attributes:
        name: what people call it on the command line.
        ports_wanted: the purposes it needs a port for.
        stop_signal: what ends it in good order.
        durable: whether its data outlives the process.
        how_to_get: one sentence for someone who does not have it.
    """

    name: ClassVar[str]
    ports_wanted: ClassVar[tuple[str, ...]] = ("main",)
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    durable: ClassVar[bool] = True
    how_to_get: ClassVar[str]

    @abstractmethod
    def require_installed(self) -> None:
        """Find the part's program.

        Raises:
            NotInstalledError: it is not on this machine.
        """

    @abstractmethod
    def prepare(self, instance: Instance) -> None:
        """Make what the first start needs; called before every start, so idempotent.

        Raises:
            ServiceError: it cannot be made.
        """

    @abstractmethod
    def command(self, instance: Instance) -> list[str]:
        """The command line that runs the part in the foreground."""

    @abstractmethod
    def answers(self, instance: Instance) -> bool:
        """Whether the part answers a real request in its own protocol."""

    @abstractmethod
    def environment(self, instance: Instance) -> dict[str, str]:
        """The product's environment variables that point to this instance."""

    def account(self) -> str | None:
        """The user to run as, or None for the present one."""
        return None

    def data_folder(self, folder: Path) -> Path:
        """Where the part keeps its data, given the folder of the instance; made if missing."""
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        return data

    def missing(self) -> NotInstalledError:
        """The error that names this part and how to get it."""
        return NotInstalledError(f"{self.name} is not installed. {self.how_to_get}")

    def program(self, name: str) -> str:
        """The path of a program on PATH.

        Raises:
            NotInstalledError: there is none.
        """
        path = shutil.which(name)
        if path is None:
            raise self.missing()
        return path


def running_as_root() -> bool:
    """Whether this process may become any user (and some programs refuse to run)."""
    return os.geteuid() == 0
