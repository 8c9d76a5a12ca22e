"""The demo's day is what its README says: read here without the decoders, so that it can judge them."""

from __future__ import annotations

import gzip
import json
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "trackerd/demo"
METRES = np.array([70349.0, 111247.0])
"""Per degree at 50.9 N."""
BEGIN, END = (datetime(2026, 5, 19, hour, 30, tzinfo=UTC).timestamp() for hour in (5, 15))
WARDENS = {"gw-1": "w01.nmea.gz", "gw-2": "w02.rec.gz"}

Rows = NDArray[np.float64]


@cache
def truth() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "demo_truth.json").read_text(encoding="utf-8"))
    return found


@cache
def zones() -> dict[str, dict[str, Any]]:
    files = [json.loads((DEMO / name).read_text(encoding="utf-8")) for name in ("places.geojson", "districts.geojson")]
    return {feature["id"]: feature for file in files for feature in file["features"]}


@cache
def area(zone: str) -> BaseGeometry:
    """A zone on the plane, in metres."""
    feature = zones()[zone]
    flat = shapely.transform(shapely.geometry.shape(feature["geometry"]), lambda places: places * METRES)
    wide = feature["properties"].get("radius_m", feature["properties"].get("width_m", 0) / 2)
    return shapely.buffer(flat, wide, quad_segs=32) if wide else flat


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@cache
def nmea() -> tuple[Rows, int]:
    """Time, lon, lat of every sound RMC, and how many sentences are damaged."""
    rows, damaged = [], 0
    for line in gzip.decompress((DEMO / "w01.nmea.gz").read_bytes()).split(b"\r\n")[:-1]:
        body, _, check = line.removeprefix(b"$").partition(b"*")
        total = 0
        for letter in body:
            total ^= letter
        if check != b"%02X" % total:
            damaged += 1
            continue
        field = body.decode("ascii").split(",")
        if field[0] == "GNRMC" and field[2] == "A":
            time = datetime.strptime(f"{field[9]} {field[1]}+0000", "%d%m%y %H%M%S.%f%z").timestamp()
            lat, lon = float(field[3][:2]) + float(field[3][2:]) / 60, float(field[5][:3]) + float(field[5][3:]) / 60
            rows.append((time, lon, lat))
    return np.array(rows), damaged


@cache
def owntracks() -> list[tuple[float, dict[str, Any]]]:
    """Time of arrival and message, as they stand in the record."""
    lines = gzip.decompress((DEMO / "w02.rec.gz").read_bytes()).decode("utf-8").splitlines()
    parts = [line.split("\t") for line in lines]
    return [(epoch(arrived), json.loads(message)) for arrived, _, message in parts]


@cache
def track(warden: str) -> Rows:
    """Time, lon, lat of what was measured, in the order of measurement."""
    if warden == "gw-1":
        return nmea()[0]
    said = {one["tst"]: one for _, one in owntracks() if one["_type"] == "location" and one.get("t") != "p"}
    return np.array([(time, said[time]["lon"], said[time]["lat"]) for time in sorted(said)], dtype=np.float64)


@cache
def true_places(warden: str) -> Rows:
    """Time, lon, lat where the warden truly was."""
    path = truth()["path"]
    lon, lat = (np.cumsum(path[warden][axis]) / 1e6 for axis in ("lon", "lat"))
    return np.column_stack([epoch(path["from"]) + path["step_s"] * np.arange(len(lon)), lon, lat])


def error_m(warden: str) -> Rows:
    """How far each position was off, east and north."""
    rows, true = track(warden), true_places(warden)
    there = np.column_stack([np.interp(rows[:, 0], true[:, 0], true[:, axis]) for axis in (1, 2)])
    return np.asarray((rows[:, 1:] - there) * METRES)


def visits(zone: str, warden: str | None = None) -> list[dict[str, Any]]:
    return [one for one in truth()["zones"][zone] if warden in (None, one["warden"])]


def test_zones_are_sound() -> None:
    kinds = [feature["properties"]["kind"] for feature in zones().values()]
    assert sorted(zone for zone in zones() if zone.startswith("box-")) == [f"box-{n:02}" for n in range(1, 14)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "district": 16, "box": 13, "school": 2, "market": 1, "stop": 1, "hotspot": 3,
    }  # fmt: skip
    assert len(zones()["hotspot-waalborre"]["geometry"]["coordinates"]) == 2, "the pond"
    for zone, feature in zones().items():
        assert area(zone).is_valid
        assert feature["properties"]["team"] in ("asse", "zellik")
        assert feature["properties"]["name"]


