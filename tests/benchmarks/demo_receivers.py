"""What two receivers say of the demo's day: an NMEA 0183 log and an OwnTracks record, each with its kind's dirt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.benchmarks import demo_town as town
from tests.benchmarks.demo_walk import Array, Random

KNOT_MPS = 1852 / 3600
NMEA_STEP_S = 5
FIRST_TIME_S, FIRST_FIX_S = 25, 85
"""A cold start: the clock comes before the place."""
DIRTY = 14
"""Sentences that were damaged on the line."""
TOPIC = "owntracks/asse/w02"
DIPS = (("07:47:20", 95), ("09:15:40", 60), ("10:37:30", 240), ("11:24:00", 130), ("14:03:10", 210), ("16:31:00", 75))
"""Short losses of coverage: when, seconds."""
DAY0 = datetime.fromisoformat(f"{town.DATE}T{town.BEGIN}:00").replace(tzinfo=UTC) - timedelta(hours=town.OFFSET_H)


def _speed_course(xy: Array, at: int) -> tuple[float, float]:
    """Return metres per second and degrees, over four seconds as a receiver smooths them."""
    dx, dy = xy[at] - xy[max(0, at - 4)]
    return float(np.hypot(dx, dy)) / 4, float(np.degrees(np.arctan2(dx, dy))) % 360


# --- NMEA 0183


def nmea_log(xy: Array, error: Array, error_m: Array, up: Array, rng: Random) -> bytes:
    """Return the log of w01: RMC and GGA every 5 s."""
    told = xy + error
    lines = [_sentence("GNTXT,01,01,02,ANTSTATUS=OK")]
    gap = range(town.second(town.GAP[0]), town.second(town.GAP[1]))
    dirty = set(rng.choice(np.arange(200, 2 * len(xy) // NMEA_STEP_S - 200), DIRTY, replace=False).tolist())
    for at in range(0, len(xy), NMEA_STEP_S):
        if at in gap:
            continue
        speed, course = _speed_course(told, at)
        epoch = _blind(at) if at < FIRST_FIX_S else _epoch(at, told[at], speed, course, error_m[at], up[at], rng)
        lines += epoch
    return b"".join(_damage(line, rng) if number in dirty else line for number, line in enumerate(lines))


def _sentence(body: str) -> bytes:
    check = 0
    for letter in body.encode("ascii"):
        check ^= letter
    return f"${body}*{check:02X}\r\n".encode("ascii")


def _blind(at: int) -> list[bytes]:
    clock = f"{DAY0 + timedelta(seconds=at):%H%M%S}.00" if at >= FIRST_TIME_S else ""
    date = f"{DAY0:%d%m%y}" if clock else ""
    return [_sentence(f"GNRMC,{clock},V,,,,,,,{date},,,N"), _sentence(f"GNGGA,{clock},,,,,0,00,99.99,,,,,,")]


def _epoch(at: int, xy: Array, speed: float, course: float, error_m: float, up: float, rng: Random) -> list[bytes]:
    clock = f"{DAY0 + timedelta(seconds=at):%H%M%S}.00"
    lon, lat = town.degrees(*xy.tolist())
    place = f"{_angle(lat, 2)},N,{_angle(lon, 3)},E"
    # A walker's course is left out when he stands, as receivers do; the dilution follows the view of the sky.
    heading = f"{course:.2f}" if speed > 0.4 else ""
    hdop = max(0.7, error_m / 4.2 + rng.normal(0, 0.04))
    seen = int(np.clip(round(18 - 1.5 * error_m + rng.normal(0, 0.8)), 5, 12))
    return [
        _sentence(f"GNRMC,{clock},A,{place},{speed / KNOT_MPS:.3f},{heading},{DAY0:%d%m%y},,,A"),
        _sentence(f"GNGGA,{clock},{place},1,{seen:02d},{hdop:.2f},{71 + 5 * up:.1f},M,45.6,M,,"),
    ]


def _angle(degrees: float, width: int) -> str:
    whole = int(degrees)
    minutes = round((degrees - whole) * 60, 5)
    if minutes >= 60:
        whole, minutes = whole + 1, 0.0
    return f"{whole:0{width}d}{minutes:08.5f}"


def _damage(line: bytes, rng: Random) -> bytes:
    at = int(rng.integers(10, len(line) - 8))
    kind = int(rng.integers(4))
    if kind == 0:  # one digit read wrong: only the checksum tells
        return line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
    if kind == 1:  # the end lost, line end too: the next sentence follows in the same line
        return line[:at]
    if kind == 2:  # letters lost within
        return line[:at] + line[at + 4 :]
    return line[:at] + b"\xff\x00\x8a" + line[at:]  # noise on the line


# --- OwnTracks


@dataclass
class Said:
    """One message: what the phone said, when it said it and when that arrived."""

    at: float
    received: float
    body: dict[str, Any]


def owntracks_record(xy: Array, error: Array, error_m: Array, rng: Random) -> bytes:
    """Return the record of w02 as the OwnTracks Recorder writes it: time of arrival, topic, message; as it arrived."""
    messages = list(_messages(xy + error, xy, error_m, rng))
    again = [one for one in messages if rng.random() < 0.006 or (one.received - one.at > 30 and rng.random() < 0.04)]
    # Sent once more, for the acknowledgement was lost with the coverage.
    messages += [Said(one.at, one.received + float(rng.uniform(2, 9)), one.body) for one in again]
    messages += [_ping(xy + error), _will()]
    lines = []
    for one in sorted(messages, key=lambda said: said.received):
        arrived = DAY0 + timedelta(seconds=int(one.received))
        said = json.dumps(one.body, separators=(",", ":"))
        lines.append(f"{arrived:%Y-%m-%dT%H:%M:%SZ}\t{'*':<18}\t{said}\n")
    return "".join(lines).encode("utf-8")


def _messages(told: Array, true: Array, error_m: Array, rng: Random) -> Iterator[Said]:
    for at in _moments(true, rng):
        speed, course = _speed_course(told, at)
        received, online = _received(at, rng)
        yield Said(at, received, _location(at, told[at], speed, course, error_m[at], online, len(told), rng))


def _moments(xy: Array, rng: Random) -> Iterator[int]:
    """Say when the phone measures: about every 10 s, less often the longer it lies still."""
    at, still = 3, 0
    while at < len(xy):
        yield at
        moved = float(np.hypot(*(xy[at] - xy[max(0, at - 20)])))
        still = 0 if moved > 8 else still + 1
        # Counted in messages: three and a half minutes as before, then half an hour every 20 s, then every minute.
        step = 10 if still < 20 else 20 if still < 110 else 60
        at += step + int(rng.integers(-1, 3))


def _received(at: int, rng: Random) -> tuple[float, bool]:
    """Say when a message arrives, and whether the phone was connected when it measured."""
    if town.second(town.NO_COVERAGE[0]) <= at < town.second(town.NO_COVERAGE[1]):
        waited = at - town.second(town.NO_COVERAGE[0])
        return town.second(town.UPLOADED) + waited / 60 + float(rng.uniform(0, 1.5)), False
    for begin, seconds in DIPS:
        if town.second(begin) <= at < town.second(begin) + seconds:
            # What is new goes out first, what was kept some 20 s later, all at once and not quite in order.
            return town.second(begin) + seconds + 20 + float(rng.uniform(0, 6)), False
    return at + float(rng.uniform(0.6, 3.2)), True


def _location(
    at: int, xy: Array, speed: float, course: float, error_m: float, online: bool, day_s: int, rng: Random
) -> dict[str, Any]:
    lon, lat = town.degrees(*xy.tolist())
    when = int(DAY0.timestamp()) + at
    said: dict[str, Any] = {
        "_type": "location", "topic": TOPIC, "tid": "w2", "lat": round(lat, 7), "lon": round(lon, 7),
        "acc": max(3, round(error_m * float(rng.uniform(0.9, 1.3)))), "alt": round(58 + float(rng.normal(0, 2))),
        "vac": max(2, round(error_m * 0.6)), "batt": round(97 - 63 * at / day_s), "bs": 1,
        "conn": "m" if online else "o", "tst": when, "created_at": when + 1,
    }  # fmt: skip
    if round(speed * 3.6):  # the app leaves out what is 0
        said["vel"] = round(speed * 3.6)
        said["cog"] = round(course) % 360
    return said


def _ping(told: Array) -> Said:
    at = town.second("12:20:00")
    lon, lat = town.degrees(*told[at].tolist())
    when = int(DAY0.timestamp()) + at
    body = {"_type": "location", "topic": TOPIC, "tid": "w2", "t": "p", "lat": round(lat, 7), "lon": round(lon, 7),
            "acc": 9, "batt": 67, "conn": "w", "tst": when, "created_at": when}  # fmt: skip
    return Said(at, at + 1, body)


def _will() -> Said:
    """Return what the broker says for the phone once it is gone; its time is that of the connection."""
    gone = town.second(town.NO_COVERAGE[0]) + 90
    since = int(DAY0.timestamp()) + town.second("11:26:20")
    return Said(gone, gone, {"_type": "lwt", "topic": TOPIC, "tst": since})
