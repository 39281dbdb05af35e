"""Services: the labels of the installation."""

from django.db import models
from django.db.models import Q


class Service(models.Model):
    """A team of the support organisation that a ticket can be routed to.

    ``code`` never changes: models, snapshots and exports name a service by it. A service with labels is
    switched off, never deleted.
    """

    code = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=80)
    name_fr = models.CharField(max_length=80, blank=True)
    description = models.CharField(max_length=300, blank=True)
    guideline = models.TextField(
        blank=True, help_text="Markdown: what belongs here, what does not, borderline examples."
    )
    keywords = models.JSONField(
        default=list, blank=True, help_text="Words an expert expects; used for the cold start only."
    )
    key = models.CharField(
        max_length=1, blank=True, help_text="The keyboard key, for life. Empty: chosen by typing the name."
    )
    color = models.PositiveSmallIntegerField(
        default=0, help_text="Index into the page's colour-blind-safe set."
    )
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="service_key_unique")
        ]

    def __str__(self) -> str:
        return self.name
