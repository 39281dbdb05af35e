"""Signing in, joining, roles and tokens, through HTTP as a browser or a machine does it."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.errors import Refused
from accounts.models import ApiToken, Invitation, Role, User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough sentence"


@pytest.fixture(autouse=True)
def fresh_throttles():
    cache.clear()


def person(name: str, role: str) -> User:
    return actions.user_create(username=name, password=PASSWORD, role=role)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def error_of(response) -> str:
    return response.json()["error"]["code"]


def test_a_stranger_is_told_to_sign_in_and_sees_nothing_else():
    response = Client().get("/api/people/")
    assert response.status_code == 401
    assert error_of(response) == "not_authenticated"


def test_signing_in_needs_the_csrf_token_and_gives_a_session():
    person("alice", Role.ANNOTATOR)
    browser = Client(enforce_csrf_checks=True)
    body = {"username": "alice", "password": PASSWORD}
    assert browser.post("/api/session/", body, "application/json").status_code == 403
    token = browser.get("/api/session/").json()["csrf_token"]
    response = browser.post("/api/session/", body, "application/json", headers={"X-CSRFToken": token})
    assert response.json()["user"]["username"] == "alice"
    assert browser.get("/api/session/").json()["user"]["role"] == "annotator"


def test_a_wrong_password_is_a_clear_error_and_guessing_is_slowed_down():
    person("alice", Role.ANNOTATOR)
    answers = [
        Client().post("/api/session/", {"username": "alice", "password": "no"}, "application/json")
        for _ in range(11)
    ]
    assert error_of(answers[0]) == "bad_credentials"
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["params"]["seconds"] > 0


def test_signing_out_ends_the_session():
    client = signed_in(person("alice", Role.ANNOTATOR))
    assert client.delete("/api/session/").status_code == 204
    assert client.get("/api/session/").json()["user"] is None


@pytest.mark.parametrize(
    ("role", "status"),
    [("annotator", 403), ("reviewer", 403), ("machine", 403), ("lead", 200), ("admin", 200)],
)
def test_only_leads_and_admins_see_people(role, status):
    assert signed_in(person("someone", role)).get("/api/people/").status_code == status


def test_the_admin_flags_follow_the_role():
    user = person("ada", Role.ADMIN)
    assert user.is_staff and user.is_superuser
    user.role = Role.LEAD
    user.save(update_fields=["role"])
    user.refresh_from_db()
    assert not user.is_staff and not user.is_superuser


def test_an_invited_person_joins_once_with_the_role_of_the_invitation():
    lead = signed_in(person("chloe", Role.LEAD))
    made = lead.post(
        "/api/invitations/", {"role": "annotator", "email": "d@example.org"}, "application/json"
    ).json()
    secret = made["link"].rsplit("/", 1)[1]
    guest = Client()
    assert guest.get(f"/api/invitations/{secret}/").json()["role"] == "annotator"
    account = {"username": "david", "password": PASSWORD}
    joined = guest.post(f"/api/invitations/{secret}/accept/", account, "application/json")
    assert joined.json()["user"]["role"] == "annotator"
    again = Client().post(
        f"/api/invitations/{secret}/accept/", {**account, "username": "eve"}, "application/json"
    )
    assert error_of(again) == "invitation_gone"
    assert not User.objects.filter(username="eve").exists()


def test_an_old_or_withdrawn_invitation_admits_nobody():
    lead = person("chloe", Role.LEAD)
    invitation, secret = actions.invitation_create(invited_by=lead, role=Role.ANNOTATOR)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(Refused, match="out of date"):
        actions.invitation_accept(secret=secret, username="david", password=PASSWORD)
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    actions.invitation_revoke(invitation_id=invitation.pk)
    assert error_of(Client().get(f"/api/invitations/{secret}/")) == "invitation_gone"


@pytest.mark.parametrize("role", ["admin", "machine"])
def test_a_lead_cannot_invite_above_themselves(role):
    response = signed_in(person("chloe", Role.LEAD)).post(
        "/api/invitations/", {"role": role}, "application/json"
    )
    assert response.status_code == 403
    assert error_of(response) == "role_too_high"


def test_a_weak_password_and_a_taken_name_say_so():
    person("alice", Role.ANNOTATOR)
    with pytest.raises(Refused) as weak:
        actions.user_create(username="bob", password="12345", role=Role.ANNOTATOR)
    assert weak.value.code == "weak_password" and weak.value.params["reasons"]
    with pytest.raises(Refused) as taken:
        person("alice", Role.ANNOTATOR)
    assert taken.value.code == "name_taken"


def test_the_first_admin_can_be_made_exactly_once():
    browser = Client()
    assert browser.get("/api/session/").json()["installation"]["needs_setup"] is True
    account = {"username": "ada", "password": PASSWORD, "language": "fr"}
    assert browser.post("/api/setup/", account, "application/json").json()["user"]["role"] == "admin"
    second = Client().post("/api/setup/", {**account, "username": "eve"}, "application/json")
    assert error_of(second) == "already_set_up"


def test_a_token_works_until_it_is_revoked_and_is_stored_only_as_a_digest():
    lead = person("chloe", Role.LEAD)
    token, secret = actions.token_create(user=lead, name="import script")
    headers = {"Authorization": f"Token {secret}"}
    assert Client().get("/api/people/", headers=headers).status_code == 200
    assert secret not in str(ApiToken.objects.values().get())
    assert ApiToken.objects.get().last_used_at is not None
    actions.token_revoke(user=lead, token_id=token.pk)
    refused = Client().get("/api/people/", headers=headers)
    assert refused.status_code == 401 and error_of(refused) == "bad_token"


def test_what_changes_about_a_tokens_person_counts_at_the_next_call():
    lead = person("lead", Role.LEAD)
    _, secret = actions.token_create(user=lead, name="import script")
    headers = {"Authorization": f"Token {secret}"}

    def asked() -> int:
        return Client().get("/api/tickets/", headers=headers).status_code

    assert [asked(), asked()] == [200, 200]
    User.objects.filter(pk=lead.pk).update(role=Role.MACHINE)
    assert asked() == 403
    User.objects.filter(pk=lead.pk).update(role=Role.LEAD, is_active=False)
    assert asked() == 401


def test_nobody_can_revoke_somebody_elses_token():
    token, _ = actions.token_create(user=person("alice", Role.ANNOTATOR), name="mine")
    response = signed_in(person("bob", Role.ANNOTATOR)).delete(f"/api/tokens/{token.pk}/")
    assert response.status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_preferences_are_checked_and_kept():
    alice = person("alice", Role.ANNOTATOR)
    client = signed_in(alice)
    assert client.patch("/api/me/", {"language": "fr"}, "application/json").json()["language"] == "fr"
    wrong = client.patch("/api/me/", {"time_zone": "Mars/Olympus"}, "application/json")
    assert error_of(wrong) == "unknown_time_zone"


def test_demo_accounts_are_offered_only_in_a_demo(settings):
    actions.demo_people_ensure()
    settings.DEMO = False
    assert Client().get("/api/session/").json()["installation"]["demo_accounts"] == []
    settings.DEMO = True
    offered = Client().get("/api/session/").json()["installation"]["demo_accounts"]
    assert {account["role"] for account in offered} == {"annotator", "reviewer", "lead", "admin"}
    for account in offered:
        body = {"username": account["username"], "password": account["password"]}
        assert Client().post("/api/session/", body, "application/json").status_code == 200


@pytest.mark.parametrize(
    "path", ["/admin/accounts/user/", "/admin/accounts/apitoken/", "/admin/accounts/invitation/"]
)
def test_the_admin_lists_open_for_an_admin_only(path):
    assert signed_in(person("ada", Role.ADMIN)).get(path).status_code == 200
    assert signed_in(person("chloe", Role.LEAD)).get(path).status_code == 302


def test_an_unknown_api_address_answers_in_the_envelope():
    assert error_of(Client().get("/api/nothing-here/")) == "not_found"


def test_pages_carry_a_strict_policy_and_the_admin_its_own():
    strict = Client().get("/healthz").headers["Content-Security-Policy"]
    assert "script-src 'self';" in strict + ";" and "unsafe" not in strict
    loose = signed_in(person("ada", Role.ADMIN)).get("/admin/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in loose and "http" not in loose


def test_a_weak_password_is_refused_with_the_code_of_every_reason():
    account = {"username": "root", "password": "password"}
    refused = Client().post("/api/setup/", account, "application/json")
    assert error_of(refused) == "weak_password"
    assert set(refused.json()["error"]["params"]["codes"]) == {"password_too_short", "password_too_common"}
    assert not User.objects.exists()


def test_an_invited_person_sees_who_invites_and_as_what():
    lead = actions.user_create(
        username="chloe", password=PASSWORD, role=Role.LEAD, display_name="Chloé Bernard"
    )
    _, secret = actions.invitation_create(invited_by=lead, role=Role.REVIEWER)
    seen = Client().get(f"/api/invitations/{secret}/").json()
    assert (seen["invited_by"], seen["role"]) == ("Chloé Bernard", "reviewer")
