"""The page *Now* with a real broker: what a tracker sends moves the map and rings the alert, by itself."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Opens, picture
from tests.servers import client
from tests.trackerd.rooms import AWAY, BOX, Site

EAST_A_METRE = 1.42e-5


def send(site: Site, device: str, place: tuple[float, float], since: float, seconds: int = 60, **more: int) -> None:
    """Publish positions as a phone with OwnTracks does: somebody stands there, the receiver wandering a little."""
    phone = client(site.broker.port, f"phone-{device}-{time.monotonic_ns()}")  # type: ignore[attr-defined]
    begin = datetime.now(UTC) - timedelta(seconds=since)
    for n, second in enumerate(range(0, seconds, 5)):
        wander = EAST_A_METRE * (n % 4)
        said = {"_type": "location", "tst": int((begin + timedelta(seconds=second)).timestamp()), "acc": 5,
                "lon": place[0] + wander, "lat": place[1], **more}  # fmt: skip
        phone.publish(f"owntracks/{device}/phone", json.dumps(said), qos=1).wait_for_publish(10)
    phone.disconnect()
    phone.loop_stop()


def where(page: Page, warden: str) -> tuple[float, float]:
    box = page.locator(f".dot[data-warden={warden}] i").bounding_box()
    assert box is not None
    return box["x"], box["y"]


@pytest.mark.parametrize(("size", "n"), [("desk", 2), ("phone", 3)])
def test_a_position_moves_the_dot_and_rings_the_alert(open_page: Opens, site: Site, size: str, n: int) -> None:
    page = open_page("coen", size, sees=True)
    page.evaluate("window.sameAsBefore = true")
    expect(page.locator(".dot[data-warden=gw-1]")).to_be_visible()
    send(site, f"w0{n}", AWAY, 210, 60)
    page.wait_for_selector(f".dot[data-warden=gw-{n}]", state="attached")
    before = where(page, f"gw-{n}")
    send(site, f"w0{n}", BOX, 30, 25)
    page.wait_for_function(
        """([warden, x, y]) => {
            const at = document.querySelector(`.dot[data-warden=${warden}] i`).getBoundingClientRect();
            return Math.hypot(at.x - x, at.y - y) > 20;
        }""",
        arg=[f"gw-{n}", *before],
    )
    if size == "phone":
        page.get_by_role("tab", name="Alerts").click()
    alert = page.locator("li.alert", has_text=f"gw-{n} came to Probleembox Markt").first
    expect(alert).to_be_visible()
    assert page.evaluate("window.sameAsBefore"), "the page was loaded anew"
    picture(page, f"now-{size}")


def test_who_is_in_a_zone_is_found_by_name_and_by_click(open_page: Opens, site: Site) -> None:
    page = open_page("vera", sees=True)
    search = page.get_by_role("combobox", name="Who is in…")
    search.fill("markt")
    search.press("Enter")
    card = page.get_by_role("region", name="Probleembox Markt")
    expect(card).to_contain_text("gw-1")
    expect(card).to_contain_text("sure")
    card.get_by_role("button", name="Close").click()
    expect(card).to_have_count(0)
    search.fill("gw-1")
    expect(page.locator("#found li").first).to_contain_text("Probleembox Markt")
    search.press("Escape")
    page.get_by_role("tab", name="Zones").click()
    page.get_by_role("button", name="Park", exact=True).click()
    expect(page.get_by_role("region", name="Park")).to_be_visible()
    page.wait_for_timeout(1000)  # the map goes there
    spot = page.locator(".map canvas").bounding_box()
    assert spot is not None
    page.get_by_role("region", name="Park").get_by_role("button", name="Close").click()
    page.mouse.click(spot["x"] + spot["width"] / 2 - 14, spot["y"] + spot["height"] / 2 + 14)  # beside who stands there
    expect(page.get_by_role("region", name="Park")).to_be_visible()


def test_an_alert_is_acknowledged_with_a_note_by_name(open_page: Opens, site: Site) -> None:
    page = open_page("coen")
    page.get_by_role("button", name="To look at").click()
    send(site, "w04", BOX, 5, 5, batt=4)
    alert = page.locator("li.alert", has_text="gw-4: battery low")
    expect(page.locator(".toast", has_text="gw-4: battery low")).to_be_visible()
    alert.get_by_role("button", name="Acknowledge").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("called them")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog).to_have_count(0)
    expect(alert).to_have_count(0)
    page.get_by_role("button", name="Everything").click()
    expect(page.locator("li.alert", has_text="called them")).to_contain_text("coen")
