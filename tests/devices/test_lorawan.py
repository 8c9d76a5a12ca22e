"""LoRaWAN uplinks: the position is the codec's, the time the tracker's or the network's; gateways do not count."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.lorawan import LoraWan
from tests.devices.reading import CAPTURES, DEVICE, fixes, read, signs, whys

HEARD = "2026-05-04T08:12:31.123456789Z"
AT = datetime(2026, 5, 4, 8, 12, 31, 123456, tzinfo=UTC)
GATEWAY = [{"gateway_ids": {}, "location": {"latitude": 51.0, "longitude": 4.0}}]
PAYLOADS = [json.loads(line) for line in (CAPTURES / "lorawan/lorawan.jsonl").read_text().splitlines()]


def things(decoded: Any, **more: Any) -> bytes:
    up = {"received_at": HEARD, "frm_payload": "AQ==", "decoded_payload": decoded, "rx_metadata": GATEWAY}
    return json.dumps({"received_at": "2026-05-04T08:12:40Z", "uplink_message": up} | more).encode()


def chirpstack(decoded: Any) -> bytes:
    up = {"deduplicationId": "x", "time": HEARD, "data": "AQ==", "rxInfo": [{"location": {"latitude": 51.0}}]}
    return json.dumps(up | ({"object": decoded} if decoded is not None else {})).encode()


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload["source"][-40:])
def test_captures(payload: dict[str, Any]) -> None:
    said = read(LoraWan, payload["payload"].encode())
    if "thingsboard" in payload["source"]:
        assert whys(said) == ["not-decoded"]
        return
    (fix,) = fixes(said)
    told = payload["position"]
    assert (fix.lat, fix.lon, fix.time) == (told["lat"], told["lon"], datetime.fromisoformat(told["time"]))


@pytest.mark.parametrize("server", [things, chirpstack])
@pytest.mark.parametrize(
    "decoded",
    [
        {"latitude": 50.91, "longitude": 4.2},
        {"Latitude": 50.91, "Longitud": 4.2, "LON": "ON", "Location": "50.91,4.2"},
        {"gpsLatitude": "50.91", "gpsLongitude": "4.2"},
        {"latitudeDeg": 50.91, "longitudeDeg": 4.2},
        {"gps_1": {"latitude": 50.91, "longitude": 4.2, "altitude": 60.5}},
        {"gpsLocation": {"1": {"latitude": 50.91, "longitude": 4.2}}},
        {"messages": [[{"type": "Latitude"}], [{"lat": 50.91, "lng": 4.2}]]},
    ],
)
def test_makers_name_places_as_they_like(server: Any, decoded: Any) -> None:
    (fix,) = fixes(read(LoraWan, server(decoded)))
    assert (fix.device, fix.lat, fix.lon, fix.time) == (DEVICE, 50.91, 4.2, AT)


def test_what_is_beside_the_position() -> None:
    decoded = {
        "gps_1": {"latitude": 50.91, "longitude": 4.2, "altitude": 60.5}, "horizontalAccuracy": 7.8, "speedKmph": 3.6,
        "headingDeg": 90, "hdop": 0.9, "battery": 81, "ALARM_status": "TRUE", "time": "2026-05-04T08:12:01Z",
    }  # fmt: skip
    (fix,) = fixes(read(LoraWan, things(decoded)))
    assert (fix.accuracy_m, fix.speed_mps, fix.course_deg) == (7.8, 1.0, 90.0)
    assert (fix.altitude_m, fix.hdop, fix.battery_pct, fix.sos) == (60.5, 0.9, 81.0, True)
    assert fix.time == datetime(2026, 5, 4, 8, 12, 1, tzinfo=UTC)


def test_the_error_is_reckoned_from_hdop_where_none_is_stated() -> None:
    (fix,) = fixes(read(LoraWan, things({"lat": 50.91, "lon": 4.2, "hdop": 1.5})))
    assert fix.accuracy_m == pytest.approx(8.0, abs=0.1)


def test_what_may_mean_two_things_is_not_read() -> None:
    (fix,) = fixes(read(LoraWan, things({"lat": 50.91, "lon": 4.2, "speed": 31.7, "battery": 3.61, "alarm": 1})))
    assert (fix.speed_mps, fix.battery_pct, fix.sos) == (None, None, False)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (things({"lat": 0, "lon": 0}), "null-island"),
        (things({"lat": 91, "lon": 4}), "out-of-range"),
        (things({"lat": 50, "lon": 4}, simulated=True), "simulated"),
        (things(None), "not-decoded"),
        (chirpstack(None), "not-decoded"),
        (things({"lat": 50, "lon": 4, "time": "2026-05-04T08:12:01"}), "naive-time"),
        (b'{"uplink_message":{"decoded_payload":{"lat":50,"lon":4}}}', "no-time"),
        (b'{"downlink_failed":{}}', "no-uplink"),
        (b'{"uplink_message":[]}', "invalid"),
        (b"{", "not-json"),
    ],
)
def test_refusals(data: bytes, why: str) -> None:
    said = read(LoraWan, data)
    assert (whys(said), fixes(said)) == ([why], [])


def test_a_message_without_a_position_is_a_sign_of_life() -> None:
    """A gateway's place beside it is none of the tracker's."""
    said = read(LoraWan, things({"battery": 80, "wifi": [{"mac": "a0b3ccd358e6"}]}))
    assert (fixes(said), signs(said)) == ([], ["no-position"])
    assert signs(read(LoraWan, b'{"time":"2026-05-04T08:12:31Z"}')) == ["no-position"]
