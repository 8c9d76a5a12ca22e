"""The map and the stream, against a real daemon: what is measured is seen, resumed, acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from geofence.event import Event, Kind
from geofence.model import DeviceId, Fixes, to_micros
from geofence.wire import cloudevent
from tests.servers import free_port, until
from tests.trackerd.rooms import AWAY, BOX, PASSWORD, ZONES, Site, Stream
from trackerd.store import Batch, Told, open_store


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path).running() as running:
        yield running


def test_who_stands_in_a_zone_is_seen_there(site: Site) -> None:
    browser = site.client("vera")
    stream = Stream(browser)
    site.stand("w01", BOX, ago(150))
    until(lambda: "zone.enter" in stream.types(), lambda: str(stream.heard))
    live = site.live(browser, lambda live: live["wardens"] and live["wardens"][0]["zones"])
    (warden,) = live["wardens"]
    assert (warden["warden"], warden["zones"][0]["zone"], warden["silent"]) == ("gw-1", "box-07", False)
    assert warden["still_since"] is not None
    (zone,) = [one for one in live["zones"] if one["zone"] == "box-07"]
    assert [one["warden"] for one in zone["inside"]] == ["gw-1"]
    assert zone["windows"][0]["requirement"] == "boxes"


def test_a_commit_of_which_the_daemon_never_heard_is_seen_too(site: Site) -> None:
    """As where a store was lost while it committed: the same events, taken again, are no news any more."""
    stream = Stream(site.client("vera"))
    until(lambda: stream.of("live"))
    pressed = Event(Kind.SOS, DeviceId("w01"), to_micros(ago(5)), lon=4.2, lat=50.9)
    body = cloudevent(pressed, "/trackerd/asse", pressed.time)
    told = Told(body["id"], body["type"], pressed.time, body, None, pressed.device)
    with closing(open_store(f"sqlite:///{site.folder / 'trackerd.db'}", beside=True)) as beside:
        beside.commit(Batch(Fixes.of(()), events=[told]))
    until(lambda: "device.sos" in stream.types(), lambda: str(stream.heard))


def test_a_page_that_comes_back_hears_what_it_missed_and_nothing_twice(site: Site) -> None:
    browser = site.client("vera")
    stream = Stream(browser)
    site.stand("w01", BOX, ago(400))
    until(lambda: "zone.enter" in stream.types(), lambda: str(stream.heard))
    seen = stream.of("cloudevent")[-1]["seq"]
    site.stand("w01", AWAY, ago(250))
    until(lambda: "zone.exit" in stream.types(), lambda: str(stream.heard))
    later = Stream(site.client("vera"), after=seen)
    until(lambda: later.of("cloudevent"), lambda: str(later.heard))
    until(lambda: len(later.of("cloudevent")) == len([e for e in stream.of("cloudevent") if e["seq"] > seen]))
    assert [e["seq"] for e in later.of("cloudevent")] == [e["seq"] for e in stream.of("cloudevent") if e["seq"] > seen]
    assert later.of("live")[0]["partial"] is False


def test_a_page_that_comes_back_after_a_restart_hears_what_it_missed(tmp_path: Path) -> None:
    with Site(tmp_path).running() as site:
        site.stand("w01", BOX, ago(400))
        site.stand("w01", AWAY, ago(250))
        vera = site.client("vera")
        until(lambda: len(vera.get("/api/events").json()["items"]) >= 2)
    with Site(tmp_path).running() as site:
        every, wims = (
            [one["seq"] for one in site.client(name).get("/api/events").json()["items"]] for name in ("vera", "wim")
        )
        back, ahead = Stream(site.client("vera"), after=every[0]), Stream(site.client("vera"), after=10**9)
        fresh, own = Stream(site.client("vera")), Stream(site.client("wim"), after=0)
        until(lambda: all(one.of("live") for one in (back, ahead, fresh, own)))
        assert [e["seq"] for e in back.of("cloudevent")] == every[1:]
        assert [e["seq"] for e in own.of("cloudevent")] == wims
        assert not fresh.of("cloudevent")
        site.stand("w01", BOX, ago(100))
        for one in (back, ahead, fresh, own):
            until(lambda one=one: one.of("cloudevent") and one.of("cloudevent")[-1]["seq"] > every[-1])  # type: ignore[misc]
            heard = [e["seq"] for e in one.of("cloudevent")]
            assert heard == sorted(set(heard))


def test_pages_and_figures_are_served_side_by_side(tmp_path: Path) -> None:
    pages, figures = free_port(), free_port()
    config = tmp_path / "trackerd.toml"
    config.write_text(
        f'[site]\nname = "asse"\n[http]\nlisten = "127.0.0.1:{pages}"\n[metrics]\nport = {figures}\n'
        f'[[source]]\nkind = "tcp"\nhost = "127.0.0.1"\nport = {free_port()}\ndevice = "w01"\ndecoder = "csv"\n'
        '[[zones]]\nfile = "zones.geojson"\n[[device]]\nid = "w01"\n'
    )
    (tmp_path / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": ZONES}))
    command = [sys.executable, "-m", "trackerd"]
    adding = [*command, "user", "add", "vera", "--role", "viewer", "--config", str(config)]
    subprocess.run(adding, input=PASSWORD, text=True, check=True, capture_output=True)
    with (tmp_path / "log").open("w") as log:
        daemon = subprocess.Popen([*command, "run", "--config", config], stdout=log, stderr=log)
    try:
        until(lambda: answers(f"http://127.0.0.1:{pages}/readyz"), (tmp_path / "log").read_text, 30)
        assert answers(f"http://127.0.0.1:{figures}/metrics")
        signed = httpx.post(f"http://127.0.0.1:{pages}/api/session", json={"name": "vera", "password": PASSWORD})
        assert signed.json()["role"] == "viewer"
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0, (tmp_path / "log").read_text()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False