@pytest.mark.parametrize(
    ("name", "words"), [("places", ("OpenStreetMap", "ODbL")), ("districts", ("gemeentebesturen", "gratis hergebruik"))]
)
def test_whose_the_data_are_stands_in_the_file(name: str, words: tuple[str, ...]) -> None:
    said = json.loads((DEMO / f"{name}.geojson").read_text(encoding="utf-8"))["attribution"]
    assert all(word in said for word in words)


def test_every_zone_lies_in_asse() -> None:
    town = shapely.union_all([area(zone) for zone, one in zones().items() if one["properties"]["kind"] == "district"])
    for zone in zones():
        assert area(zone).within(town.buffer(1))


@pytest.mark.parametrize("warden", WARDENS)
def test_a_track_fills_its_day_within_asse(warden: str) -> None:
    time, lon, lat = track(warden).T
    assert BEGIN <= time.min() < BEGIN + 120
    assert END - 120 < time.max() <= END
    assert lon.min() > 4.138
    assert lon.max() < 4.302
    assert lat.min() > 50.873
    assert lat.max() < 50.945
    assert len(time) > 2500


def test_people_walk_and_ride() -> None:
    for warden, most in (("gw-1", 2.0), ("gw-2", 5.5)):
        speed = np.hypot(*(np.diff(true_places(warden)[:, 1:], axis=0) * METRES).T) / truth()["path"]["step_s"]
        assert np.percentile(speed, 99.5) < most
        assert 0.3 < (speed < 0.3).mean() < 0.9
    moving = speed[speed > 2.5]
    assert 3.5 < np.median(moving) < 4.5


@pytest.mark.parametrize("warden", WARDENS)
def test_the_error_is_a_receivers(warden: str) -> None:
    error = error_m(warden)
    far = np.hypot(*error.T)
    assert 3 < np.percentile(far, 68) < 8
    assert 15 < far.max() < 60
    time = track(warden)[:, 0]
    even = np.arange(time[0], time[-1], 10)
    for axis in (0, 1):
        series = np.interp(even, time, error[:, axis])
        series = series - series.mean()
        kept = [float((series[lag:] * series[:-lag]).mean() / (series**2).mean()) for lag in (1, 3)]
        assert kept[0] > 0.8, "after ten seconds"
        assert kept[1] > 0.5, "after half a minute"


def test_a_true_visit_is_seen_within() -> None:
    """Every visit of a minute and more, where the tracker spoke: most positions lie inside, all of them near."""
    seen = 0
    for zone in zones():
        for one in visits(zone):
            time, lon, lat = track(one["warden"]).T
            rows = (time >= epoch(one["from"])) & (time < epoch(one["to"]))
            if one["seconds"] < 60 or rows.sum() < 4:
                continue
            places = shapely.points(np.column_stack([lon, lat])[rows] * METRES)
            inside = shapely.covers(area(zone), places).mean()
            off = shapely.distance(area(zone), places).max()
            assert inside >= 0.5, (zone, one, inside)
            assert off < 45, (zone, one, off)
            seen += 1
    assert seen > 40


def test_the_true_way_agrees_with_the_true_visits() -> None:
    for warden in WARDENS:
        time, lon, lat = true_places(warden).T
        for zone in zones():
            inside = shapely.contains_xy(area(zone), lon * METRES[0], lat * METRES[1])
            said = np.zeros(len(time), dtype=bool)
            for one in visits(zone, warden):
                said |= (time >= epoch(one["from"])) & (time < epoch(one["to"]))
            assert (inside != said).sum() <= 3, (warden, zone)


def window(zone: str) -> list[dict[str, Any]]:
    """The true visits to a box in its window, 08:00 to 15:00, on duty."""
    hours = [("06:00", "10:00"), ("10:45", "13:00")]
    spans = [(epoch(f"2026-05-19T{a}:00Z"), epoch(f"2026-05-19T{b}:00Z")) for a, b in hours]
    return [one for one in visits(zone) if any(a <= epoch(one["from"]) and epoch(one["to"]) <= b for a, b in spans)]


def test_nine_boxes_are_emptied() -> None:
    for number in (1, 2, 3, 4, 8, 9, 10, 11, 13):
        assert max(one["seconds"] for one in window(f"box-{number:02}")) >= 90


def test_one_box_is_visited_while_the_tracker_is_silent() -> None:
    begin, end = map(epoch, truth()["gap"])
    (only,) = visits("box-05")
    assert only["seconds"] >= 90
    assert begin < epoch(only["from"]) - 30
    assert epoch(only["to"]) + 30 < end
    time = track("gw-1")[:, 0]
    assert not ((time >= begin) & (time < end)).any()
    assert np.diff(time[time > BEGIN]).max() == pytest.approx(end - begin, abs=10)
    assert shapely.distance(area("box-05"), places_of("gw-1")).min() > 25, "nothing heard tells of it"


