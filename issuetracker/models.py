"""The tables behind :class:`~issuetracker.providers.database.DatabaseHelperProvider`.

Nothing but that provider reads or writes them. ``Issue`` is none of them, and has no table.
"""

from django.db import models


class StoredIssue(models.Model):
    """One issue; see :class:`issuetracker.issues.Issue` for what the columns mean.

    ``version`` is one more with every write, and is what makes a write conditional.
    """

    id = models.UUIDField(primary_key=True)
    version = models.BigIntegerField()
    title = models.TextField()
    description = models.TextField()
    type = models.TextField()
    priority = models.TextField()
    status = models.TextField()
    regressed = models.BooleanField()
    component = models.TextField()
    tags = models.TextField()
    reporter = models.TextField()
    assignee = models.TextField(null=True)  # noqa: DJ001 - nobody is not an empty name
    fingerprint = models.TextField(null=True)  # noqa: DJ001 - absent is not empty
    exception = models.TextField()
    context = models.TextField()
    count = models.BigIntegerField()
    comment_count = models.BigIntegerField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    updated_at = models.DateTimeField()
    ledger = models.BinaryField()

    class Meta:
        db_table = "issuetracker_stored_issue"
        # A list is read status by status, so that these serve every order with and without a
        # filter by status.
        indexes = (
            models.Index(fields=["status", "updated_at", "id"], name="stored_issue_updated"),
            models.Index(fields=["status", "last_seen", "id"], name="stored_issue_last_seen"),
            models.Index(fields=["status", "first_seen", "id"], name="stored_issue_first_seen"),
            models.Index(fields=["status", "count", "id"], name="stored_issue_count"),
            # What one service's people look at; by far the commonest filter that finds little.
            models.Index(
                fields=["component", "status", "updated_at", "id"], name="stored_issue_component"
            ),
            # The two lists that a person asks for many times a day, and that are mostly short.
            models.Index(
                fields=["assignee", "status", "updated_at", "id"],
                condition=models.Q(assignee__isnull=False),
                name="stored_issue_assignee",
            ),
            models.Index(
                fields=["status", "updated_at", "id"],
                condition=models.Q(regressed=True),
                name="stored_issue_regressed",
            ),
        )

    def __str__(self) -> str:
        return self.title


class StoredDocument(models.Model):
    """A comment, a history entry or an occurrence; ``body`` is the whole of it as JSON."""

    pk = models.CompositePrimaryKey("issue_id", "collection", "event_id")
    issue_id = models.UUIDField()
    collection = models.TextField()
    event_id = models.UUIDField()
    time = models.DateTimeField()
    body = models.TextField()

    class Meta:
        db_table = "issuetracker_stored_document"
        indexes = (
            models.Index(
                fields=["issue_id", "collection", "time", "event_id"], name="stored_document_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.collection}/{self.event_id}"


class SearchTerm(models.Model):
    """A word of an issue's title or of what was raised, or one of its tags.

    Bytes, because they compare alike in every database and collation; that is what finding a
    word by its beginning needs.
    """

    pk = models.CompositePrimaryKey("term", "issue_id")
    term = models.BinaryField()
    issue_id = models.UUIDField()

    class Meta:
        db_table = "issuetracker_search_term"
        # The key finds the issues of a term; this tells whether one issue has it.
        indexes = (models.Index(fields=["issue_id", "term"], name="search_term_issue"),)

    def __str__(self) -> str:
        return bytes(self.term).decode()


class Issue(models.Model):
    """What the admin site calls an issue: a name, permissions and addresses, but no table.

    The issues themselves are :class:`issuetracker.issues.Issue`, in whichever store is chosen.
    """

    id = models.UUIDField(primary_key=True)

    class Meta:
        managed = False
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return str(self.id)
