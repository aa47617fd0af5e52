"""Decides which parts are embedded and which are real ones, from the environment alone."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from settings.environment import Environment


@dataclass(frozen=True)
class Choice:
    """One part of the set-up, for the people who look at it.

    Attributes:
        part: its name.
        address: where it is; without a password.
        reason: what decided it.
    """

    part: str
    address: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What the launcher starts and what it uses.

    Attributes:
        environment: the environment it was decided from.
        var: the folder of everything that is kept.
    """

    environment: Environment
    var: Path

    @property
    def embeds_kafka(self) -> bool:
        """Whether the embedded broker is used."""
        return not self.environment.kafka_bootstrap_servers

    @property
    def embeds_redis(self) -> bool:
        """Whether the embedded Redis is used."""
        return not self.environment.redis_url

    @property
    def database_file(self) -> Path:
        """Where SQLite keeps the database when none is named."""
        return self.var / "issuetracker.sqlite3"

    @property
    def database_url(self) -> str:
        """The database's address, as ``DATABASE_URL`` takes it."""
        return self.environment.database_url or f"sqlite:///{quote(str(self.database_file))}"

    def choices(self, kafka: str, redis: str, web: str) -> list[Choice]:
        """Every part with its address and what chose it.

        Args:
            kafka: the broker's address.
            redis: the address of Redis.
            web: the address of the web server.
        """
        env = self.environment
        return [
            self._web(web),
            _choice("Kafka", "KAFKA_BOOTSTRAP_SERVERS", env.kafka_bootstrap_servers, kafka),
            _choice("Redis", "REDIS_URL", env.redis_url, redis),
            _choice("Database", "DATABASE_URL", env.database_url, str(self.database_file)),
            self._store(),
        ]

    def _web(self, address: str) -> Choice:
        wanted = self.environment.port
        if address.endswith(f":{wanted}"):
            return Choice("Web", address, "another port: PORT=… make run")
        reason = f"port {wanted} is in use, so the next free one; choose with PORT=… make run"
        return Choice("Web", address, reason)

    def _store(self) -> Choice:
        env = self.environment
        if not env.issuetracker_store:
            default = "the default, as ISSUETRACKER_STORE is not set"
            return Choice("Store", "the database", default)
        if env.issuetracker_store == "database":
            return Choice("Store", "the database", "ISSUETRACKER_STORE")
        emulator = env.firestore_emulator_host
        where = f"Firestore's emulator at {emulator}" if emulator else "Firestore"
        return Choice("Store", where, "ISSUETRACKER_STORE")


def without_password(address: str) -> str:
    """An address that may be printed."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    return parts._replace(netloc=f"…@{parts.netloc.rpartition('@')[2]}").geturl()


def _choice(part: str, variable: str, given: str, used: str) -> Choice:
    if given:
        return Choice(part, without_password(given), variable)
    return Choice(part, used, f"embedded, as {variable} is not set")
