"""docs/tour.md, walked in a browser: each of its steps, in its order, with its words."""

import re
from typing import Any

import pytest
from playwright.sync_api import Response, expect

from tests.e2e.conftest import WHOLE_STORY
from tests.e2e.desk import Desk
from tests.e2e.guide import Step, steps
from tests.e2e.oracle import Oracle
from tests.e2e.shots import shoot
from tests.e2e.walking import (
    Walk,
    answer_the_customer_who_waits,
    go_back,
    judge_the_last_ten_pairs,
    let_a_second_person_approve,
    read_the_verdict_and_ask_for_the_promotion,
    route_a_ticket,
)

MOST_ANSWERS = 45


def see_the_loop(walk: Walk, step: Step) -> None:
    walk.go("Loop")
    for name in ("Label", "Train", "Evaluate", "Observe", "Compare", "Promote"):
        expect(walk.box(name)).to_be_visible()
    bar = walk.box("Label").get_by_role("progressbar")
    assert int(bar.get_attribute("aria-valuenow")) < int(bar.get_attribute("aria-valuemax"))


def try_a_ticket(walk: Walk, step: Step) -> None:
    walk.go("Try a ticket")
    walk.page.get_by_label("Ticket", exact=True).fill(step.quoted)
    answers: list[Response] = []
    walk.page.on("response", lambda one: answers.append(one) if one.url.endswith("/api/try/") else None)
    walk.page.get_by_role("button", name="Ask the model").click()
    walk.wait("the model answers", walk.page.get_by_text("Labelled tickets it resembles").is_visible)
    answer = answers[-1].json()
    names = {one["id"]: one["name"] for one in walk.visitor.call("/api/services/")["results"]}
    service = names[answer["prediction"]["service_id"]]
    expect(walk.page.get_by_role("main").get_by_text(service).first).to_be_visible()
    assert answer["nearest"] and "[PHONE]" in answer["masked_text"]


def teach_twenty_tickets(walk: Walk, step: Step) -> None:
    walk.go("Teach")
    desk = Desk(walk.visitor)
    expect(desk.page.get_by_text("until the next training")).to_be_visible()
    keys = {one["code"]: one["key"] for one in walk.visitor.call("/api/services/")["results"]}
    zone = walk.visitor.call("/api/session/")["installation"]["time_zone"]
    oracle = Oracle(walk.site.demo_tickets(), zone)
    counted = [walk.before["labels"]["since_last"]]
    walk.hear()
    desk.press("?")
    walk.hear()
    desk.press("?")
    for given in range(MOST_ANSWERS):
        if given >= 20 and walk.loop()["run"]:
            break
        code = oracle.code(desk.text)
        if given == 8:
            shoot(walk.page, "tour-teach")
        desk.given(keys.get(code or "", "n"))
        counted.append(walk.loop()["labels"]["since_last"])
    assert counted[5] > counted[0], f"the counter does not fill: {counted}"


def watch_the_training(walk: Walk, step: Step) -> None:
    run = walk.wait("the training starts itself", lambda: walk.loop()["run"] or _newest(walk))
    expect(walk.page.get_by_text(re.compile("^Training")).first).to_be_visible()
    walk.hear()
    walk.go("Loop")
    bar = walk.box("Train").get_by_role("progressbar")
    seen: set[str] = set()

    def over() -> bool:
        if bar.count():
            seen.add(bar.first.get_attribute("aria-valuenow") or "")
        return walk.loop()["run"] is None

    walk.wait("the bar moves", lambda: len(seen) > 1 or over())
    walk.hear()
    walk.box("Train").get_by_role("link").click()
    walk.page.wait_for_url(f"**/runs/{run['id']}")
    expect(walk.page.get_by_role("heading", level=1, name=f"Training {run['id']}")).to_be_visible()
    walk.wait(
        "the curves begin, or the training ends", lambda: (walk.loop()["run"] or {}).get("progress", 1) > 0.6
    )
    walk.page.wait_for_timeout(3_000)
    shoot(walk.page, "tour-run")
    walk.hear()
    walk.wait("the training ends", over)
    ended = walk.visitor.call(f"/api/runs/{run['id']}/")
    assert ended["state"] == "succeeded", ended["failure_reason"]
    assert len(seen) > 1, "the bar stood still"


