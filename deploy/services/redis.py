"""A Redis server."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.services.part import Instance, Part


class Redis(Part):
    """``redis-server`` with an append-only file, so that a restart keeps its keys."""

    name = "redis"
    how_to_get = "Install it: `apt-get install redis-server` or `brew install redis`."

    def require_installed(self) -> None:
        """See `Part.require_installed`."""
        self.program("redis-server")

    def prepare(self, instance: Instance) -> None:
        """Nothing: the server makes its own files."""

    def command(self, instance: Instance) -> list[str]:
        """See `Part.command`; many databases, so that every test session has one to itself."""
        options = {
            "port": str(instance.port),
            "bind": "127.0.0.1",
            "dir": str(instance.data),
            "databases": "512",
            "appendonly": "yes",
            "save": "",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [self.program("redis-server"), *arguments]

    def answers(self, instance: Instance) -> bool:
        """Whether PING is answered."""
        client = redis.Redis(port=instance.port, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def environment(self, instance: Instance) -> dict[str, str]:
        """See `Part.environment`."""
        return {"REDIS_URL": f"redis://{instance.address}/0"}
