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
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import numpy as np

from tests.servers import free_port, until

WARDENS, ROWS, COLUMNS = 200, 25, 40
APART_M, EAST_M, NORTH_M = 150.0, 70_300.0, 111_200.0
PASSWORD = "four words that nobody knows"
LISTEN = """
import asyncio, httpx, sys
url, cookie, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def one(client):
    async with client.stream("GET", "/api/stream") as answer:
        async for _ in answer.aiter_bytes():
            pass
async def main():
    given = {"cookies": {"trackerd_session": cookie}, "limits": httpx.Limits(max_connections=None)}
    async with httpx.AsyncClient(base_url=url, timeout=None, **given) as client:
        await asyncio.gather(*(one(client) for _ in range(count)), return_exceptions=True)
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
    """Write an installation; ``ports``: of positions, of the pages."""
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
        f'listen = "127.0.0.1:{ports[1]}"\n[[source]]\nkind = "tcp"\nhost = "127.0.0.1"\nport = {ports[0]}\n'
        f'decoder = "csv"\ndevice = "w0"\n[[zones]]\nfile = "zones.geojson"\n{people}'
        '[[requirement]]\nid = "boxes"\nkinds = ["box"]\nfrom = "00:00"\nto = "23:59"\n'
    )
    return path


def walks(begin: datetime, minutes: int, every_s: int = 10) -> Iterator[str]:
    """Yield rows: everybody stands a minute in a zone, goes on to the next for one, and so on, by time."""
    for second in range(0, minutes * 60, every_s):
        at = begin + timedelta(seconds=second)
        step, within = divmod(second, 120)
        part = max(0.0, (within - 60) / 60)
        for n in range(WARDENS):
            row, column = n % ROWS, n // ROWS * 5 + step
            lon, lat = place(row * COLUMNS + _turn(column))
            lon += part * (place(_turn(column + 1))[0] - place(_turn(column))[0])
            yield f"w{n},{at.isoformat()},{lon + 2e-5 * np.sin(second / 40 + n):.7f},{lat:.7f},5\n"


def _turn(column: int) -> int:
    """Return the column somebody is in who goes to and fro."""
    column %= 2 * COLUMNS - 2
    return min(column, 2 * COLUMNS - 2 - column)


def send(port: int, rows: list[str]) -> None:
    """Send positions by TCP."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(("device,time,lon,lat,accuracy_m\n" + "".join(rows)).encode())


def stored(client: httpx.Client) -> int:
    """Return how many positions are kept."""
    return int(client.get("/api/health").json()["store"]["fixes"])


@contextmanager
def running(path: Path, url: str) -> Iterator[httpx.Client]:
    """Run the daemon; give an administrator's session."""
    command = [sys.executable, "-m", "trackerd"]
    add = [*command, "user", "add", "ada", "--role", "administrator", "--config", str(path)]
    subprocess.run(add, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, check=True, stdout=subprocess.DEVNULL)
    with (path.parent / "log").open("wb") as log:
        daemon = subprocess.Popen([*command, "run", "--config", str(path)], stdout=log, stderr=log, cwd=path.parent)
    try:
        until(lambda: _ready(url), (path.parent / "log").read_text, 60)
        with httpx.Client(base_url=url, timeout=60) as client:
            client.post("/api/session", json={"name": "ada", "password": PASSWORD}).raise_for_status()
            yield client
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


def ingest(client: httpx.Client, port: int, rows: list[str]) -> float:
    """Return positions a second, from the first byte to the last commit."""
    before, begin = stored(client), time.perf_counter()
    send(port, rows)
    until(lambda: stored(client) >= before + len(rows), lambda: f"{stored(client) - before} of {len(rows)}", 120)
    return len(rows) / (time.perf_counter() - begin)


def browse(url: str) -> None:
    """Print what a browser needs for the first picture, and for each further one."""
    from playwright.sync_api import sync_playwright

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
        gaps = np.array(page.evaluate(FRAMES))
        print(
            f"frames while the map is moved: median {np.median(gaps):.0f} ms,"
            f" 95 % under {np.quantile(gaps, 0.95):.0f} ms"
        )
        browser.close()


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--streams", type=int, default=100)
    asked.add_argument("--no-browser", action="store_true")
    given = asked.parse_args()
    ports = free_port(), free_port()
    url = f"http://127.0.0.1:{ports[1]}"
    with tempfile.TemporaryDirectory() as name, running(install(Path(name), ports), url) as client:
        begin = datetime.now(UTC) - timedelta(minutes=160)
        rows = list(walks(begin, 160))
        first, rest = rows[: -4 * 24_000], rows[-4 * 24_000 :]
        ingest(client, ports[0], first)
        parts = [rest[n * 24_000 : (n + 1) * 24_000] for n in range(4)]
        rates: dict[int, list[float]] = {0: [], given.streams: []}
        for part, count in zip(parts, (0, given.streams, 0, given.streams), strict=True):
            command = [sys.executable, "-c", LISTEN, url, client.cookies["trackerd_session"], str(count)]
            listeners = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            time.sleep(4 if count else 0)
            rates[count].append(ingest(client, ports[0], part))
            listeners.kill()
            listeners.wait()
        events = client.get("/api/health").json()["store"]["events"]
        print(f"{len(rows):,} positions, {events:,} events")
        answers(client)
        alone, watched = (median(rates[count]) for count in (0, given.streams))
        print(
            f"taken in: {alone:,.0f} positions/s with no page, {watched:,.0f} with {given.streams} open:"
            f" {watched / alone:.2f} times as many"
        )
        if not given.no_browser:
            browse(url)


if __name__ == "__main__":
    main()
