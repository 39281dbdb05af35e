"""Teach and Check with the keyboard alone: every answer is kept, and nobody waits for the network."""

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.desk import TEXT, Desk
from tests.e2e.shots import shoot


@pytest.fixture
def desk(demo, visit) -> Desk:
    return Desk(visit(demo, "annotator")).open()


@pytest.fixture
def services(desk) -> list[dict]:
    return [one for one in desk.visitor.call("/api/services/")["results"] if one["is_active"]]


def test_a_service_is_given_by_its_key_and_the_next_ticket_comes(desk, services):
    service = next(one for one in services if one["key"] == "2")
    before = desk.text
    last = desk.given("2")
    assert desk.text != before
    assert (last["kind"], last["service_id"], last["mode"]) == ("label", service["id"], "teach")
    assert last["excerpt"][:20] in " ".join(before.split())


@pytest.mark.parametrize(("key", "kind"), [("Space", "skip"), ("f", "flag"), ("n", "none")])
def test_skip_flag_and_none_are_one_key_each(desk, key, kind):
    assert desk.given(key)["kind"] == kind


def test_two_services_are_chosen_by_t_and_their_keys(desk, services):
    first, second = (next(one for one in services if one["key"] == key) for key in "12")
    desk.press("t")
    desk.press("1")
    expect(desk.page.get_by_text("and…?")).to_be_visible()
    last = desk.given("2")
    assert (last["kind"], last["service_id"], last["second_service_id"]) == ("two", first["id"], second["id"])


def test_undo_brings_the_ticket_back_and_the_decision_is_undone(desk):
    before = desk.text
    given = desk.given("1")
    desk.press("Backspace")
    expect(desk.page.locator(TEXT)).to_have_text(before, use_inner_text=True)
    expect(desk.page.get_by_text("Undone. Here is the ticket again.").locator("visible=true")).to_be_visible()
    recent = desk.visitor.call("/api/queue/progress/")["recent"]
    assert given["id"] not in [one["id"] for one in recent if not one["undone"]]


def test_the_filter_finds_a_service_by_a_part_of_its_name_and_enter_takes_it(desk, services):
    wanted = max(services, key=lambda one: len(one["name"]))
    desk.press("/")
    desk.page.keyboard.type(wanted["name"][:6].lower())
    shoot(desk.page, "teach-filter")
    assert desk.given("Enter")["service_id"] == wanted["id"]


def test_letters_typed_into_the_filter_answer_nothing(desk):
    before = desk.text
    desk.press("/")
    desk.page.keyboard.type("fn 12")
    assert desk.text == before
    desk.press("Escape")
    assert desk.visitor.call("/api/queue/progress/")["left"]["teach"] > 0 and desk.text == before


def test_the_next_ticket_is_there_although_the_network_answers_nothing(desk):
    held: list[Route] = []
    desk.page.route("**/api/queue/**", lambda route: held.append(route))
    second = desk.next_after("1")
    third = desk.next_after("1")
    assert third != second and held, "two tickets came with every request to the queue still unanswered"
    for route in held:
        route.continue_()
    desk.page.unroute("**/api/queue/**")
    expect(desk.page.get_by_role("status").filter(has_text="saved").first).to_be_visible()


def test_an_answer_given_offline_is_kept_and_saved_when_the_network_is_back(desk, services):
    desk.visitor.misdeeds.allowed += ["ERR_INTERNET_DISCONNECTED"]
    desk.visitor.context.set_offline(True)
    before = desk.text
    desk.next_after("2")
    expect(desk.page.get_by_text("1 answer not saved yet, trying again")).to_be_visible()
    shoot(desk.page, "teach-offline")
    kept = desk.page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('aiguilleur.unsent.')).length"
    )
    assert kept == 1
    with desk.page.expect_response("**/api/queue/submit/") as sent:
        desk.visitor.context.set_offline(False)
    last = sent.value.json()["annotation"]
    assert last["service_id"] == next(one["id"] for one in services if one["key"] == "2")
    assert last["excerpt"][:20] in " ".join(before.split())
    expect(desk.page.get_by_text("not saved yet")).to_have_count(0)
    assert not desk.page.evaluate("Object.keys(localStorage).filter((key) => key.includes('unsent'))")


