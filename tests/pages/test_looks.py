"""How the pages are for everybody: four languages, light and dark, desk and phone, a reader that cannot see them."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.pages.conftest import Opens, go, picture
from tests.trackerd.rooms import Site

PAGES = ("now", "day", "plan", "zones", "lists", "health", "looks")
WIDER = "[document.documentElement, document.getElementById('content')].some((one) => one.scrollWidth > innerWidth)"
HEADINGS = {"nl": "Dag", "fr": "Journée", "de": "Tag", "en": "Day"}


def faults(page: Page) -> list[tuple[str, Any]]:
    """Return what axe finds serious: rule, and where."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found
            if one["impact"] in ("serious", "critical")]  # fmt: skip


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_axe_finds_nothing_serious(open_page: Opens, site: Site, size: str, scheme: str) -> None:
    page = open_page(None, size, "en", scheme)
    assert faults(page) == []
    page = open_page("ada", size, "en", scheme, sees=size == "desk")
    wrong = {}
    for name in PAGES:
        go(page, name, site.url)
        page.wait_for_timeout(400)
        if size == "phone":
            picture(page, f"{name}-phone-dark")
        if found := faults(page):
            wrong[name] = found
    assert not wrong


@pytest.mark.parametrize("lang", HEADINGS)
def test_the_browsers_language_is_spoken_and_times_are_the_towns(open_page: Opens, site: Site, lang: str) -> None:
    page = open_page("vera", "phone", lang)
    go(page, "day", site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[lang])
    assert page.locator("html").get_attribute("lang") == lang
    wide = []
    for name in PAGES[:-1]:
        go(page, name, site.url)
        page.wait_for_timeout(300)
        if page.evaluate(WIDER):
            wide.append(name)
    assert not wide, "wider than the phone"


def test_another_language_is_chosen_and_kept(open_page: Opens, site: Site) -> None:
    page = open_page("vera", "desk", "en")
    page.locator("details.who summary").click()
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_role("link", name="Journée")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Journée")).to_be_visible()


def test_everything_is_reached_with_the_keyboard(open_page: Opens, site: Site) -> None:
    page = open_page("vera", sees=True)
    page.wait_for_selector(".dot")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText"))
    assert any(text.startswith("gw-1,") for text in reached), sorted(reached)
    assert "Who is in…" in reached
