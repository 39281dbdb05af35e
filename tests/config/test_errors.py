"""One envelope for every error of the API, whoever raises it: DRF, Django, our actions, or a bug."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts import actions
from annotation import selectors
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture(autouse=True)
def fresh_throttles() -> None:
    cache.clear()


def signed_in(role: str = "lead", **options: Any) -> Client:
    client = Client(**options)
    client.force_login(factories.person(f"the {role}", role))
    return client


def error(answer: Any, status: int) -> dict[str, Any]:
    """The envelope, checked to be whole."""
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"].startswith(JSON)
    body = answer.json()
    assert list(body) == ["error"] and set(body["error"]) == {"code", "message", "params", "fields"}
    assert body["error"]["code"] and body["error"]["message"]
    assert "Traceback" not in answer.content.decode()
    return dict(body["error"])


def test_json_that_is_none_is_400() -> None:
    assert error(signed_in().post("/api/services/", "{not json", JSON), 400)["code"] == "parse_error"
    assert error(Client().post("/api/session/", '"', JSON), 400)["code"] == "parse_error"


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null", '{"name": NaN}', '{"name": "\\ud800"}'])
def test_json_of_the_wrong_form_is_400(body: str) -> None:
    error(signed_in().post("/api/services/", body, JSON), 400)
    error(signed_in().post("/api/tickets/", body, JSON), 400)


def test_each_wrong_field_is_named_with_a_code() -> None:
    sent = {"name": ["x"], "keywords": [1, {}], "position": "far", "color": -1}
    found = error(signed_in().post("/api/services/", sent, JSON), 400)
    assert found["code"] == "invalid"
    assert set(found["fields"]) == {"name", "keywords", "position", "color"}
    assert found["fields"]["position"][0]["code"] == "invalid"
    assert found["fields"]["position"][0]["message"]


def test_what_an_action_refuses_has_its_code_and_parameters() -> None:
    factories.service("Delivery")
    found = error(signed_in().post("/api/services/", {"name": "delivery"}, JSON), 400)
    assert (found["code"], found["params"]) == ("name_taken", {"name": "delivery"})


def test_a_stranger_is_401_and_told_how_to_sign_in() -> None:
    answer = Client().get("/api/home/")
    assert error(answer, 401)["code"] == "not_authenticated" and answer["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token unknown", "Token \xff\xfe"])
def test_a_token_that_is_none_is_401(header: str) -> None:
    assert error(Client().get("/api/home/", headers={"Authorization": header}), 401)["code"] in {
        "bad_token",
        "not_authenticated",
    }


def test_a_role_too_low_is_403() -> None:
    assert error(signed_in("annotator").get("/api/people/"), 403)["code"] == "permission_denied"


def test_a_write_without_its_csrf_token_is_403_in_the_envelope() -> None:
    browser = signed_in(enforce_csrf_checks=True)
    assert error(browser.post("/api/services/", {"name": "x"}, JSON), 403)["code"] == "csrf_failed"
    body = {"username": "x", "password": "y"}
    assert (
        error(Client(enforce_csrf_checks=True).post("/api/session/", body, JSON), 403)["code"]
        == "csrf_failed"
    )


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing/", "/api/tickets/x/", "/api/tickets", "/api/runs/-1/"]
)
def test_an_address_that_is_none_is_404_by_any_method(path: str, method: str) -> None:
    assert error(getattr(signed_in(enforce_csrf_checks=True), method)(path), 404)["code"] == "not_found"


@pytest.mark.parametrize("path", ["tickets", "runs", "models", "imports"])
@pytest.mark.parametrize("pk", ["0", "987654321", "9" * 30])
def test_a_row_that_is_not_there_is_404_however_large_its_number(path: str, pk: str) -> None:
    assert error(signed_in().get(f"/api/{path}/{pk}/"), 404)["code"] in {"not_found", "ticket_gone"}


def test_a_method_that_is_not_offered_is_405() -> None:
    answer = signed_in().delete("/api/services/")
    assert error(answer, 405)["code"] == "method_not_allowed" and "POST" in answer["Allow"]


def test_a_form_where_json_is_wanted_is_415() -> None:
    assert error(signed_in().post("/api/services/", {"name": "x"}), 415)["code"] == "unsupported_media_type"
    assert error(signed_in().post("/api/services/", "name=x", "text/plain"), 415)


def test_an_answer_in_another_form_than_json_is_406() -> None:
    assert (
        error(signed_in().get("/api/home/", headers={"Accept": "text/html"}), 406)["code"] == "not_acceptable"
    )


def test_a_body_over_the_limit_is_413_and_nothing_of_it_is_kept(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    sent = {"tickets": [{"text": "x" * 3000}]}
    assert error(signed_in().post("/api/tickets/", sent, JSON), 413)["code"] == "too_large"
    assert error(Client().post("/api/session/", {"username": "x" * 3000}, JSON), 413)
    assert not selectors.tickets_left()["teach"]


def test_a_body_nested_without_end_is_400() -> None:
    assert error(signed_in().post("/api/services/", "[" * 100_000, JSON), 400)["code"] == "parse_error"


def test_guessing_passwords_is_429_with_the_seconds_to_wait() -> None:
    guess = {"username": "alice", "password": "no"}
    answers = [Client().post("/api/session/", guess, JSON) for _ in range(11)]
    found = error(answers[-1], 429)
    assert found["code"] == "throttled" and found["params"]["seconds"] > 0
    assert answers[-1]["Retry-After"] == str(found["params"]["seconds"])


def test_a_host_that_is_not_ours_is_400() -> None:
    assert (
        error(Client().get("/api/session/", headers={"Host": "evil.example"}), 400)["code"] == "bad_request"
    )


def test_a_bug_is_500_without_its_insides(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret insides")

    monkeypatch.setattr("accounts.selectors.people", broken)
    answer = signed_in(raise_request_exception=False).get("/api/people/")
    assert error(answer, 500)["code"] == "server_error"
    assert "secret insides" not in answer.content.decode()


def test_what_a_failed_write_began_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("annotation.actions.services._tell", broken)
    client = signed_in(raise_request_exception=False)
    assert error(client.post("/api/services/", {"name": "Delivery"}, JSON), 500)
    assert selectors.services_by_code() == {}


def test_a_revoked_token_is_401_at_once() -> None:
    lea = factories.person("lea", "lead")
    token, secret = actions.token_create(user=lea, name="x")
    api = APIClient(headers={"Authorization": f"Token {secret}"})
    assert api.get("/api/people/").status_code == 200
    actions.token_revoke(user=lea, token_id=token.pk)
    assert error(api.get("/api/people/"), 401)["code"] == "bad_token"
