"""A PostgreSQL server."""

import pwd
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg

from deploy.services import process
from deploy.services.part import Instance, NotInstalledError, Part, running_as_root

_NAME = "issuetracker"
_FOLDERS = (Path("/usr/lib/postgresql"), Path("/usr/pgsql"), Path("/opt/homebrew/opt"))


class PostgreSQL(Part):
    """``postgres`` with a database and a user ``issuetracker``, open to this machine alone."""

    name = "postgres"
    stop_signal = signal.SIGINT
    how_to_get = "Install it: `apt-get install postgresql` or `brew install postgresql`."

    def require_installed(self) -> None:
        """See `Part.require_installed`."""
        self._server_program("postgres")
        if running_as_root() and self.account() is None:
            raise NotInstalledError("postgres refuses to run as root, and no other user is here")

    def account(self) -> str | None:
        """The server refuses to run as root: its own user then, or the one with no rights."""
        if not running_as_root():
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return next((name for name in ("postgres", "nobody") if name in known), None)

    def data_folder(self, folder: Path) -> Path:
        """Beside the log; elsewhere when the server's user cannot reach that."""
        if self.account() is None or _everyone_may_enter(folder):
            data = super().data_folder(folder)
        else:
            data = Path(tempfile.mkdtemp(prefix="issuetracker-postgres-"))
        self._hand_over(data)
        return data

    def prepare(self, instance: Instance) -> None:
        """Make the cluster once."""
        if (instance.data / "PG_VERSION").exists():
            return
        options = ["--auth=trust", f"--username={_NAME}", "--encoding=UTF8", "--locale=C"]
        command = [self._server_program("initdb"), *options, "--no-sync", f"-D{instance.data}"]
        process.run(command, instance.log, self.account())

    def command(self, instance: Instance) -> list[str]:
        """See `Part.command`; without fsync, which only a crash of the machine would need."""
        listen = ["-h", "127.0.0.1", "-p", str(instance.port), "-k", ""]
        tuning = ["-c", "fsync=off", "-c", "max_connections=200"]
        return [self._server_program("postgres"), "-D", str(instance.data), *listen, *tuning]

    def answers(self, instance: Instance) -> bool:
        """Whether it takes a connection and has the product's database."""
        try:
            with psycopg.connect(
                self._url(instance, "postgres"), connect_timeout=2, autocommit=True
            ) as connection:
                _create_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def environment(self, instance: Instance) -> dict[str, str]:
        """See `Part.environment`."""
        return {"DATABASE_URL": self._url(instance, _NAME)}

    def _url(self, instance: Instance, database: str) -> str:
        return f"postgresql://{_NAME}@{instance.address}/{database}"

    def _hand_over(self, data: Path) -> None:
        account = self.account()
        if account is not None:
            shutil.chown(data, account)

    def _server_program(self, name: str) -> str:
        """The newest one: Debian keeps the servers of several versions apart from PATH."""
        found = [path for folder in _FOLDERS for path in folder.glob(f"*/bin/{name}")]
        if found:
            return str(max(found, key=_version_of))
        return self.program(name)


def _version_of(program: Path) -> int:
    digits = "".join(letter for letter in program.parents[1].name if letter.isdigit())
    return int(digits or 0)


def _everyone_may_enter(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in [resolved, *resolved.parents])


def _create_database(connection: psycopg.Connection) -> None:
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_NAME]).fetchone()
    if known is None:
        connection.execute(f'CREATE DATABASE "{_NAME}"')
