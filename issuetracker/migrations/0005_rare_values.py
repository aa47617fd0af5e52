from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexOnline(AddIndexConcurrently):
    """Adds an index while others write: PostgreSQL can, and SQLite needs a moment only."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self._way(schema_editor).database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self._way(schema_editor).database_backwards(self, app_label, schema_editor, *states)

    def _way(self, schema_editor: Any) -> type[migrations.AddIndex]:
        online = schema_editor.connection.vendor == "postgresql"
        return AddIndexConcurrently if online else migrations.AddIndex


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
