"""Every page's main task, done by clicking."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Opens, go, picture
from tests.trackerd.rooms import Site

SIZES = ["desk", "phone"]
OWED = re.compile("open|due")
"""Of a window of the whole day: in its last half hour it is due."""


@pytest.mark.parametrize("size", SIZES)
def test_the_day_is_read_and_moved_through(open_page: Opens, site: Site, size: str) -> None:
    page = open_page("coen", size)
    go(page, "day", site.url)
    bar = page.locator(".line .visit").first
    bar.click()
    expect(page.locator(".told", has_text="Probleembox Markt")).to_contain_text("since")
    page.get_by_label("Speed").select_option("3600")
    clock = page.locator(".scrub time")
    page.get_by_role("button", name="Play").click()
    last = clock.inner_text()
    expect(clock).not_to_have_text(last)
    page.get_by_label("Time of day").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    picture(page, f"day-{size}")


def test_exact_tracks_need_a_purpose_and_the_warden_reads_who_looked(open_page: Opens, site: Site) -> None:
    page = open_page("coen", sees=True)
    go(page, "day", site.url)
    page.get_by_role("button", name="Exact tracks…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Show on the map").click()
    expect(dialog).to_be_visible()  # nothing without a purpose
    dialog.get_by_label("What for?").fill("complaint 118")
    dialog.get_by_role("button", name="Show on the map").click()
    expect(page.locator(".dot[data-warden=gw-1]")).to_be_visible()
    own = open_page("wim", "phone")
    expect(own.get_by_role("heading", name="My data")).to_be_visible()
    expect(own.get_by_role("row").filter(has_text="Probleembox Markt").first).to_be_visible()
    expect(own.get_by_role("link", name="Health")).to_have_count(0)
    picture(own, "mine-phone")
    own.get_by_role("link", name="Who looked").click()
    expect(own.get_by_role("row").filter(has_text="complaint 118")).to_contain_text("coen")


@pytest.mark.parametrize("size", SIZES)
def test_a_window_is_excused_with_a_reason_and_owed_again(open_page: Opens, site: Site, size: str) -> None:
    page = open_page("coen", size)
    go(page, "plan", site.url)
    case = page.get_by_role("article", name="far-away, boxes")
    expect(case).to_contain_text(OWED)
    case.get_by_role("button", name="Excuse…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("road works")
    picture(page, f"plan-waive-{size}")
    page.get_by_role("dialog").get_by_role("button", name="Excuse").click()
    expect(case).to_contain_text("road works")
    expect(case).to_contain_text("excused by coen")
    page.get_by_role("button", name="excused").click()
    expect(page.get_by_role("article")).to_have_count(1)
    picture(page, f"plan-{size}")
    case.get_by_role("button", name="Withdraw the excuse").click()
    expect(page.get_by_role("article", name="far-away, boxes").get_by_role("button", name="Excuse…")).to_have_count(0)
    page.get_by_role("button", name="All").click()
    expect(case.get_by_role("button", name="Excuse…")).to_be_visible()


def draw(page: Page, tool: str, *corners: tuple[int, int]) -> None:
    page.get_by_role("button", name=f"+ {tool}").click()
    page.wait_for_timeout(200)
    for x, y in corners:
        page.mouse.move(x, y)
        page.wait_for_timeout(80)
        page.mouse.click(x, y)
        page.wait_for_timeout(120)


def test_zones_are_drawn_imported_and_saved(open_page: Opens, site: Site, tmp_path: Path) -> None:
    page = open_page("ada", sees=True)
    go(page, "zones", site.url)
    page.wait_for_selector(".tools")
    page.wait_for_timeout(500)
    draw(page, "Area", (300, 300), (420, 310), (400, 430), (300, 300))
    page.get_by_label("Name", exact=True).fill("Proefweide")
    page.get_by_label("Identifier").fill("proefweide")
    page.get_by_label("Identifier").press("Tab")
    expect(page.get_by_role("status").filter(has_text="Is it large enough?")).to_contain_text("%")
    picture(page, "zones-desk")
    draw(page, "Circle", (600, 600), (640, 620))
    page.get_by_label("Radius (metres)").fill("55")
    draw(page, "Corridor", (700, 250), (760, 300), (820, 280), (820, 280))
    expect(page.get_by_label("Width (metres)")).to_have_value("20")
    file = tmp_path / "more.geojson"
    point = {"type": "Point", "coordinates": [4.2, 50.92]}
    broken = {"type": "Polygon", "coordinates": [[[4, 50], [4, 50]]]}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": "fair", "properties": {"name": "Kermis", "radius_m": 60}, "geometry": point},
        {"type": "Feature", "id": "odd", "properties": {}, "geometry": broken}]}))  # fmt: skip
    page.locator("input[type=file]").set_input_files(file)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("odd")
    expect(dialog.get_by_role("listitem").filter(has_text="fair")).to_contain_text("new")
    dialog.get_by_role("button", name="Take these over").click()
    page.get_by_role("button", name="Save 4 changes").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    kept = {one["id"]: one for one in json.loads(site.zones.read_text())["features"]}
    assert kept["proefweide"]["properties"]["name"] == "Proefweide"
    assert {one["properties"].get("radius_m") for one in kept.values()} >= {55, 60}
    assert [one["properties"]["width_m"] for one in kept.values() if "width_m" in one["properties"]] == [20]
    page.get_by_role("button", name="Show on the map").last.click()
    page.get_by_role("button", name="Show on the map").last.click()
    page.get_by_role("button", name="Kermis").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Save 1 change").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Kermis")).to_have_count(0)
    assert "fair" not in site.zones.read_text()


@pytest.mark.parametrize("size", SIZES)
def test_lists_are_made_read_and_kept(open_page: Opens, site: Site, size: str) -> None:
    page = open_page("coen", size, "nl", sees=size == "desk")
    go(page, "lists", site.url)
    expect(page.locator(".paper table").first).to_contain_text("Probleembox Markt")
    page.get_by_label("Eén zone").check()
    page.locator("form select").select_option("box-07")
    page.get_by_role("button", name="Lijst maken").click()
    expect(page.locator(".paper h2")).to_contain_text("Probleembox Markt")
    with page.expect_download() as kept:
        page.get_by_role("button", name="CSV").click()
    assert "gw-1" in Path(kept.value.path()).read_text()
    picture(page, f"lists-{size}")
    page.get_by_label("Een plaats").check()
    if size == "desk":
        page.wait_for_timeout(800)
        page.locator(".small-map canvas").click()
    else:
        page.get_by_label("lat").fill("50.91")
        page.get_by_label("lon").fill("4.198")
    page.get_by_label("Binnen (meter)").fill("5000")
    page.get_by_label("Waarvoor?").fill("klacht 119")
    page.get_by_role("button", name="Lijst maken").click()
    expect(page.locator(".paper table").first).to_contain_text("gw-1")
    page.get_by_label("Is het haalbaar?").check()
    page.get_by_role("button", name="Lijst maken").click()
    expect(page.locator("section.card", has_text="Een ronde die lukt").first).to_be_visible()


def test_health_tells_who_is_heard(open_page: Opens, site: Site) -> None:
    page = open_page("vera")
    go(page, "health", site.url)
    row = page.get_by_role("row").filter(has_text="w01")
    expect(row).to_contain_text("gw-1")
    expect(row).to_contain_text("± 5 m")
    expect(page.get_by_text("phones")).to_be_visible()
    picture(page, "health-desk")


def test_a_viewer_is_offered_nothing_that_writes(open_page: Opens, site: Site) -> None:
    page = open_page("vera")
    for name in ("now", "plan", "zones", "day", "health"):
        go(page, name, site.url)
        page.wait_for_timeout(300)
        for button in ("Acknowledge", "Excuse…", "Exact tracks…", "Import…", "Delete", "Send again"):
            expect(page.get_by_role("button", name=button)).to_have_count(0)
