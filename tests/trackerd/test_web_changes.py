"""What the pages change: waivers, breaks, acknowledgements, zones. Each by the thread that turns, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import until
from tests.trackerd.rooms import BOX, ZONES, Site, Stream, zone

KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Placemark><name>Café Zuid</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
4.20,50.90,0 4.21,50.90,0 4.21,50.91,0 4.20,50.90,0</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>
<Placemark><name>Ronde</name><ExtendedData><Data name="radius_m"><value>30</value></Data></ExtendedData>
<Point><coordinates>4.2,50.9</coordinates></Point></Placemark>
<Placemark><name>Nergens</name></Placemark></Document></kml>"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path).running() as running:
        yield running


def here(site: Site, device: str = "w01") -> None:
    site.stand(device, BOX, datetime.now(UTC) - timedelta(seconds=150))
    site.live(site.client("vera"), lambda live: live["wardens"] and live["wardens"][0]["zones"])


def cases(client: httpx.Client, zone_: str) -> list[dict[str, Any]]:
    return [one for one in client.get("/api/plan").json()["cases"] if one["zone"] == zone_]


def test_a_window_is_waived_with_a_reason_and_owed_again(site: Site) -> None:
    coen = site.client("coen")
    (case,) = cases(coen, "far-away")
    assert (case["state"], case["can_be_met"]) in [("open", True), ("due", True)]
    window = {"requirement": "boxes", "zone": "far-away", "start": case["start"]}
    assert coen.post("/api/waivers", json={**window, "reason": "road works"}).json() == {"state": "done"}
    (waived,) = cases(coen, "far-away")
    assert (waived["state"], waived["waived"]["reason"], waived["waived"]["by"]) == ("excused", "road works", "coen")
    assert coen.request("DELETE", "/api/waivers", params=window).json() == {"state": "done"}
    assert cases(coen, "far-away")[0]["waived"] is None
    nowhere = coen.post("/api/waivers", json={**window, "start": "2026-01-01T00:30:00Z", "reason": "road works"})
    assert nowhere.status_code == 404


def test_who_is_on_a_break_is_not_on_the_map_nor_in_the_day(site: Site) -> None:
    here(site)
    coen = site.client("coen")
    stream = Stream(site.client("vera"))
    until(lambda: stream.of("live") and stream.of("live")[0]["wardens"])
    early = f"{datetime.now(UTC) - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}"
    assert coen.post("/api/breaks", json={"warden": "gw-1", "start": early}).json() == {"state": "done"}
    site.live(coen, lambda live: not live["wardens"])
    until(lambda: ["w01"] in [live["gone"] for live in stream.of("live")], lambda: str(stream.of("live")))
    tracks = coen.get("/api/day/tracks", params={"warden": "gw-1", "purpose": "trying"}).json()
    assert tracks["items"] == []
    assert coen.request("DELETE", "/api/breaks", params={"warden": "gw-1"}).json() == {"state": "done"}
    assert coen.post("/api/breaks", json={"warden": "nobody"}).status_code == 422


def test_an_alert_is_seen_to_once_and_every_page_hears_it(site: Site) -> None:
    here(site)
    coen, other = site.client("coen"), Stream(site.client("vera"))
    event = coen.get("/api/events", params={"type": "zone.enter"}).json()["items"][0]
    assert event["acknowledged"] is None
    path = f"/api/events/{event['event']['id']}/acknowledgement"
    first = coen.post(path, json={"note": "called them"}).json()
    assert (first["by"], first["note"]) == ("coen", "called them")
    assert site.client("ada").post(path, json={"note": "too late"}).json() == first
    until(lambda: other.of("acknowledged"), lambda: str(other.heard))
    assert other.of("acknowledged")[0] == {"id": event["event"]["id"], "acknowledged": first}
    assert coen.get("/api/events", params={"type": "zone.enter"}).json()["items"][0]["acknowledged"] == first
    assert coen.post("/api/events/none/acknowledgement", json={}).status_code == 404


def test_events_come_in_pages_each_once(site: Site) -> None:
    here(site)
    here(site, "w02")
    vera = site.client("vera")
    until(lambda: len(vera.get("/api/events").json()["items"]) >= 2)
    found, after = [], 0
    while after is not None:
        page = vera.get("/api/events", params={"after": after, "limit": 1}).json()
        found += [one["seq"] for one in page["items"]]
        after = page["next"]
    every = [one["seq"] for one in vera.get("/api/events").json()["items"]]
    assert found == every == sorted(set(every))
    newest = vera.get("/api/events", params={"before": every[-1] + 1}).json()["items"]
    assert [one["seq"] for one in newest] == every[::-1]
    of_one = vera.get("/api/events", params={"warden": "gw-2"}).json()["items"]
    assert {one["event"]["data"]["warden"] for one in of_one} == {"gw-2"}


def drawn(client: httpx.Client) -> tuple[list[dict[str, Any]], str]:
    answer = client.get("/api/zones", params={"form": "drawn"})
    return answer.json()["features"], answer.headers["etag"]


def put(client: httpx.Client, features: list[dict[str, Any]], tag: str | None) -> httpx.Response:
    headers = {} if tag is None else {"If-Match": tag}
    return client.put("/api/zones", json={"type": "FeatureCollection", "features": features}, headers=headers)


def test_zones_are_drawn_anew_and_hold_at_once(site: Site) -> None:
    ada = site.client("ada")
    features, tag = drawn(ada)
    assert features == ZONES
    before = ada.get("/api/zones/editions").json()["items"]
    answer = put(ada, [*features[1:], zone("square", 4.22, 50.92, name="Plein")], tag)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] != tag
    shown = {one["id"]: one for one in ada.get("/api/zones").json()["features"]}
    assert shown["square"]["geometry"]["type"] == "Polygon"
    assert "box-07" not in shown
    assert [one["id"] for one in json.loads(site.zones.read_text())["features"]] == ["far-away", "park", "square"]
    after = ada.get("/api/zones/editions").json()["items"]
    assert (after[0]["added"], after[0]["removed"], after[0]["newest"]) == (["square"], ["box-07"], True)
    assert after[0]["version"] == answer.json()["edition"]
    assert len(after) == len(before) + 1
    site.stand("w01", (4.22, 50.92), datetime.now(UTC) + timedelta(seconds=1), 120)
    site.live(ada, lambda live: "square" in str(live["wardens"]))


def test_zones_with_faults_and_zones_drawn_on_older_ones_change_nothing(site: Site) -> None:
    ada = site.client("ada")
    features, tag = drawn(ada)
    before = site.zones.read_bytes()
    broken = [*features, {"type": "Feature", "id": "Bad Id", "geometry": {"type": "Point", "coordinates": [4, 50]}},
              zone("huge", 4.2, 50.9) | {"geometry": {"type": "Point", "coordinates": [4.2]}}]  # fmt: skip
    answer = put(ada, broken, tag)
    assert (answer.status_code, len(answer.json()["faults"])) == (422, 2)
    assert put(ada, features, None).status_code == 428
    assert put(ada, features, '"another"').status_code == 412
    assert put(ada, features, tag).headers["etag"] == tag
    assert site.zones.read_bytes() == before
    warned = put(ada, features[2:], tag).json()["faults"]  # the plan asks for boxes, and there are none
    assert [one["where"] for one in warned] == ["requirement boxes.kinds"]


def test_zones_not_changed_are_not_sent_again(site: Site) -> None:
    vera = site.client("vera")
    answer = vera.get("/api/zones")
    again = vera.get("/api/zones", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_somebody_would_import_is_shown_with_its_faults(site: Site) -> None:
    ada = site.client("ada")
    told = ada.post("/api/zones/preview", content=KML.encode()).json()
    assert [(one["id"], one["geometry"]["type"]) for one in told["drawn"]] == [
        ("cafe-zuid", "Polygon"),
        ("ronde", "Point"),
    ]
    assert [one["geometry"]["type"] for one in told["features"]] == ["Polygon", "Polygon"]
    assert [one["where"] for one in told["faults"]] == ["feature 3 (nergens)"]
    changed = [zone("box-07", 4.5, 50.9, kind="box"), ZONES[1], zone("new", 4.2, 50.9)]
    told = ada.post("/api/zones/preview", json={"type": "FeatureCollection", "features": changed}).json()
    assert (told["added"], told["changed"], told["same"]) == (["new"], ["box-07"], ["far-away"])
    evil = b'<!DOCTYPE kml [<!ENTITY a "aaaa">]><kml>&a;</kml>'
    assert "DOCTYPE" in ada.post("/api/zones/preview", content=evil).json()["faults"][0]
    for junk in (b"", b"[]", b"{}", b"\xff\xfe", b"[" * 50_000, b'{"type":"FeatureCollection","features":1}'):
        assert ada.post("/api/zones/preview", content=junk).status_code == 422, junk[:20]


def test_how_surely_a_visit_would_be_proven_is_reckoned_elsewhere(site: Site) -> None:
    answer = site.client("vera").post("/api/zones/lint", json={"zones": ["box-07"], "accuracy_m": 5})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    assert (found["zone"], found["radius_m"], found["circle"]) == ("box-07", 40.0, True)
    assert 0 <= found["proven"] <= 1
