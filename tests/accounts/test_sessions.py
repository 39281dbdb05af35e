"""Who is signed in: what a session and its person are changes at the very next call."""

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sessions import BACKEND, KnownPerson, SessionStore
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "a long password of alice"


@pytest.fixture(autouse=True)
def fresh_throttles() -> None:
    cache.clear()


@pytest.fixture
def alice() -> User:
    person = factories.person("alice")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def page(alice: User) -> Client:
    """Her browser, signed in as the page does it."""
    client = Client()
    signed_in = client.post(
        "/api/session/", {"username": "alice", "password": PASSWORD}, content_type="application/json"
    )
    assert signed_in.status_code == 200 and client.session[BACKEND_SESSION_KEY] == BACKEND
    return client


def known(page: Client) -> str | None:
    user = page.get("/api/session/").json()["user"]
    return user and user["username"]


def test_a_session_is_its_persons_until_its_time_is_over(page: Client):
    assert known(page) == "alice"
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert known(page) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another's"}])
def test_a_person_shut_out_or_with_another_password_is_a_stranger_at_the_next_call(
    page: Client, change: dict
):
    User.objects.filter(username="alice").update(**change)
    assert known(page) is None


def test_a_person_who_is_gone_is_nobody(alice: User):
    assert KnownPerson().get_user(alice.pk) == alice
    assert KnownPerson().get_user(alice.pk + 1000) is None


def test_the_person_is_read_whole(alice: User):
    found, row = KnownPerson().get_user(alice.pk), User.objects.get(pk=alice.pk)
    assert found is not None
    assert {f.attname: getattr(found, f.attname) for f in User._meta.concrete_fields} == {
        f.attname: getattr(row, f.attname) for f in User._meta.concrete_fields
    }
    found.display_name = "Alice"
    found.save()
    assert User.objects.get(pk=alice.pk).display_name == "Alice"


def test_a_session_of_the_release_before_goes_on(alice: User):
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert known(client) == "alice"


@pytest.mark.parametrize("key", ["", "short", "x" * 32, "no'quote\\s"])
def test_a_key_that_nobody_has_is_an_empty_session_with_a_key_to_come(key: str):
    store = SessionStore(key)
    assert store.load() == {} and store.session_key is None


def test_what_is_kept_is_read_again():
    store = SessionStore()
    store["colour"] = "green"
    store.save()
    assert SessionStore(store.session_key).load() == {"colour": "green"}
