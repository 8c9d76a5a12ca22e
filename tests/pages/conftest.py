"""A real browser at the pages of a real daemon.

What must stay true here: what the pages do is seen as a person sees it, by what stands on the screen; whatever the
browser complains of (a script that fails, a thing the policy refuses) fails the test; each screen is kept as a picture
in build/pages, to be looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.servers import Mosquitto, need
from tests.trackerd.rooms import BOX, PASSWORD, Site

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pages"
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
LOCALES = {"nl": "nl-BE", "fr": "fr-BE", "de": "de-DE", "en": "en-GB"}
DRAWN_BY_CPU = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_MAP = ("--no-sandbox", "--disable-3d-apis")
"""A map drawn by the processor takes the machine from the other tests: only those that look at it have one. The rest
try what a browser without WebGL shows."""
ANSWERED = ("status of 4", "status of 503", "WebGL")
"""What the browser calls an error, and the page has words for: refused, busy just now (asked again), no map."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Give the driver. Not for the whole session: while it lives its loop runs, and no other may in this process."""
    with sync_playwright() as running:
        yield running


class Browsers:
    """Two browsers, each started when it is first needed."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright, self._started = playwright, dict[bool, Browser]()

    def get(self, sees: bool) -> Browser:
        """Return the one that draws the map, or the one that cannot."""
        if sees not in self._started:
            program = next((found for name in BROWSERS if (found := shutil.which(name))), None) or need("chromium")
            flags = DRAWN_BY_CPU if sees else NO_MAP
            self._started[sees] = self._playwright.chromium.launch(executable_path=program, args=list(flags))
        return self._started[sees]

    def close(self) -> None:
        for browser in self._started.values():
            browser.close()


@pytest.fixture(scope="module")
def browsers(playwright: Playwright) -> Iterator[Browsers]:
    expect.set_options(timeout=20_000)
    with closing(Browsers(playwright)) as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give an installation with a broker of its own, where gw-1 stands at the box."""
    folder = tmp_path_factory.mktemp("site")
    with Mosquitto(folder / "broker", "allow_anonymous true\n") as broker:
        shutil.copy(Path(__file__).resolve().parents[2] / "trackerd/demo/base.geojson", folder)
        more = (
            f'base_map = "base.geojson"\nbase_map_attribution = "© OpenStreetMap contributors"\n[mqtt]\n'
            f'port = {broker.port}\n[[source]]\nkind = "mqtt"\nname = "phones"\ndecoder = "owntracks"\n'
        )
        made = Site(folder, more, ("w01", "w02", "w03", "w04"))
        made.broker = broker  # type: ignore[attr-defined]
        with made.running() as running:
            running.stand("w01", BOX, datetime.now(UTC) - timedelta(seconds=150))
            running.live(running.client("vera"), lambda live: live["wardens"] and live["wardens"][0]["zones"])
            yield running


Opens = Callable[..., Page]


@pytest.fixture
def open_page(browsers: Browsers, site: Site) -> Iterator[Opens]:
    """Open the pages as somebody, in a browser of their own; nothing may have been complained of at the end."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(one in message.text for one in ANSWERED):
            complaints.append(message.text)

    contexts = []

    def opened(
        who: str | None = "coen", size: str = "desk", lang: str = "en", scheme: str = "light", sees: bool = False
    ) -> Page:
        width, height = SIZES[size]
        context = browsers.get(sees).new_context(
            viewport={"width": width, "height": height}, locale=LOCALES[lang], timezone_id="America/New_York",
            color_scheme="dark" if scheme == "dark" else "light", has_touch=size == "phone", accept_downloads=True,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + "/")
        if who is not None:
            page.locator("input[name=name]").fill(who)
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("button[type=submit]").click()
            page.wait_for_selector("header.head")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, complaints


def go(page: Page, name: str, url: str) -> None:
    """Go to a page, and wait until it is there."""
    page.goto(f"{url}/#/{name}")
    page.wait_for_selector("main#content:not([aria-busy])")


def picture(page: Page, name: str) -> None:
    """Keep what is on the screen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
