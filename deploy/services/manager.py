"""Starting, stopping, killing and freezing the parts, and finding them again."""

import os
import random
import signal
import socket
import time
from contextlib import AbstractContextManager
from pathlib import Path

from deploy.services import process
from deploy.services.firestore import FirestoreEmulator
from deploy.services.kafka import Kafka
from deploy.services.part import DEFAULT_FOLDER, Instance, Part, ServiceError
from deploy.services.postgres import PostgreSQL
from deploy.services.redis import Redis
from deploy.services.state import MANUAL, Record, StateFile, locked

PARTS: dict[str, Part] = {
    part.name: part for part in (Kafka(), Redis(), FirestoreEmulator(), PostgreSQL())
}
"""Every part that can be started, by name."""

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
# Below the ranges that systems take the ports of outgoing connections from: a port there could
# be taken while the part is down, and a client that retries could even connect to itself.
_PORTS = range(20000, 32000)


class Services:
    """The parts of one folder.

    Several processes may use one folder at the same time. A fault test wants a folder of its
    own, so that the parts it kills are nobody else's.

    Args:
        folder: where state, logs and data are kept; made if missing.
    """

    def __init__(self, folder: Path = DEFAULT_FOLDER) -> None:
        self._folder = folder
        self._state = StateFile(folder / "state.json")

    def start(self, name: str, holder: str = MANUAL) -> Instance:
        """Start a part, or find it running; on its former port, with its former data.

        Args:
            name: a key of `PARTS`.
            holder: who needs it, from `holder_of_this_process`; a person by default.

        Returns:
            The part, which has answered a request.

        Raises:
            NotInstalledError: its program is not on this machine.
            ServiceError: it did not start; the message has the end of its log.
        """
        with self._lock(name):
            record = self._state.read().get(name) or self._new_record(name)
            if not record.running:
                record.holders.clear()
                self._launch(name, record)
            record.hold(holder)
            self._state.write(name, record)
            return self._instance(name, record)

    def stop(self, name: str) -> bool:
        """End a part in good order, by force after 30 s; whether it was running."""
        with self._lock(name):
            return self._end(name, PARTS[name].stop_signal)

    def kill(self, name: str) -> bool:
        """End a part with SIGKILL, as a crash would; whether it was running."""
        with self._lock(name):
            return self._end(name, signal.SIGKILL)

    def pause(self, name: str) -> None:
        """Freeze a part with SIGSTOP: it keeps its connections and answers nothing.

        Raises:
            ServiceError: it is not running, or does not stop.
        """
        process.freeze(self._running_pid(name))

    def resume(self, name: str) -> None:
        """Let a frozen part go on.

        Raises:
            ServiceError: it is not running.
        """
        process.send(self._running_pid(name), signal.SIGCONT)

    def release(self, holder: str) -> list[str]:
        """Give up all that a holder needs; stop, and name, what nobody needs any more."""
        stopped = []
        for name in self._state.read():
            with self._lock(name):
                record = self._state.read()[name]
                if holder not in record.holders:
                    continue
                record.release(holder)
                self._state.write(name, record)
                if not record.holders and self._end(name, PARTS[name].stop_signal):
                    stopped.append(name)
        return stopped

    def running(self) -> dict[str, Instance]:
        """The running parts by name."""
        return {
            name: self._instance(name, record)
            for name, record in self._state.read().items()
            if record.running
        }

    def pid(self, name: str) -> int | None:
        """The process id of a running part, or None."""
        record = self._state.read().get(name)
        return record.pid if record and record.running else None

    def environment(self) -> dict[str, str]:
        """The product's environment variables that point to the running parts."""
        variables: dict[str, str] = {}
        for name, instance in self.running().items():
            variables |= PARTS[name].environment(instance)
        return variables

    def _lock(self, name: str) -> AbstractContextManager[None]:
        return locked(self._folder / f"{name}.lock")

    def _new_record(self, name: str) -> Record:
        part = PARTS[name]
        part.require_installed()
        ports = {purpose: _free_port() for purpose in part.ports_wanted}
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return Record(ports=ports, data=str(part.data_folder(folder)))

    def _instance(self, name: str, record: Record) -> Instance:
        return Instance(self._folder / name, Path(record.data), record.ports)

    def _launch(self, name: str, record: Record) -> None:
        part, instance = PARTS[name], self._instance(name, record)
        part.require_installed()
        part.prepare(instance)
        record.pid = process.spawn(part.command(instance), instance.log, part.account())
        record.birth = process.birth(record.pid)
        # Written before it answers: whoever comes after a crash in between must find it.
        self._state.write(name, record)
        try:
            _wait_until_it_answers(part, instance, record)
        except ServiceError:
            self._end(name, signal.SIGKILL)
            raise

    def _end(self, name: str, number: signal.Signals) -> bool:
        record = self._state.read().get(name)
        if record is None or record.pid is None or record.birth is None or not record.running:
            return False
        _end_process(record.pid, record.birth, number)
        record.pid = record.birth = None
        record.holders.clear()
        self._state.write(name, record)
        return True

    def _running_pid(self, name: str) -> int:
        pid = self.pid(name)
        if pid is None:
            raise ServiceError(f"{name} is not running")
        return pid


def holder_of_this_process() -> str:
    """This process as a holder: what it alone needs is stopped after it released it."""
    return f"{os.getpid()}:{process.birth(os.getpid())}"


def _end_process(pid: int, born: str, number: signal.Signals) -> None:
    if number == signal.SIGKILL:
        process.send(pid, number)
    else:
        # A frozen process takes no other signal, and only the main process is asked to stop.
        process.send(pid, signal.SIGCONT)
        os.kill(pid, number)
    if not process.wait_gone(pid, born, _STOP_SECONDS):
        process.send(pid, signal.SIGKILL)
        process.wait_gone(pid, born, _STOP_SECONDS)


def _wait_until_it_answers(part: Part, instance: Instance, record: Record) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not part.answers(instance):
        if not record.running:
            raise ServiceError(f"{part.name} ended at once:\n{process.tail(instance.log)}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{part.name} did not answer within {_START_SECONDS:.0f} s:\n"
                f"{process.tail(instance.log)}"
            )
        time.sleep(0.1)


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceError(f"no free port between {_PORTS.start} and {_PORTS.stop}")
