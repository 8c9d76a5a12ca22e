"""Thousands of damaged inputs for every parser: none raises, and what comes out is a fix that can be, or a reason.

20,000 inputs a parser in the test run, a million with TRACKERD_FAULTS=full; from one seed, so a fault comes again.
"""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest

from devices.decoder import Bad, Heartbeat
from geofence.geojson import read as read_zones
from geofence.model import Fix
from geofence.zones import Zone
from tests.devices.reading import Make, read
from tests.devices.test_contract import ALL, CAPTURED, RECEIVED

COUNT = 1_000_000 if os.environ.get("TRACKERD_FAULTS") == "full" else 20_000
WINDOW = 300
"""Bytes of a capture that one input is made of."""
SPICE = [b"nan", b"-inf", b"1e999", b"99999999999999999999", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"'", b'"',
         b"\\u0000", b"\r", b"\n", b"*", b"$", b"{", b"}", b"[", b"]", b"<", b">", b"&x;", b",", b",,", b"null",
         b"-", b".", "٤".encode(), b"240000", b"-0"]  # fmt: skip
ZONES = [
    {"type": "Polygon", "coordinates": [[[4.1, 50.9], [4.2, 50.9], [4.2, 51.0], [4.1, 50.9]]]},
    {"type": "Point", "coordinates": [4.2, 50.9]},
    {"type": "LineString", "coordinates": [[4.2, 50.9], [4.21, 50.9]]},
    {"type": "MultiPolygon", "coordinates": [[[[4.1, 50.9], [4.2, 50.9], [4.2, 51.0], [4.1, 50.9]]]]},
]
EXTRA = [{}, {"radius_m": 25}, {"width_m": 10, "dwell": "3m"}, {"valid_from": "2026-01-01", "kind": "box"}]
GPX = (
    b'<gpx><trk><trkseg><trkpt lat="50.9" lon="4.2"><time>2026-05-04T08:12:31Z</time><ele>50</ele></trkpt>'
    b'<trkpt lat="50.91" lon="4.2"><time>2026-05-04T08:12:36Z</time></trkpt></trkseg></trk></gpx>'
)
UPLINK = (
    b'{"time":"2026-05-04T08:12:31Z","object":{"gps_1":{"latitude":50.91,"longitude":4.2},"battery":81}}\n'
    b'{"uplink_message":{"received_at":"2026-05-04T08:12:31Z","decoded_payload":{"lat":50.91,"lon":4.2,"sos":true}}}\n'
)
SHORT = {"gpx": [GPX], "lorawan": [UPLINK]}
"""Short enough that damage leaves some of it whole."""


def damaged(rng: np.random.Generator, whole: bytes) -> bytes:
    """Cut a piece out of a capture and spoil it in a few places."""
    start = int(rng.integers(0, max(len(whole) - WINDOW, 1)))
    data = bytearray(whole[start : start + WINDOW])
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, len(data) + 1))
        how = rng.integers(5)
        if how == 0 and at < len(data):
            data[at] ^= 1 << int(rng.integers(8))
        elif how == 1:
            del data[at : at + int(rng.integers(1, 20))]
        elif how == 2:
            data[at:at] = SPICE[int(rng.integers(len(SPICE)))]
        elif how == 3:
            data[at : at + 6] = SPICE[int(rng.integers(len(SPICE)))]
        else:
            data[at:at] = data[: int(rng.integers(1, 40))]
    return bytes(data)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ALL)
def test_no_damaged_input_raises_or_gives_nonsense(name: str) -> None:
    make: Make = ALL[name]
    sound = SHORT.get(name) or [data for decoder, data in CAPTURED if decoder == name]
    rng = np.random.default_rng(20_260_519)
    found = 0
    for number in range(COUNT):
        data = damaged(rng, sound[number % len(sound)])
        for said in read(make, data, RECEIVED if number % 2 else None):
            if isinstance(said, Fix):
                found += 1
                assert possible(said), data
            else:
                assert isinstance(said, Bad | Heartbeat), data
                assert said.why, data
    assert found > COUNT // 200, "the damage left something to be read"


def possible(fix: Fix) -> bool:
    numbers = (fix.accuracy_m, fix.speed_mps, fix.course_deg, fix.altitude_m, fix.hdop, fix.battery_pct)
    return (
        -180 <= fix.lon <= 180
        and -90 <= fix.lat <= 90
        and all(each is None or math.isfinite(each) for each in numbers)
        and fix.time.tzinfo is not None
    )


@pytest.mark.timeout(3600)
def test_no_damaged_zones_raise_or_give_nonsense() -> None:
    features = [
        {"type": "Feature", "id": f"zone-{n}", "properties": extra, "geometry": geometry}
        for n, (geometry, extra) in enumerate(zip(ZONES, EXTRA, strict=True))
    ]
    whole = [json.dumps({"type": "FeatureCollection", "features": [one]}).encode() for one in features]
    rng = np.random.default_rng(20_260_519)
    sound = 0
    for number in range(COUNT):
        zones, faults = read_zones(damaged(rng, whole[number % len(whole)]), "fuzz")
        assert zones or faults
        assert all(isinstance(zone, Zone) and zone.shape.is_valid and not zone.shape.is_empty for zone in zones)
        assert all(fault.what for fault in faults)
        sound += bool(zones)
    assert sound > COUNT // 200
