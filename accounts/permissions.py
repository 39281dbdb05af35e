"""Who may call what: one class per role; each role includes the ones before it."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import Role, User

if TYPE_CHECKING:  # rest_framework.views reads the settings, which name this module
    from rest_framework.views import APIView


class _HasRole(BasePermission):
    role: str

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, User) and request.user.is_active and request.user.has_role(self.role)


class IsAnnotator(_HasRole):
    """Annotators, reviewers, leads, admins."""

    role = Role.ANNOTATOR


class IsReviewer(_HasRole):
    """Reviewers, leads, admins."""

    role = Role.REVIEWER


class IsLead(_HasRole):
    """Leads and admins."""

    role = Role.LEAD


class IsAdmin(_HasRole):
    """Admins."""

    role = Role.ADMIN


class IsMachine(_HasRole):
    """Machine accounts, and leads and admins (who set them up)."""

    role = Role.MACHINE
