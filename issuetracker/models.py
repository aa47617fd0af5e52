"""The tables behind :class:`~issuetracker.providers.database.DatabaseHelperProvider`, and rules.

Nothing but that provider reads or writes its tables. ``Issue`` is none of them, and has no table.
"""

from typing import get_args

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from issuetracker.messages import Priority


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
    # Null also in every row that is older than these.
    muted_until = models.DateTimeField(null=True)
    muted_events = models.BigIntegerField(null=True)
    merged_into = models.UUIDField(null=True)
    merged = models.TextField(null=True)  # noqa: DJ001 - adding it rewrites no row

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
            # What can be rare: among a million others it is not met on the way.
            models.Index(fields=["type", "status", "updated_at", "id"], name="stored_issue_type"),
            models.Index(
                fields=["priority", "status", "updated_at", "id"], name="stored_issue_priority"
            ),
            models.Index(
                fields=["reporter", "status", "updated_at", "id"], name="stored_issue_reporter"
            ),
            # The few that are, among all that are not.
            models.Index(
                fields=["status", "updated_at", "id"],
                condition=models.Q(muted_events__isnull=False)
                | models.Q(muted_until__isnull=False),
                name="stored_issue_muted",
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


class Rule(models.Model):
    """What new issues begin with: of the rules that match a report, the first decides.

    A rule matches when everything it names does; an empty field matches anything.

    Attributes:
        name: what people call it.
        enabled: whether it is used.
        position: the lowest comes first.
        component: a pattern with ``*`` and ``?``.
        exception_type: the same, for the exception that was raised.
        title_prefix: how the title begins.
        tag: one of the tags.
        priority: what the issue's priority becomes; empty: what the service said.
        assignee: who works on it; empty: nobody.
    """

    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=100)
    component = models.CharField(max_length=100, blank=True)
    exception_type = models.CharField(max_length=500, blank=True)
    title_prefix = models.CharField(max_length=200, blank=True)
    tag = models.CharField(max_length=50, blank=True)
    priority = models.CharField(
        max_length=10, blank=True, choices=[(name, name) for name in get_args(Priority)]
    )
    assignee = models.CharField(
        max_length=150, blank=True, validators=[RegexValidator(r"\A[\w.@+-]+\Z")]
    )

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a rule that says nothing of what it matches."""
        if not self.priority and not self.assignee:
            raise ValidationError("Give a priority, an assignee, or both.")


class Issue(models.Model):
    """What the admin site calls an issue: a name, permissions and addresses, but no table.

    The issues themselves are :class:`issuetracker.issues.Issue`, in whichever store is chosen.
    """

    id = models.UUIDField(primary_key=True)

    class Meta:
        managed = False
        default_permissions = ("view", "change", "delete")

    def __str__(self) -> str:
        return str(self.id)
