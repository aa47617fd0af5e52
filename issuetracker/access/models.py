"""Who may call the API, and what was done about access."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from issuetracker.access.permissions import every_name, in_order
from issuetracker.access.services import PREFIX


class ServiceToken(models.Model):
    """A secret with which a service calls the API. Only its hash is kept.

    Attributes:
        user: the service user that the token stands for.
        purpose: what it is for, in the words of whoever made it.
        permissions: names of what it may do, as ``permissions.py`` defines them.
        digest: SHA-256 of the token, hex. The token is random enough that no salt is needed, and
            that looking it up by the hash tells nobody who measures it anything about a token.
        prefix: the token's first characters, by which people recognise it.
        created_at: when it was made.
        created_by: name of who made it; empty from the command line.
        expires_at: from when it is refused; None for never.
        revoked_at: since when it is refused; None while it is good.
        last_used_at: when it was used last, to within some minutes.
        form_id: of the form it was made with, which makes no second one; None from elsewhere.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    purpose = models.CharField(max_length=100, blank=True, db_column="name")
    permissions = models.JSONField(default=every_name)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    form_id = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ("user", "-created_at")
        # Tokens are revoked, never deleted.
        default_permissions = ("add", "change", "view")

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user.get_username()}"

    @property
    def service(self) -> str:
        """The component's name, of which the token is."""
        return self.user.get_username().removeprefix(PREFIX)

    @property
    def may(self) -> str:
        """What it may do, as people read it."""
        return ", ".join(in_order(self.permissions)) or "nothing"

    def refusal(self, now: datetime | None = None) -> str:
        """Why it is refused: ``revoked``, ``expired`` or ``switched off``; empty while it is good.

        Args:
            now: the time to tell it for; by default the present.
        """
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= (now or timezone.now()):
            return "expired"
        return "" if self.user.is_active else "switched off"


class AuditEntry(models.Model):
    """Something that was done about access. Entries are written, pruned by age, never changed.

    Attributes:
        time: when; for what is counted, the first time.
        last_time: for what is counted, the latest time.
        count: how often it happened within an hour; only refusals are counted.
        action: what.
        actor: user name of who did it; empty for somebody unknown.
        subject: what it was done to, in words.
        detail: what there is to say besides, such as the roles before and after.
        network: from where. The network (/24, or /48 of IPv6), as a whole address is a person's.
        event_id: of the change that it is about, if it has one: sent again, it is one entry.
    """

    class Action(models.TextChoices):
        """What can be done."""

        LOGIN = "login", "logged in"
        LOGIN_FAILED = "login_failed", "login failed"
        LOGIN_LOCKED = "login_locked", "login locked out"
        TOKEN_CREATED = "token_created", "token made"
        TOKEN_REVOKED = "token_revoked", "token revoked"
        TOKEN_REFUSED = "token_refused", "token refused"
        ROLES_CHANGED = "roles_changed", "roles changed"
        ISSUE_DELETED = "issue_deleted", "issue deleted"

    time = models.DateTimeField(default=timezone.now)
    last_time = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1)
    action = models.CharField(max_length=20, choices=Action.choices)
    actor = models.CharField(max_length=150, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    network = models.CharField(max_length=50, blank=True)
    event_id = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-time", "-id")
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["-time", "-id"], name="audit_newest"),
            models.Index(fields=["action", "-time"], name="audit_action"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event_id", "subject"], name="audit_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.subject or self.actor}"
