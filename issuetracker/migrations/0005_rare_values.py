from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexOnline(AddIndexConcurrently):
    """Adds an index while others write: PostgreSQL can, and SQLite needs a moment only.

    One that an interrupted migration left behind, whole or not, is made anew.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX {self._beside_writers(schema_editor)} IF EXISTS {name}")
        self._way(schema_editor).database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self._way(schema_editor).database_backwards(self, app_label, schema_editor, *states)

    def _way(self, schema_editor: Any) -> type[migrations.AddIndex]:
        return AddIndexConcurrently if self._beside_writers(schema_editor) else migrations.AddIndex

    def _beside_writers(self, schema_editor: Any) -> str:
        return "CONCURRENTLY" if schema_editor.connection.vendor == "postgresql" else ""


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writers only outside of a transaction.
    atomic = False

    dependencies = [
        ("issuetracker", "0004_assigned_and_regressed"),
    ]

    operations = [
        AddIndexOnline(
            model_name="storedissue",
            index=models.Index(
                fields=[name, "status", "updated_at", "id"], name=f"stored_issue_{name}"
            ),
        )
        for name in ("type", "priority", "reporter")
    ]
