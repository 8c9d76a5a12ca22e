"""Walks for tests: real motion in metres, errors correlated over a minute as a receiver's are, never white noise."""

from __future__ import annotations

import json

import numpy as np

from geofence.earth import metres_per_degree
from geofence.geojson import read
from geofence.model import SECOND, DeviceId, Fix, to_datetime
from geofence.zones import ZoneSet

START = 1_767_254_400 * SECOND
LON, LAT = 4.2, 50.9
X, Y = metres_per_degree(LAT)


def town() -> ZoneSet:
    """Return small and large zones along the way east, with a hole, a street and an overlap."""
    east, park = LON + 300 / X, _square(400, -100, 200)
    features = [
        _feature("box", {"type": "Point", "coordinates": [LON + 150 / X, LAT]}, radius_m=25, dwell="30s"),
        _feature("street", {"type": "LineString", "coordinates": [[east, LAT - 1e-3], [east, LAT + 1e-3]]}, width_m=28),
        _feature("park", {"type": "Polygon", "coordinates": [park, _square(480, -20, 40)]}, dwell="2m"),
        _feature("district", {"type": "Polygon", "coordinates": [_square(-100, -400, 900)]}),
    ]  # fmt: skip
    zones, faults = read(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "walks")
    assert not faults
    return ZoneSet(zones)


def walk(
    device: str, seed: int, minutes: float = 30.0, every_s: float = 5.0, sigma_m: float = 8.0, tau_s: float = 60.0
) -> list[Fix]:
    """Return the fixes of somebody strolling east and back with stops, as a receiver would report them."""
    rng = np.random.default_rng(seed)
    n = max(int(minutes * 60 / every_s), 2)
    stops = np.repeat(rng.random(n // 12 + 1) < 0.35, 12)[:n]
    turns = np.repeat(rng.choice([1.0, 1.0, -1.0], n // 40 + 1), 40)[:n]
    east = np.cumsum(np.where(stops, 0.0, 1.3 * every_s * turns)) + rng.uniform(0, 500)
    north = np.cumsum(rng.normal(0, 0.2, n)) * np.sqrt(every_s)
    keep = np.exp(-every_s / tau_s)
    error = np.zeros((n, 2))
    error[0] = rng.normal(0, sigma_m, 2)
    for i in range(1, n):
        error[i] = keep * error[i - 1] + rng.normal(0, sigma_m * np.sqrt(1 - keep**2), 2)
    times = START + (np.arange(n) * every_s * SECOND).astype(int)
    if rng.random() < 0.5:  # a gap: the tracker was in a pocket, or a cellar
        at = int(rng.integers(n))
        times[at:] += int(rng.integers(60, 3000)) * SECOND
    accuracy = 1.515 * sigma_m
    return [
        Fix(DeviceId(device), to_datetime(t), LON + (e + x) / X, LAT + (nn + y) / Y, accuracy)
        for t, e, nn, (x, y) in zip(times.tolist(), east, north, error, strict=True)
    ]


def _feature(id_: str, geometry: dict[str, object], **properties: object) -> dict[str, object]:
    return {"type": "Feature", "id": id_, "properties": properties, "geometry": geometry}


def _square(west: float, south: float, side: float) -> list[list[float]]:
    corners = [(west, south), (west + side, south), (west + side, south + side), (west, south + side), (west, south)]
    return [[LON + x / X, LAT + y / Y] for x, y in corners]
