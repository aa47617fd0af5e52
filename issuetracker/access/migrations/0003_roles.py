"""Makes the roles."""

from django.db import migrations

from issuetracker.access.roles import make_roles


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_permissions_and_audit'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, editor: make_roles(apps, editor.connection.alias),
            # Groups stay when this is undone: people are in them.
            migrations.RunPython.noop,
        ),
    ]
