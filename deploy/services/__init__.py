"""Kafka, Redis, the Firestore emulator and PostgreSQL on one machine, without containers.

``python -m deploy.services start|stop|status|env [NAME…]`` is the command;
`Services` is the same as a library, for tests that stop, kill and freeze a part.
"""

from deploy.services.manager import PARTS, Services
from deploy.services.part import NotInstalledError, ServiceError

__all__ = ["PARTS", "NotInstalledError", "ServiceError", "Services"]
