"""Who may call the API: service users, and the tokens they come with."""

from django.conf import settings
from django.db import models


class ServiceToken(models.Model):
    """A secret with which a service calls the API. Only its hash is kept.

    Attributes:
        user: the service user that the token stands for.
        name: what people call it.
        digest: SHA-256 of the token, hex. The token is random enough that no salt is needed.
        prefix: the token's first characters, by which people recognise it.
        created_at: when it was made.
        expires_at: from when it is refused; None for never.
        revoked_at: since when it is refused; None while it is good.
        last_used_at: when it was used last, to within an hour.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("user", "-created_at")

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user.get_username()}"
