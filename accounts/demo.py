"""The demo's accounts, one per role: only where ``AIGUILLEUR_DEMO`` is on; their passwords are public."""

from accounts.models import Role

DEMO_PASSWORD = "aiguilleur-demo"  # noqa: S105  shown on the sign-in page of a demo

DEMO_PEOPLE = {
    "alice": (Role.ANNOTATOR, "Alice Martin", "fr"),
    "bob": (Role.REVIEWER, "Bob Turner", "en"),
    "chloe": (Role.LEAD, "Chloé Bernard", "fr"),
    "admin": (Role.ADMIN, "Ada Admin", "en"),
}
