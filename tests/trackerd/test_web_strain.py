"""Browsers that hang, flood and leave: each is let go in time, and the daemon takes in all that comes meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.servers import until
from tests.trackerd.rooms import AWAY, BOX, Site, Stream
from trackerd.store import Store, StoreError
from trackerd.web import room, server
from trackerd.web.limits import Bounds, Pace

PACE = 20.0
CONNECTIONS = 120


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(server, "CONNECTIONS", CONNECTIONS)
    monkeypatch.setattr(server, "LOOK_S", 1.0)
    with Site(tmp_path, "streams = 40", pace=PACE).running() as running:
        yield running


Dial = Callable[..., socket.socket]


@pytest.fixture
def dial(site: Site) -> Iterator[Dial]:
    """Connect as a browser would, ask something, and read nothing."""
    with ExitStack() as held:

        def dialled(text: str = "", whence: str = "127.0.0.1") -> socket.socket:
            port = int(site.url.rpartition(":")[2])
            sock = held.enter_context(socket.create_connection(("127.0.0.1", port), 20, (whence, 0)))
            sock.sendall(text.encode())
            return sock

        yield dialled


def asking(path: str, client: httpx.Client) -> str:
    cookie = f"trackerd_session={client.cookies['trackerd_session']}"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"


def open_connections(site: Site) -> int:
    return len(site.server._server.server_state.connections)


def test_the_daemon_takes_in_all_while_browsers_hang_flood_and_leave(
    site: Site, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    vera, coen, begin = site.client("vera"), site.client("coen"), datetime.now(UTC) - timedelta(seconds=800)
    silent = [dial() for _ in range(30)]
    halves = [dial("POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{") for _ in range(9)]
    unread = [dial(asking("/api/stream?after=0", vera)) for _ in range(20)]
    flood = dial("GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 300, whence="127.0.0.2")
    said: list[bytes] = []
    reading = threading.Thread(target=lambda: said.extend(iter(lambda: flood.recv(65_536), b"")))
    reading.start()
    for n in range(60):
        for device in ("w01", "w02"):
            place = BOX if n < 30 else AWAY
            site.send(device, *((begin + timedelta(seconds=10 * n + s), *place) for s in (0, 5)))
        dial(asking("/api/day", coen)).close()
    reading.join()
    until(lambda: site.daemon._house.counts.fixes == 240, lambda: str(site.daemon._house.counts))
    statuses = re.findall(rb"HTTP/1.1 (\d+)", b"".join(said))
    assert (len(statuses), {*statuses}) == (300, {b"401", b"429"})
    until(lambda: site.ready, "the pages answer again", 20)
    stream = Stream(site.client("vera"), after=0)
    until(lambda: stream.types().count("zone.exit") == 2, lambda: str(stream.types()))
    until(lambda: not any(alive(one) for one in silent), "who asks nothing is let go")
    for one in (*halves, *unread):
        one.close()
    until(lambda: open_connections(site) < 10, lambda: str(open_connections(site)))
    until(lambda: vera.get("/api/health").json()["streams"] == 1, lambda: vera.get("/api/health").text)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def alive(sock: socket.socket) -> bool:
    """Return whether the other side still holds it."""
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_connections_beyond_the_bound_are_refused_and_those_within_go_on(
    site: Site, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_S", 60.0)
    vera = site.client("vera")
    held = [dial() for _ in range(2 * CONNECTIONS)]
    until(lambda: CONNECTIONS - 5 < sum(alive(one) for one in held) <= CONNECTIONS)
    assert vera.get("/api/live").status_code == 200
    site.send("w01", (datetime.now(UTC) - timedelta(seconds=300), *BOX))
    until(lambda: site.daemon._house.counts.fixes == 1)


def tiny(site: Site) -> socket.socket:
    """Return a connection on which hardly anything is under way at once."""
    site.server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", int(site.url.rpartition(":")[2])))
    return sock


def test_a_stream_nobody_reads_is_let_go_without_ado(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    begin, vera = datetime.now(UTC) - timedelta(hours=4), site.client("vera")
    to_and_fro = ((begin + timedelta(seconds=5 * n), *(AWAY if n // 24 % 2 else BOX)) for n in range(2800))
    site.send("w01", *to_and_fro)
    until(lambda: site.daemon._house.counts.fixes == 2800)
    with tiny(site) as sock:
        sock.sendall(asking("/api/stream?after=0", vera).encode())
        for count in (1, 0):
            until(lambda count=count: vera.get("/api/health").json()["streams"] == count)  # type: ignore[misc]
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_an_answer_that_is_read_slowly_comes_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOK_S", 0.2)
    monkeypatch.setattr(server, "LEAST", 1)
    with tiny(site) as sock:
        sock.sendall(b"GET /api/openapi.json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        read = b""
        while piece := sock.recv(2048):
            read += piece
            time.sleep(0.02)
    assert json.loads(read.partition(b"\r\n\r\n")[2])["openapi"].startswith("3.")


def test_more_streams_than_there_may_be_are_told_so(site: Site) -> None:
    streams = [Stream(client) for client in (*[site.client("vera")] * 30, *[site.client("coen")] * 10)]
    until(lambda: all(one.of("live") for one in streams), seconds=20)
    refused = site.client("ada").get("/api/stream")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")


def test_nobody_is_looked_at_where_that_cannot_be_written_down(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    site.stand("w01", BOX, datetime.now(UTC) - timedelta(seconds=150))
    coen = site.client("coen")
    until(lambda: site.daemon._house.counts.fixes == 24)
    query = {"warden": "gw-1", "purpose": "complaint 12"}
    body = {"lon": BOX[0], "lat": BOX[1], "from": today, "to": today, "purpose": "complaint 12"}
    assert "gw-1" in coen.get("/api/day/tracks", params=query).text
    assert "gw-1" in coen.post("/api/reports/place", json=body).text
    monkeypatch.setattr(site.room.readers, "_beside", failing)
    for answer in (coen.get("/api/day/tracks", params=query), coen.post("/api/reports/place", json=body)):
        assert answer.status_code == 503
        assert "gw-1" not in answer.text


def failing() -> Store:
    raise StoreError("the disk is full")


def test_zones_the_daemon_has_not_taken_yet_are_not_called_saved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "OBEYED_S", 0.3)
    ada = site.client("ada")
    drawn = ada.get("/api/zones", params={"form": "drawn"})
    collection = {"type": "FeatureCollection", "features": drawn.json()["features"][:2]}
    inbox, site.daemon._inbox = site.daemon._inbox, None
    before = site.zones.read_bytes()
    answer = ada.put("/api/zones", json=collection, headers={"If-Match": drawn.headers["etag"]})
    assert (answer.status_code, site.zones.read_bytes()) == (503, before)
    site.daemon._inbox = inbox
    until(lambda: len(json.loads(site.zones.read_text())["features"]) == 2)


# what holds each request within bounds, by itself


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def answered(pieces: list[tuple[float, bytes]], *, stated: int | None = None) -> Any:
    """Return the status of a body that comes in pieces, each after so long."""
    said: list[Message] = []
    left = list(pieces)

    async def receive() -> Message:
        pause, data = left.pop(0)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": data, "more_body": bool(left)}

    async def send(message: Message) -> None:
        said.append(message)

    headers = [] if stated is None else [(b"content-length", str(stated).encode())]
    scope: Scope = {"type": "http", "method": "PUT", "path": "/small", "headers": headers, "client": ("10.0.0.1", 1)}
    bounds = Bounds(echo, Pace(1.0, 10.0), body_s=0.2, larger={"/small": 10})
    asyncio.run(bounds(scope, receive, send))
    return said[0]["status"], said[-1].get("body", b"")


@pytest.mark.parametrize(("pieces", "stated", "status"), [
    ([(0, b"12345"), (0, b"67890")], None, 200), ([(0, b"12345"), (0, b"678901")], None, 413),
    ([], 11, 413), ([(0, b"1"), (5, b"2")], 2, 408), ([(0.05, b"1")] * 9, None, 408),
])  # fmt: skip
def test_a_body_is_small_and_comes_soon(pieces: list[tuple[float, bytes]], stated: int | None, status: int) -> None:
    found, body = answered(pieces, stated=stated)
    assert found == status
    assert (body == b"1234567890") is (status == 200)


def test_a_pace_is_kept_for_each_and_remembered_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("trackerd.web.limits.time.monotonic", lambda: now[0])
    pace = Pace(2.0, 3.0, most=2)
    assert [pace.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert pace.wait_s("b") == 0
    now[0] += 0.5
    assert [pace.wait_s("a") for _ in range(2)] == [0, 0.5]
    pace.give_back("a")
    assert pace.wait_s("a") == 0
    for key in "xyz":
        pace.wait_s(key)
    assert len(pace._left) == 2
