"""What the pages cost: 200 wardens on duty, 1,000 zones, 20,000 events in a day.

    python -m tests.benchmarks.pages_load [--streams 100] [--no-browser]

Bytes and milliseconds of what a page asks for; the first picture and the time of a frame while the map is moved, in
Chromium drawing with the processor alone; what the daemon takes in with no page open and with so many, in turns. What
must stay true here: daemon, listeners and browser are processes of their own; every figure of a pair comes from the
same run. On two cores the browser and the listeners take their share from the daemon's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from statistics import median

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.flow import BROKER, Publisher, busy_s, located, packet
from tests.servers import Mosquitto, free_port, until

WARDENS, ROWS, COLUMNS, EVERY_S = 200, 25, 40, 10
APART_M, EAST_M, NORTH_M = 150.0, 70_300.0, 111_200.0
PACE = 100.0
"""Messages a second of ten positions each: fifty times what 200 trackers send, one every ten seconds."""
PASSWORD = "four words that nobody knows"
EACH = 25
"""Pages of one account."""
LISTEN = """
import asyncio, httpx, sys
url, count, *cookies = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
async def one(client, n):
    cookie = f"trackerd_session={cookies[n % len(cookies)]}"
    async with client.stream("GET", "/api/stream", headers={"Cookie": cookie}) as answer:
        async for _ in answer.aiter_bytes():
            pass
async def main():
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits) as client:
        await asyncio.gather(*(one(client, n) for n in range(count)), return_exceptions=True)