def test_an_answer_that_a_closed_page_left_behind_is_sent_by_the_next_one(desk):
    desk.visitor.misdeeds.allowed += ["ERR_FAILED", "failed request"]
    desk.page.route("**/api/queue/submit/", lambda route: route.abort("failed"))
    desk.next_after("3")
    expect(desk.page.get_by_text("1 answer not saved yet, trying again")).to_be_visible()
    count = desk.visitor.call("/api/queue/progress/")["total"]
    # A crash: the page is gone without a word, its storage stays.
    desk.page.close(run_before_unload=False)
    desk.page = desk.visitor.page = desk.visitor.context.new_page()
    with desk.page.expect_response("**/api/queue/submit/") as sent:
        desk.page.goto("/home")
    assert sent.value.ok
    assert desk.visitor.call("/api/queue/progress/")["total"] == count + 1


def test_a_reload_keeps_the_ticket(desk):
    before = desk.text
    desk.page.reload()
    expect(desk.page.locator(TEXT)).to_have_text(before, use_inner_text=True)


def test_two_people_never_see_the_same_ticket(demo, visit, desk):
    other = Desk(visit(demo, "reviewer")).open()
    seen: dict[str, list[str]] = {"alice": [desk.text], "bob": [other.text]}
    for _ in range(6):
        seen["alice"].append(desk.next_after("n"))
        seen["bob"].append(other.next_after("n"))
    assert not set(seen["alice"]) & set(seen["bob"])


def test_a_random_control_shows_no_suggestion_and_no_likely_service(desk):
    # The demo's story has served more controls than their share: the next ones may be a hundred tickets away.
    desk.until(lambda now: now.reason.startswith("Random control"), most=150)
    panel = desk.page.get_by_role("region", name="Services")
    shoot(desk.page, "teach-control")
    assert panel.locator("span.bg-accent\\/75").count() == 0, "no bars of probability"
    assert desk.page.get_by_role("button", name="Yes").count() == 0


def test_a_ticket_the_model_hesitates_about_shows_between_which_services(desk):
    desk.until(lambda now: now.reason.startswith("Hesitates between"))
    panel = desk.page.get_by_role("region", name="Services")
    assert panel.locator("span.bg-accent\\/75").count() >= 2
    shoot(desk.page, "teach-hesitates")


def test_check_accepts_with_one_key_and_corrects_with_another(demo, visit):
    check = Desk(visit(demo, "reviewer"), "check").open()
    services = {one["name"]: one for one in check.visitor.call("/api/services/")["results"]}
    claimed = check.page.locator("article p.text-lg").inner_text().split("\n")[0].strip()
    shoot(check.page, "check-claim")
    last = check.given("a")
    assert (last["mode"], last["service_id"]) == ("check", services[claimed]["id"])

    claimed = check.page.locator("article p.text-lg").inner_text().split("\n")[0].strip()
    other = next(one for name, one in services.items() if name != claimed and one["key"].isdigit())
    check.press("x")
    expect(check.page.get_by_text("Which service is right? Press its key.")).to_be_visible()
    assert check.given(other["key"])["service_id"] == other["id"]


def test_check_never_serves_a_random_control(demo, visit):
    check = Desk(visit(demo, "reviewer"), "check").open()
    reasons = [check.reason]
    for _ in range(8):
        check.next_after("Space")
        reasons.append(check.reason)
    assert not [reason for reason in reasons if "control" in reason.lower()]


def test_the_question_mark_shows_the_keys_and_hides_them(desk):
    desk.press("?")
    expect(desk.page.get_by_role("region", name="Keys")).to_be_visible()
    desk.press("?")
    expect(desk.page.get_by_role("region", name="Keys")).to_have_count(0)
