"""Reads about people."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from accounts.errors import Refused
from accounts.models import Invitation, Role, User, digest


def needs_setup() -> bool:
    """Whether nobody can administer this installation yet."""
    return not User.objects.filter(role=Role.ADMIN, is_active=True).exists()


def is_live_admin(user: User) -> bool:
    """Whether this person administers the installation now, as the database says."""
    return User.objects.filter(pk=user.pk, role=Role.ADMIN, is_active=True).exists()


def other_admins(user: User) -> QuerySet[User]:
    """Everybody else who can administer the installation."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)


def people() -> QuerySet[User]:
    """Everybody, machines included, by name."""
    return User.objects.order_by("username")


def open_invitations() -> QuerySet[Invitation]:
    """Invitations that can still be accepted."""
    live = Q(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())
    return Invitation.objects.filter(live).select_related("invited_by")


def invitation_by_secret(secret: str) -> Invitation:
    """Return the open invitation of this link. Raises ``Refused("invitation_gone")``."""
    invitation = Invitation.objects.filter(digest=digest(secret)).first()
    if invitation is None or not invitation.is_open:
        raise Refused(
            "invitation_gone",
            "This invitation was used, withdrawn or is out of date: ask for a new one.",
            status=404,
        )
    return invitation


def demo_accounts() -> list[dict[str, str]]:
    """Sign-in buttons of a demo: only accounts that exist and are marked as demo."""
    present = dict(User.objects.filter(is_demo=True, is_active=True).values_list("username", "role"))
    return [
        {"username": name, "password": DEMO_PASSWORD, "role": present[name]}
        for name in DEMO_PEOPLE
        if name in present
    ]