def test_one_box_is_visited_too_shortly() -> None:
    (only,) = visits("box-06")
    assert 30 <= only["seconds"] <= 50
    gap = epoch(truth()["gap"][1]) - epoch(truth()["gap"][0])
    reach = 2 * shapely.distance(area("box-06"), area("box-05"))
    assert reach / gap > 8, "in the silence nobody could have run there and back"


def test_one_box_is_visited_by_nobody() -> None:
    assert visits("box-07") == []
    for warden in WARDENS:
        assert shapely.distance(area("box-07"), places_of(warden)).min() > 500


def test_one_visit_is_told_two_hours_late() -> None:
    begin, end = map(epoch, truth()["no_coverage"])
    uploaded = epoch(truth()["uploaded"])
    (only,) = visits("box-12")
    assert only["seconds"] >= 90
    assert begin + 60 < epoch(only["from"]) < epoch(only["to"]) < end
    late = [arrived for arrived, one in owntracks() if one["_type"] == "location" and begin <= one["tst"] < end]
    assert len(late) > 50
    assert min(late) >= uploaded > epoch("2026-05-19T13:15:00Z"), "after the window and its grace"
    assert end - begin < 1800
    between = [one for arrived, one in owntracks() if end + 5 < arrived < uploaded]
    assert len(between) > 200, "it spoke of the time since, before it told of that"
    seen = [one for arrived, one in owntracks() if arrived < uploaded and one["_type"] == "location"]
    places = shapely.points(np.array([(one["lon"], one["lat"]) for one in seen]) * METRES)
    assert shapely.distance(area("box-12"), places).min() > 100


def test_schools_market_and_hotspots_are_kept() -> None:
    for school in ("school-sint-martinus", "school-vijverbeek"):
        for begin, end in (("06:15", "06:40"), ("13:15", "13:45")):
            assert any(one["from"] <= f"2026-05-19T{begin}:00Z" and one["to"] >= f"2026-05-19T{end}:00Z"
                       for one in visits(school))  # fmt: skip
    assert any(one["seconds"] > 3000 for one in visits("market-asse"))
    for spot in ("hotspot-waalborre", "hotspot-nieuwstraat", "hotspot-breugelpark"):
        assert sum(one["seconds"] >= 500 for one in visits(spot)) >= 2


def test_the_logs_carry_the_dirt_of_their_kind() -> None:
    assert 8 <= nmea()[1] <= 20
    raw = gzip.decompress((DEMO / "w01.nmea.gz").read_bytes())
    assert b"$GNGGA,,,,,,0,00,99.99,,,,,,*" in raw, "a cold start"
    messages = owntracks()
    assert sorted(arrived for arrived, _ in messages) == [arrived for arrived, _ in messages]
    times = [one["tst"] for _, one in messages if one["_type"] == "location"]
    assert times != sorted(times)
    assert 5 < len(times) - len(set(times)) < 60
    assert sum(one.get("t") == "p" for _, one in messages) == 1
    assert sum(one["_type"] == "lwt" for _, one in messages) == 1
    assert all(one["topic"] == "owntracks/asse/w02" for _, one in messages)
    charge = [one["batt"] for _, one in sorted(messages, key=lambda said: said[1]["tst"]) if "batt" in one]
    assert charge[0] > 90
    assert charge[-1] < 40


def test_the_plan_fits_the_zones_and_the_wardens() -> None:
    plan = tomllib.loads((DEMO / "plan.toml").read_text(encoding="utf-8"))
    boxes = [zone for one in plan["requirement"] for zone in one.get("zones", []) if zone.startswith("box-")]
    assert sorted(boxes) == [f"box-{n:02}" for n in range(1, 14)]
    for one in plan["requirement"]:
        assert set(one.get("zones", [])) <= set(zones())
        assert set(one.get("kinds", [])) <= {feature["properties"]["kind"] for feature in zones().values()}
    assert {(one["warden"], one["device"]) for one in plan["duty"]} == {("gw-1", "w01"), ("gw-2", "w02")}
    assert {(one["from"], one["to"]) for one in plan["duty"]} == {("07:30", "12:00"), ("12:45", "17:30")}


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.iterdir() if path.suffix in (".gz", ".geojson", ".toml")) < 1e6
    for name in WARDENS.values():
        assert (DEMO / name).read_bytes()[4:8] == bytes(4), "no time of making: the same day gives the same bytes"


def places_of(warden: str) -> Any:
    return shapely.points(track(warden)[:, 1:] * METRES)