def _newest(walk: Walk) -> dict[str, Any] | None:
    """The newest run, if it is one that began after the tour."""
    newest = walk.visitor.call("/api/runs/")["results"][0]
    known = walk.before["model"]["version"]
    return newest if newest["model_version"] is None or newest["model_version"] > known else None


def see_the_new_model_judged(walk: Walk, step: Step) -> None:
    walk.go("Loop")
    version = walk.before["model"]["version"] + 1
    walk.wait("the new version is measured", lambda: (walk.loop()["model"]["accuracy"] or 0) > 0)
    walk.page.reload()
    walk.page.wait_for_load_state("networkidle")
    assert walk.loop()["model"]["version"] == version
    expect(walk.box("Evaluate").get_by_text(re.compile("Right on|Measured"))).to_be_visible()
    walk.hear()
    walk.page.get_by_role("link", name=f"Version {version}").first.click()
    walk.page.wait_for_url(f"**/models/{version}")
    expect(walk.page.get_by_role("heading", level=1)).to_contain_text(str(version))
    expect(walk.page.get_by_role("main").get_by_text("control tickets").first).to_be_visible()
    walk.page.wait_for_load_state("networkidle")


def find_the_queue_in_its_new_order(walk: Walk, step: Step) -> None:
    walk.go("Loop")

    def settled() -> bool:
        now = walk.loop()
        all_read = now["embedding"]["done"] == now["embedding"]["total"]
        return (
            all_read
            and now["active"] is None
            and now["learner"] is not None
            and now["learner"]["behind"] == 0
        )

    walk.wait("all tickets are read and ranked again", settled)
    generation = walk.before["learner"]["generation"]
    walk.wait("the queue is ordered anew", lambda: walk.loop()["learner"]["generation"] > generation)
    walk.page.reload()
    walk.page.wait_for_load_state("networkidle")
    walk.hear()
    walk.go("Teach")
    expect(walk.page.get_by_test_id("ticket-text")).to_be_visible()


STEPS = [
    see_the_loop,
    try_a_ticket,
    teach_twenty_tickets,
    watch_the_training,
    see_the_new_model_judged,
    find_the_queue_in_its_new_order,
    judge_the_last_ten_pairs,
    read_the_verdict_and_ask_for_the_promotion,
    let_a_second_person_approve,
    route_a_ticket,
    answer_the_customer_who_waits,
    go_back,
]
TO_A_NEW_VERSION = 6
SHOT_ON_THE_WAY = {"tour-teach", "tour-run", "tour-judge", "tour-verdict", "tour-waiting"}


def _named(title: str) -> str:
    return re.sub(r"\W+", "_", title.lower()).strip("_")


def test_the_tour_in_the_docs_has_the_steps_that_are_walked_here():
    assert [_named(step.title) for step in steps()] == [walked.__name__ for walked in STEPS]


@pytest.mark.timeout(1800)  # the demo is made within it
def test_the_tour_works_as_it_is_written_up_to_a_new_version(demo, visit):
    _walk(demo, visit, slice(None, TO_A_NEW_VERSION))


@pytest.mark.skipif(
    not WHOLE_STORY, reason="ten minutes more: `make test-pages` tells the demo's whole story"
)
@pytest.mark.timeout(1800)
def test_the_tour_works_as_it_is_written_up_to_the_way_back(demo, visit):
    _walk(demo, visit, slice(TO_A_NEW_VERSION, None))


def _walk(demo, visit, part: slice):
    visitor = visit(demo, "lead")
    visitor.open("/home")
    walk = Walk(visitor, demo, lambda: visit(demo, "admin"))
    # In the short story the tour's own training makes the second version, not the third.
    told = {"Version 3": f"Version {walk.before['model']['version'] + 1}"}
    for step, walked in zip(steps()[part], STEPS[part], strict=True):
        walk.said = ""
        walked(walk, step)
        walk.hear()
        for picture in step.pictures:
            if picture not in SHOT_ON_THE_WAY:
                shoot(walk.page, picture)
        missing = [word for word in step.words if told.get(word, word).lower() not in walk.said.lower()]
        assert not missing, f"step {step.title!r} names what no page showed: {missing}"