asyncio.run(main())
"""
FRAMES = """async () => {
  const gaps = []; let last = performance.now();
  const map = document.querySelector('.map canvas');
  const at = (x) => ({clientX: x, clientY: 400, buttons: 1, bubbles: true});
  const send = (kind, x) => map.dispatchEvent(new MouseEvent(kind, at(x)));
  send('mousedown', 200);
  for (let k = 0; k < 90; k++) {
    await new Promise(requestAnimationFrame);
    const now = performance.now(); gaps.push(now - last); last = now;
    window.dispatchEvent(new MouseEvent('mousemove', at(200 + 4 * k)));
    send('mousemove', 200 + 4 * k);
  }
  send('mouseup', 560);
  return gaps.slice(5);
}"""


def place(n: int) -> tuple[float, float]:
    """Return where zone ``n`` is, longitude and latitude."""
    return 4.10 + (n % COLUMNS) * APART_M / EAST_M, 50.88 + (n // COLUMNS) * APART_M / NORTH_M


def install(folder: Path, ports: tuple[int, int]) -> Path:
    """Write an installation; ``ports``: of the broker, of the pages."""
    zones = [
        {"type": "Feature", "id": f"zone-{n}", "properties": {"name": f"Zone {n}", "kind": "box", "radius_m": 40},
         "geometry": {"type": "Point", "coordinates": place(n)}}
        for n in range(ROWS * COLUMNS)
    ]  # fmt: skip
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": zones}))
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(hours=h):%Y-%m-%dT%H:00:00Z}" for h in (-5, 6))
    people = "".join(
        f'[[device]]\nid = "w{n}"\n[[warden]]\nid = "gw-{n}"\n[[duty]]\nwarden = "gw-{n}"\ndevice = "w{n}"\n'
        f"start = {begin}\nend = {end}\n"
        for n in range(WARDENS)
    )
    path = folder / "trackerd.toml"
    path.write_text(
        f'[site]\nname = "load"\ntimezone = "UTC"\n[store]\nurl = "sqlite:///load.db"\n[http]\n'
        f'listen = "127.0.0.1:{ports[1]}"\n[mqtt]\nport = {ports[0]}\n[[source]]\nkind = "mqtt"\n'
        f'[[zones]]\nfile = "zones.geojson"\n{people}'
        '[[requirement]]\nid = "boxes"\nkinds = ["box"]\nfrom = "00:00"\nto = "23:59"\n'
    )
    return path


def walks(begin: float, minutes: int) -> Iterator[bytes]:
    """Yield messages of ten fixes: everybody stands a minute in a zone, takes one to the next, and so on."""
    for block, n in product(range(0, minutes * 60, 10 * EVERY_S), range(WARDENS)):
        lines = [located(int(begin) + s, *_walked(n, s)) for s in range(block, block + 10 * EVERY_S, EVERY_S)]
        yield packet(f"owntracks/w{n}/phone", b"\n".join(lines), (block * WARDENS + n) % 65_535 + 1)


def _walked(n: int, second: int) -> tuple[float, float]:
    """Return where somebody is then, the receiver wandering slowly."""
    step, within = divmod(second, 120)
    part, row, column = max(0.0, (within - 60) / 60), n % ROWS * COLUMNS, n // ROWS * 5 + step
    (west, lat), (east, _) = (place(row + _turn(one)) for one in (column, column + 1))
    return west + part * (east - west) + 2e-5 * np.sin(second / 40 + n), lat


def _turn(column: int) -> int:
    """Return the column somebody is in who goes to and fro."""
    column %= 2 * COLUMNS - 2
    return min(column, 2 * COLUMNS - 2 - column)


def stored(client: httpx.Client) -> int:
    """Return how many positions are kept."""
    return int(client.get("/api/health").json()["store"]["fixes"])


@contextmanager
def running(path: Path, url: str, streams: int) -> Iterator[tuple[httpx.Client, int]]:
    """Run the daemon; give an administrator's session, and its process."""
    command = [sys.executable, "-m", "trackerd"]
    for name in ("ada", *(f"ada-{n}" for n in range(-(-streams // EACH)))):
        add = [*command, "user", "add", name, "--role", "administrator", "--config", str(path)]
        subprocess.run(add, input=PASSWORD, text=True, check=True, capture_output=True)
    with (path.parent / "log").open("wb") as log:
        daemon = subprocess.Popen([*command, "run", "--config", str(path)], stdout=log, stderr=log, cwd=path.parent)
    try:
        until(lambda: _ready(url), (path.parent / "log").read_text, 60)
        with httpx.Client(base_url=url, timeout=60) as client:
            client.post("/api/session", json={"name": "ada", "password": PASSWORD}).raise_for_status()
            yield client, daemon.pid
    finally:
        daemon.terminate()
        daemon.wait(30)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def answers(client: httpx.Client) -> None:
    """Print bytes and milliseconds of what a page asks for."""
    for path in ("/api/zones", "/api/live", "/api/events?before=9007199254740991&limit=200", "/api/day", "/api/plan"):
        spans = []
        for _ in range(5):
            begin = time.perf_counter()
            answer = client.get(path)
            spans.append(1000 * (time.perf_counter() - begin))
        sent = int(answer.headers.get("content-length", 0)) or len(answer.content)
        print(f"{path:<50} {sent / 1000:9,.0f} kB sent {len(answer.content) / 1000:9,.0f} kB {median(spans):8.0f} ms")


def ingest(client: httpx.Client, publisher: Publisher, messages: list[bytes], pace: float | None = None) -> float:
    """Return positions a second, from the first message to the last commit; ``pace``: messages a second, else all."""
    before, begin, count = stored(client), time.perf_counter(), 10 * len(messages)
    publisher.send(messages, pace)
    until(lambda: stored(client) >= before + count, lambda: f"{stored(client) - before} of {count}", 120)
    return count / (time.perf_counter() - begin)


def sessions(client: httpx.Client, count: int) -> list[str]:
    """Return sessions enough for so many pages: of one account there are thirty at most."""
    found: list[str] = []
    with httpx.Client(base_url=client.base_url, timeout=60) as other:
        for n in range(-(-count // EACH)):
            other.post("/api/session", json={"name": f"ada-{n}", "password": PASSWORD}).raise_for_status()
            found.append(other.cookies["trackerd_session"])
    return found


def watched(client: httpx.Client, publisher: Publisher, pid: int, messages: list[bytes], count: int) -> None:
    """Print what is taken in with so many pages open: at fifty times a crew's pace, and as fast as it goes."""
    command = [sys.executable, "-c", LISTEN, str(client.base_url), str(count), *sessions(client, count)]
    listeners = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(lambda: client.get("/api/health").json()["streams"] == count, "the pages are not all open", 30)
    busy, begin = busy_s(pid), time.perf_counter()
    paced = ingest(client, publisher, messages[:1200], PACE)
    cores = (busy_s(pid) - busy) / (time.perf_counter() - begin)
    flat_out = ingest(client, publisher, messages[1200:])
    listeners.kill()
    listeners.wait()
    print(f"{count:>3} pages open: {paced:,.0f} positions/s of {10 * PACE:,.0f} sent, {cores:.2f} cores; "
          f"flat out {flat_out:,.0f} positions/s")  # fmt: skip


def browse(url: str, publisher: Publisher) -> None:
    """Print what a browser needs for the first picture, and for each further one."""
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.locator("input[name=name]").fill("ada")
        page.locator("input[name=password]").fill(PASSWORD)
        begin = time.perf_counter()
        page.locator("button[type=submit]").click()
        page.wait_for_selector("tbody tr")
        print(f"from signing in to the table of {WARDENS} wardens: {1000 * (time.perf_counter() - begin):.0f} ms")
        page.wait_for_selector(".dot")
        print(f"... to the dots on the map: {1000 * (time.perf_counter() - begin):.0f} ms")
        page.wait_for_timeout(3000)
        print(f"from a position sent to its dot moved: {_moved(page, publisher):.0f} ms")
        gaps = np.array(page.evaluate(FRAMES))
        print(
            f"frames while the map is moved: median {np.median(gaps):.0f} ms,"
            f" 95 % under {np.quantile(gaps, 0.95):.0f} ms"
        )
        browser.close()


def _moved(page: Page, publisher: Publisher) -> float:
    """Return the milliseconds, as the median of five positions, each some metres from the last."""
    spans = []
    for n in range(5):
        page.wait_for_timeout(6000)
        shown = page.locator(".dot[data-warden=gw-0]").get_attribute("style")
        lon, lat = place(0)
        begin = time.perf_counter()
        publisher.send([packet("owntracks/w0/phone", located(int(time.time()), lon + 1e-4 * n, lat - 2e-4), n + 1)])
        page.wait_for_function(
            "(shown) => document.querySelector('.dot[data-warden=gw-0]').getAttribute('style') !== shown", arg=shown
        )
        spans.append(1000 * (time.perf_counter() - begin))
    return median(spans)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--streams", type=int, default=100)
    asked.add_argument("--no-browser", action="store_true")
    given = asked.parse_args()
    with (
        tempfile.TemporaryDirectory() as name, Mosquitto(Path(name) / "broker", BROKER) as broker,
        running(install(Path(name), (broker.port, port := free_port())), f"http://127.0.0.1:{port}", given.streams)
        as (client, pid),
    ):  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        publisher = Publisher(broker.port)
        messages = list(walks(time.time() - 170 * 60, 165))
        ingest(client, publisher, messages[:-9600])
        for n, count in enumerate((0, given.streams, 0, given.streams)):
            watched(client, publisher, pid, messages[2400 * n - 9600 : 2400 * (n + 1) - 9600 or None], count)
        events = client.get("/api/health").json()["store"]["events"]
        print(f"{10 * len(messages):,} positions, {events:,} events")
        answers(client)
        if not given.no_browser:
            browse(url, publisher)


if __name__ == "__main__":
    main()
