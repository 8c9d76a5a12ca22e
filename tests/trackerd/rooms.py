"""A real daemon with its pages, in this process: positions come by TCP, everything else by HTTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from tests.servers import free_port, until
from trackerd.assemble import service
from trackerd.load import load
from trackerd.service import Service
from trackerd.town import build
from trackerd.web.book import Account, Book
from trackerd.web.limits import Pace
from trackerd.web.opened import book_file, room
from trackerd.web.room import Room
from trackerd.web.server import Server

BOX = (4.198, 50.91)
AWAY = (4.21, 50.915)
ROLES = {"vera": "viewer", "coen": "coordinator", "ada": "administrator", "wim": "warden"}
PASSWORD = "four words that nobody knows"


def zone(id_: str, lon: float, lat: float, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": id_, "properties": {"radius_m": 40, **properties},
            "geometry": {"type": "Point", "coordinates": [lon, lat]}}  # fmt: skip


ZONES = [zone("box-07", *BOX, name="Probleembox Markt", kind="box"), zone("far-away", 4.3, 50.95, kind="box"),
         zone("park", *AWAY, name="Park", kind="park")]  # fmt: skip


class Site:
    """An installation, its daemon and whoever asks."""

    def __init__(
        self, folder: Path, http: str = "", devices: Sequence[str] = ("w01", "w02"), pace: float = 1e6
    ) -> None:
        self.folder, self.ports = folder, {device: free_port() for device in devices}
        self.path, self.zones = folder / "trackerd.toml", folder / "zones.geojson"
        self.zones.write_text(json.dumps({"type": "FeatureCollection", "features": ZONES}))
        now = datetime.now(UTC)
        begin, end = (f"{now + timedelta(hours=h):%Y-%m-%dT%H:00:00Z}" for h in (-5, 6))
        duty = "".join(
            f'[[duty]]\nwarden = "gw-{n}"\ndevice = "{device}"\nstart = {begin}\nend = {end}\n'
            f'[[device]]\nid = "{device}"\n[[warden]]\nid = "gw-{n}"\nteam = "asse"\n'
            for n, device in enumerate(devices, 1)
        )
        sources = "".join(
            f'[[source]]\nkind = "tcp"\nhost = "127.0.0.1"\nport = {port}\ndevice = "{device}"\ndecoder = "csv"\n'
            for device, port in self.ports.items()
        )
        self.path.write_text(
            f'[site]\nname = "asse"\ntimezone = "UTC"\n[http]\nlisten = "127.0.0.1:0"\n{http}\n'
            f'{sources}[[zones]]\nfile = "zones.geojson"\n[[team]]\nid = "asse"\n{duty}'
            f'[[requirement]]\nid = "boxes"\nkinds = ["box"]\n'
        )
        self.daemon: Service
        self.room: Room
        self.server: Server
        self._pace = Pace(pace, 8 * pace)
        self._open: list[httpx.Client] = []

    @contextmanager
    def running(self) -> Iterator[Site]:
        settings, faults = load(self.path)
        assert settings is not None, faults
        with Book(book_file(settings, self.path), PasswordHasher.from_parameters(CHEAPEST)) as book:
            for name, role in ROLES.items():
                if book.account(name) is None:
                    book.add(Account(name, role, "gw-1" if role == "warden" else None), PASSWORD)
        town, faults = build(settings, self.path)
        assert town is not None, faults
        self.daemon = service(settings, self.path, town)
        self.room = room(settings, self.path, self.daemon.watched(), self.daemon.sources)
        self.room.pace = self._pace
        self.server = Server(self.room)
        self.server.start()
        thread = threading.Thread(target=self.daemon.run, name="daemon")
        thread.start()
        try:
            until(lambda: self.ready, "the daemon is not ready")
            yield self
        finally:
            self.server.close()
            for client in self._open:
                client.close()
            self.daemon.stop()
            thread.join(10)
            self.daemon._house.store.close()

    @property
    def url(self) -> str:
        return self.server.url.rstrip("/")

    @property
    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def send(self, device: str, *fixes: tuple[datetime, float, float]) -> None:
        """Send positions: time, longitude, latitude."""
        rows = "".join(f"{at.isoformat()},{lon:.7f},{lat:.7f},5\n" for at, lon, lat in fixes)
        with socket.create_connection(("127.0.0.1", self.ports[device]), timeout=5) as sock:
            sock.sendall(b"time,lon,lat,accuracy_m\n" + rows.encode())

    def stand(self, device: str, place: tuple[float, float], since: datetime, seconds: int = 120) -> None:
        """Have somebody stand there for a while."""
        times = (since + timedelta(seconds=s) for s in range(0, seconds, 5))
        self.send(device, *((at, place[0] + 1e-6 * (n % 3), place[1]) for n, at in enumerate(times)))

    def client(self, name: str | None = None) -> httpx.Client:
        """Return somebody's browser, signed in."""
        client = httpx.Client(base_url=self.url, timeout=20)
        self._open.append(client)
        if name is not None:
            answer = client.post("/api/session", json={"name": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    def live(self, client: httpx.Client, true: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until something is so on the map."""
        found: list[dict[str, Any]] = []

        def so() -> bool:
            found[:] = [client.get("/api/live").json()]
            return bool(true(found[0]))

        until(so, lambda: json.dumps(found)[:2000])
        return found[0]


class Stream:
    """What a page hears, read in a thread of its own."""

    def __init__(self, client: httpx.Client, after: int | None = None) -> None:
        self.heard: list[tuple[str, str, Any]] = []
        """Id, event, data."""
        self._client, self._headers = client, {} if after is None else {"Last-Event-ID": str(after)}
        self.closed = False
        self.status = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def of(self, event: str) -> list[Any]:
        return [data for _, kind, data in list(self.heard) if kind == event]

    def types(self) -> list[str]:
        return [one["event"]["type"].removeprefix("trackerd.") for one in self.of("cloudevent")]

    def _read(self) -> None:
        said: dict[str, str] = {}
        try:
            with self._client.stream("GET", "/api/stream", headers=self._headers, timeout=30) as answer:
                self.status = answer.status_code
                for line in answer.iter_lines():
                    if line:
                        key, _, value = line.partition(": ")
                        said[key] = value
                    elif said:
                        self.heard.append((said.get("id", ""), said["event"], json.loads(said["data"])))
                        said = {}
        except httpx.HTTPError:
            pass
        self.closed = True
