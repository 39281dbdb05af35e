"""The dashboard on the demo: its figures are the server's, its marks open their tickets, its exports are files."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visitor
from tests.e2e.shots import shoot


@pytest.fixture
def lead(demo, visit) -> Visitor:
    return visit(demo, "lead")


@pytest.fixture
def tab(lead) -> Page:
    return lead.open("/dashboard")


def _shown(lead: Visitor) -> int:
    """The version that the page starts with: the newest measured one."""
    versions = lead.call("/api/evaluations/")["results"]
    return [one for one in versions if one["evaluation"] and one["evaluation"]["n"]][-1]["version"]


def test_the_first_sentence_claims_what_the_certificate_says_and_no_more(lead, tab):
    version = _shown(lead)
    certificate = lead.call(f"/api/models/{version}/evaluation/")["certificate"]
    sentence = tab.locator("#dashboard-headline").inner_text()
    if certificate and certificate["state"] == "certified":
        assert f"certified on {certificate['audit_labels']:,} control tickets" in sentence
    else:
        assert sentence == f"Version {version} routes nothing by itself: every ticket goes to a person."
    shoot(tab, "dashboard", whole=True)


def test_the_slider_is_moved_by_keys_and_says_where_it_is(tab):
    slider = tab.get_by_role("slider", name="From cautious to bold")
    slider.focus()
    tab.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "Nothing is routed: every ticket goes to a person."
    tab.keyboard.press("End")
    said = slider.get_attribute("aria-valuetext") or ""
    assert re.match(r"(Not certified: it would not be allowed|Certified)\.?", said), said
    tab.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") != said


def test_a_cell_of_the_confusion_table_opens_as_many_tickets_as_it_counts(tab):
    cell = tab.get_by_role("gridcell").filter(has_text=re.compile(r"^\s*\d+\s*$")).first
    count = cell.inner_text().strip()
    cell.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/dashboard/tickets?**")
    expect(
        tab.get_by_role("status").filter(has_text=re.compile(rf"^{count} control tickets?$"))
    ).to_be_visible()
    expect(tab.get_by_role("main").get_by_role("listitem")).to_have_count(min(int(count), 30))
    tab.go_back()
    expect(tab.locator("#dashboard-headline")).to_be_visible()


def test_a_chart_is_saved_as_png_svg_and_csv(tab):
    charts = tab.get_by_role("group", name="Save: Versions over time")
    begins = {"PNG": b"\x89PNG\r\n", "SVG": b"<svg", "CSV": b"\xef\xbb\xbfVersion,"}
    for kind, first in begins.items():
        with tab.expect_download() as saved:
            charts.get_by_role("button", name=kind).click()
        content = saved.value.path().read_bytes()
        assert saved.value.suggested_filename == f"versions.{kind.lower()}"
        assert content.startswith(first) and len(content) > len(first), kind


def test_it_prints_on_one_sheet(tab):
    sheet = tab.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", sheet)) == 1


def test_the_charts_library_is_loaded_by_pages_with_charts_alone(lead):
    asked: list[str] = []
    lead.page.on("request", lambda request: asked.append(request.url))
    lead.open("/teach")
    assert not [url for url in asked if "echarts" in url]
    lead.open("/dashboard")
    lead.page.locator("canvas").first.wait_for()
    assert [url for url in asked if "echarts" in url]


def test_a_lead_decides_against_the_gate_by_name_and_with_a_reason(lead, tab):
    version = 1
    before = lead.call(f"/api/models/{version}/gate/")
    assert before["observe"]["code"] == "stopped_by_gate", (
        "the demo's first version is too weak: the gate stops it"
    )
    lead.open(f"/dashboard?version={version}")
    tab.get_by_role("button", name="Decide against this").click()
    tab.get_by_role("button", name="Let it go on", exact=True).click()
    expect(tab.get_by_text("Say why in a sentence.")).to_be_visible()
    tab.get_by_label("Why").fill("Watched for a week beside production, routing nothing.")
    tab.get_by_role("button", name="Let it go on", exact=True).click()
    expect(tab.get_by_text("let it be observed")).to_be_visible()
    found = lead.call(f"/api/models/{version}/gate/")
    assert found["overrides"][0]["reason"].startswith("Watched for a week")
    assert found["observe"]["code"] == "overridden" and found["promote"]["code"] == "stopped_by_gate"
