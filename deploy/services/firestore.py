"""Google's Firestore emulator."""

import http.client
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.services.part import Instance, Part

_JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
_MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"


class FirestoreEmulator(Part):
    """The emulator's Java program; it holds its data in memory and a restart loses it."""

    name = "firestore"
    durable = False
    how_to_get = (
        "Install Java 11 or newer and run `gcloud components install cloud-firestore-emulator`, "
        "or set FIRESTORE_EMULATOR_JAR."
    )

    def require_installed(self) -> None:
        """See `Part.require_installed`."""
        self.program("java")
        if _find_jar() is None:
            raise self.missing()

    def prepare(self, instance: Instance) -> None:
        """Nothing: it keeps no files."""

    def command(self, instance: Instance) -> list[str]:
        """See `Part.command`."""
        arguments = ["start", "--host=127.0.0.1", f"--port={instance.port}"]
        return [self.program("java"), "-Xmx1g", "-cp", str(_find_jar()), _MAIN_CLASS, *arguments]

    def answers(self, instance: Instance) -> bool:
        """Whether documents can be listed."""
        connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=2)
        try:
            connection.request("GET", "/v1/projects/health/databases/(default)/documents/check")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def environment(self, instance: Instance) -> dict[str, str]:
        """See `Part.environment`."""
        return {
            "FIRESTORE_EMULATOR_HOST": instance.address,
            "GOOGLE_CLOUD_PROJECT": "alphafusion-local",
        }


@cache
def _find_jar() -> Path | None:
    named = os.environ.get("FIRESTORE_EMULATOR_JAR")
    candidates = [Path(named)] if named else [root / _JAR for root in _cloud_sdk_folders()]
    return next((jar for jar in candidates if jar.is_file()), None)


def _cloud_sdk_folders() -> list[Path]:
    folders = [Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk"]
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return folders
    folders.insert(0, Path(gcloud).resolve().parents[1])
    if any((folder / _JAR).is_file() for folder in folders):
        return folders
    # Asking gcloud itself takes a second, so only when the usual places have nothing.
    asked = subprocess.run(
        [gcloud, "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [*folders, Path(asked.stdout.strip())]
