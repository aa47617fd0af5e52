"""A dead letter for Django's admin: its name, its permissions and its place in the log of actions.

It has no table. The dead-letter topic is the only truth about letters.
"""

from django.db import models


class DeadLetter(models.Model):
    """A letter by its address in the admin: ``{handler}:{letter id}``."""

    id = models.TextField(primary_key=True)

    class Meta:
        managed = False
        # Change is to replay, delete is to discard; a letter is written by a worker alone.
        default_permissions = ("view", "change", "delete")
        verbose_name = "dead letter"

    def __str__(self) -> str:
        return str(self.id)
