"""Writes about people: accounts, invitations, API tokens. Each is one transaction."""

import zoneinfo

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import selectors
from accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from accounts.errors import Refused
from accounts.models import ApiToken, Invitation, Role, User, digest, new_secret

LANGUAGES = {"", "en", "fr"}
SETUP_LOCK = 7_203_001  # advisory lock: two first admins cannot be made at once


def check_password(password: str, user: User) -> None:
    """Refuse a weak password with every reason at once."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        codes = [reason.code for reason in error.error_list]
        raise Refused(
            "weak_password", " ".join(error.messages), status=400, reasons=error.messages, codes=codes
        ) from error


def user_create(
    *, username: str, password: str, role: str, display_name: str = "", email: str = "", language: str = ""
) -> User:
    """Make an account. Raises ``Refused``: name_taken, bad_username, weak_password, unknown_language."""
    language_check(language)
    user = User(
        username=username.strip(),
        role=role,
        display_name=display_name.strip(),
        email=email,
        language=language,
    )
    check_password(password, user)
    user.set_password(password)
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise Refused("bad_username", " ".join(error.messages), status=400) from error
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise Refused("name_taken", "Somebody has this user name.", status=400, username=username) from error
    return user


@transaction.atomic
def first_admin_create(*, username: str, password: str, display_name: str = "", language: str = "") -> User:
    """Make the first admin of a new installation; refuses as soon as there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETUP_LOCK])
    if not selectors.needs_setup():
        raise Refused("already_set_up", "This installation has an admin; ask them for an invitation.")
    return user_create(
        username=username, password=password, role=Role.ADMIN, display_name=display_name, language=language
    )


def user_preferences_set(
    *, user: User, language: str | None = None, time_zone: str | None = None, display_name: str | None = None
) -> User:
    """Change what a person may change about themselves."""
    if language is not None:
        language_check(language)
    time_zone_check(time_zone or "")
    changes = {"language": language, "time_zone": time_zone, "display_name": display_name}
    for name, value in changes.items():
        if value is not None:
            setattr(user, name, value.strip())
    user.save(update_fields=[name for name, value in changes.items() if value is not None])
    return user


def language_check(language: str) -> None:
    """Refuse a language the pages do not have."""
    if language not in LANGUAGES:
        raise Refused("unknown_language", "Choose English or French.", status=400, language=language)


def time_zone_check(time_zone: str) -> None:
    """Refuse a time zone that does not exist; empty means the installation's."""
    if time_zone and time_zone not in zoneinfo.available_timezones():
        raise Refused(
            "unknown_time_zone", "Name a time zone such as Europe/Paris.", status=400, time_zone=time_zone
        )


def last_admin_check(*, user: User, role: str, is_active: bool) -> None:
    """Refuse a change of role or access after which nobody could administer the installation."""
    stays = role == Role.ADMIN and is_active
    if not stays and not selectors.other_admins(user).exists() and selectors.is_live_admin(user):
        raise Refused("last_admin", "This is the only admin: make somebody else an admin first.")


def invitation_create(
    *, invited_by: User, role: str = Role.ANNOTATOR, email: str = ""
) -> tuple[Invitation, str]:
    """Invite somebody; returns the row and the secret of the link, which is shown once.

    Nobody can invite above their own role, and only admins invite machines.
    """
    if not invited_by.has_role(Role.LEAD) or (
        not invited_by.has_role(role if role != Role.MACHINE else Role.ADMIN)
    ):
        raise Refused("role_too_high", "You can invite people up to your own role.", status=403, role=role)
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise Refused("bad_email", "This is not an e-mail address.", status=400, email=email) from error
    secret = new_secret()
    return Invitation.objects.create(
        invited_by=invited_by, role=role, email=email, digest=digest(secret)
    ), secret


def invitation_revoke(*, invitation_id: int) -> None:
    """Withdraw an invitation that nobody has used."""
    changed = Invitation.objects.filter(pk=invitation_id, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if not changed:
        raise Refused("invitation_gone", "This invitation was already used or withdrawn.", status=404)


@transaction.atomic
def invitation_accept(
    *, secret: str, username: str, password: str, display_name: str = "", language: str = ""
) -> User:
    """Join with the invitation's role; of two clicks on one link only one makes an account."""
    Invitation.objects.select_for_update().filter(digest=digest(secret)).first()
    invitation = selectors.invitation_by_secret(secret)
    user = user_create(
        username=username,
        password=password,
        role=invitation.role,
        display_name=display_name,
        email=invitation.email,
        language=language,
    )
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return user


def token_create(*, user: User, name: str) -> tuple[ApiToken, str]:
    """Make an API token; returns the row and the secret, which is shown once."""
    secret = new_secret()
    token = ApiToken.objects.create(
        user=user, name=name.strip() or "token", prefix=secret[:6], digest=digest(secret)
    )
    return token, secret


def token_revoke(*, user: User, token_id: int) -> None:
    """Revoke one's own token; an admin may revoke anybody's."""
    tokens = ApiToken.objects.filter(pk=token_id, revoked_at=None)
    if not user.has_role(Role.ADMIN):
        tokens = tokens.filter(user=user)
    if not tokens.update(revoked_at=timezone.now()):
        raise Refused("not_found", "There is no such token.", status=404)


def demo_people_ensure() -> None:
    """Make the demo's accounts, one per role; leaves existing ones alone."""
    for username, (role, display_name, language) in DEMO_PEOPLE.items():
        user, made = User.objects.get_or_create(
            username=username,
            defaults={"role": role, "display_name": display_name, "language": language, "is_demo": True},
        )
        if made:
            user.set_password(DEMO_PASSWORD)
            user.save(update_fields=["password"])
