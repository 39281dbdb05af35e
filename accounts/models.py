"""People and machines that use the installation: users with a role, API tokens, invitations."""

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a person may do; each role but ``machine`` includes the ones before it."""

    ANNOTATOR = "annotator", "Annotator"
    REVIEWER = "reviewer", "Reviewer"
    LEAD = "lead", "Lead"
    ADMIN = "admin", "Admin"
    MACHINE = "machine", "Machine"


_RANK = {Role.MACHINE: 0, Role.ANNOTATOR: 1, Role.REVIEWER: 2, Role.LEAD: 3, Role.ADMIN: 4}


def digest(secret: str) -> str:
    """Return the hex SHA-256 under which a token is stored; it is long and random, so needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(DjangoUserManager["User"]):
    """Makes ``createsuperuser`` produce the role admin."""

    def create_superuser(self, username, email=None, password=None, **extra):  # type: ignore[no-untyped-def]
        extra.setdefault("role", Role.ADMIN)
        return super().create_superuser(username, email, password, **extra)


class User(AbstractUser):
    """A person, or a machine account that only uses API tokens."""

    role = models.CharField(max_length=16, choices=Role, default=Role.ANNOTATOR)
    display_name = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=5, blank=True, help_text="Empty: what the browser asks for.")
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the installation's zone.")
    is_demo = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["username"]

    def save(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        """Keep Django's admin flags in step with the role: the role is the only thing anyone edits."""
        self.is_staff = self.is_superuser = self.role == Role.ADMIN
        update_fields = kwargs.get("update_fields")
        if update_fields is not None and "role" in update_fields:
            kwargs["update_fields"] = {*update_fields, "is_staff", "is_superuser"}
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.display_name or self.username

    def has_role(self, role: str) -> bool:
        """Say whether this person may do what ``role`` may do."""
        if role == Role.MACHINE:
            return self.role in {Role.MACHINE, Role.LEAD, Role.ADMIN}
        return self.role != Role.MACHINE and _RANK[Role(self.role)] >= _RANK[Role(role)]


class ApiToken(models.Model):
    """A bearer secret of one account; only its digest is stored, so it is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8, help_text="First characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.user.is_active


def new_secret() -> str:
    """Return a fresh URL-safe secret of 256 bits."""
    return secrets.token_urlsafe(32)


def _in_a_week() -> object:
    return timezone.now() + timedelta(days=7)


class Invitation(models.Model):
    """A link by which one person joins with a role; single use, valid for a week."""

    email = models.EmailField(blank=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.ANNOTATOR)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_in_a_week)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email or 'someone'} as {self.role}"

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()
