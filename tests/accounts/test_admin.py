"""People, tokens and invitations in the admin."""

import pytest
from django.test import Client

from accounts import actions
from accounts.models import ApiToken, Invitation, User
from tests import factories

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/user/"


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(factories.person("ada", "admin"))
    return client


def fields_of(person: User, **changes) -> dict[str, object]:
    values = {"username": person.username, "role": person.role, "is_active": "on", "language": ""}
    return {**values, "display_name": "", "email": "", "time_zone": "", **changes}


def change(client: Client, person: User, **changes):
    return client.post(f"{PEOPLE}{person.pk}/change/", fields_of(person, **changes))


def test_a_role_is_all_there_is_to_set_and_the_flags_follow(ada: Client) -> None:
    alice = factories.person("alice")
    change(ada, alice, role="admin", language="fr", time_zone="Europe/Brussels")
    alice.refresh_from_db()
    assert alice.is_superuser and (alice.language, alice.time_zone) == ("fr", "Europe/Brussels")
    change(ada, alice, role="annotator")
    alice.refresh_from_db()
    assert not alice.is_staff and not alice.is_superuser


@pytest.mark.parametrize("changes", [{"role": "lead"}, {"is_active": ""}])
def test_the_only_admin_stays_one(ada: Client, changes: dict[str, str]) -> None:
    person = User.objects.get(username="ada")
    page = change(ada, person, **changes)
    assert list(page.context["adminform"].form.errors) == ["role"]
    person.refresh_from_db()
    assert person.role == "admin" and person.is_active
    factories.person("adam", "admin")
    assert change(ada, person, **changes).status_code == 302


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Olympus"), ("language", "xx")])
def test_a_zone_or_language_that_does_not_exist_is_refused(ada: Client, field: str, value: str) -> None:
    page = change(ada, factories.person("alice"), **{field: value})
    assert list(page.context["adminform"].form.errors) == [field]


def test_a_person_is_added_with_a_role_and_a_password_that_holds(ada: Client) -> None:
    sent = {"username": "dora", "role": "lead", "usable_password": "true"}
    weak = ada.post(f"{PEOPLE}add/", {**sent, "password1": "12345", "password2": "12345"})
    assert weak.status_code == 200 and not User.objects.filter(username="dora").exists()
    good = "a long enough sentence"
    ada.post(f"{PEOPLE}add/", {**sent, "password1": good, "password2": good})
    dora = User.objects.get(username="dora")
    assert dora.role == "lead" and dora.check_password(good) and not dora.is_staff


def test_people_are_switched_off_and_never_deleted(ada: Client) -> None:
    alice = factories.person("alice")
    assert ada.post(f"{PEOPLE}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    change(ada, alice, is_active="")
    alice.refresh_from_db()
    assert not alice.is_active


def test_a_token_is_revoked_after_a_yes_and_its_secret_is_nowhere(ada: Client) -> None:
    token, secret = actions.token_create(user=factories.person("alice"), name="import script")
    address = f"/admin/accounts/apitoken/{token.pk}"
    page = ada.get(f"{address}/change/").content.decode()
    assert secret not in page and token.digest not in page
    assert ada.get(f"{address}/revoke/").status_code == 200 and ApiToken.objects.get().revoked_at is None
    ada.post(f"{address}/revoke/")
    assert ApiToken.objects.get().revoked_at is not None
    again = ada.post(f"{address}/revoke/", follow=True)
    assert str(list(again.context["messages"])[-1]) == "There is no such token."


def test_an_invitation_is_withdrawn_after_a_yes(ada: Client) -> None:
    invitation, _ = actions.invitation_create(invited_by=factories.person("lea", "lead"), role="annotator")
    address = f"/admin/accounts/invitation/{invitation.pk}/withdraw/"
    assert ada.get(address).status_code == 200 and Invitation.objects.get().is_open
    ada.post(address)
    assert not Invitation.objects.get().is_open
