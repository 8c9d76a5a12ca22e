"""How well and how fast the NMEA decoder reads a directory of gpsd's regression logs.

    python -m tests.benchmarks.nmea_corpus DIR

Each ``X.log`` is what a receiver sent, and ``X.log.chk`` (or ``.chk.gz``) what gpsd makes of it. A fix agrees with
gpsd when a TPV lies within 1e-5 degrees and 1 s of it; a TPV of mode 2 or 3 with time, latitude and longitude is met
when a fix lies so near. gpsd reports the first epoch of some receivers before it has seen a date: such a TPV has no
time, and a fix at its place, dated by a later sentence of the same epoch, counts as ``undated``. At the foot stand
the totals, and the sentences a second of this decoder and of pynmea2 alone.
"""

from __future__ import annotations

import gzip
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pynmea2

from devices.decoder import Bad, Said
from devices.nmea import Nmea
from geofence.model import DeviceId, Fix

NEAR_DEG = 1e-5
NEAR_S = 1.0
SLOP = 1e-9
ODDITIES = {
    "april6_2019.log": "the receiver is 1024 weeks behind; gpsd tells its 1999, the decoder 2019, as the log's header",
    "tcp-torture.log": "23 December 2007, as in tcp-test.log; gpsd, its clock in the future there, adds 1024 weeks",
    "bt451.log": "ends amid an epoch, of which gpsd awaits the rest and the decoder tells what there was",
    "foretrex-201.log": "ends amid an epoch",
    "venus634lp.log": "ends amid an epoch",
    "ericsson-gru04-02-70sec.log": "two positions of one moment, dead reckoned and measured: one fix, the finer",
    "ublox8-uniqid-monhw.log": "the last two reports are from UBX binary sentences between the NMEA ones",
}
"""Why a log's fixes and gpsd's reports do not agree wholly."""
Point = tuple[float, float, float]
"""Seconds since 1970, longitude, latitude."""


class Tpv(msgspec.Struct):
    """The part of gpsd's report that is compared."""

    mode: int = 0
    time: datetime | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Row:
    """One log's figures."""

    name: str
    sentences: int
    fixes: int
    alone: tuple[Fix, ...]
    """Fixes that no TPV agrees with."""
    undated: int
    """Fixes where gpsd tells the place without a time."""
    tpvs: int
    missed: tuple[Point, ...]
    """TPVs no fix meets."""
    bad: Counter[str]
    seconds: float
    pynmea2_seconds: float


def read_check(log: Path) -> list[Tpv]:
    """Return gpsd's reports for a log, all of them."""
    plain = log.with_name(log.name + ".chk")
    data = plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_name(plain.name + ".gz").read_bytes())
    lines = (line for line in data.splitlines() if line.startswith(b'{"class":"TPV"'))
    return [msgspec.json.decode(line, type=Tpv) for line in lines]


def decode(data: bytes) -> list[Said]:
    """Return what the decoder says of a whole log."""
    decoder = Nmea(DeviceId("receiver"))
    return decoder.receive(data) + decoder.end()


def points(tpvs: Sequence[Tpv]) -> list[Point]:
    """Return the reports that tell a position and its time, in order of time."""
    return sorted(
        (t.time.timestamp(), t.lon, t.lat)
        for t in tpvs
        if t.mode in {2, 3} and t.time is not None and t.lat is not None and t.lon is not None
    )


def lonely(these: Sequence[Point], those: Sequence[Point]) -> list[int]:
    """Return which of ``these`` no one of ``those`` (sorted) agrees with."""
    times = [point[0] for point in those]

    def met(point: Point) -> bool:
        for other in those[bisect_left(times, point[0] - NEAR_S - SLOP) :]:
            if other[0] > point[0] + NEAR_S + SLOP:
                return False
            if max(abs(other[1] - point[1]), abs(other[2] - point[2])) <= NEAR_DEG + SLOP:
                return True
        return False

    return [i for i, point in enumerate(these) if not met(point)]


def untimed(fix: Fix, tpvs: Sequence[Tpv]) -> bool:
    """Return whether gpsd tells this place without a time."""
    return any(
        max(abs(t.lon - fix.lon), abs(t.lat - fix.lat)) <= NEAR_DEG + SLOP
        for t in tpvs
        if t.time is None and t.lat is not None and t.lon is not None
    )


def point_of(fix: Fix) -> Point:
    """Return a fix as it is compared."""
    return fix.time.timestamp(), fix.lon, fix.lat


def alone_pynmea2(data: bytes) -> float:
    """Return the seconds pynmea2 takes to parse every sentence by itself."""
    began = time.perf_counter()
    for line in data.splitlines():
        if line.startswith(b"$"):
            try:
                pynmea2.parse(line.decode("ascii"), check=True)
            except (ValueError, IndexError):
                continue
    return time.perf_counter() - began


def measure(log: Path) -> Row:
    """Return one log's figures."""
    data = log.read_bytes()
    began = time.perf_counter()
    said = decode(data)
    seconds = time.perf_counter() - began
    fixes = [one for one in said if isinstance(one, Fix)]
    tpvs = read_check(log)
    ours, theirs = [point_of(fix) for fix in fixes], points(tpvs)
    apart = [fixes[i] for i in lonely(ours, theirs)]
    alone = tuple(fix for fix in apart if not untimed(fix, tpvs))
    return Row(
        name=log.name,
        sentences=sum(line.startswith(b"$") for line in data.splitlines()),
        fixes=len(fixes),
        alone=alone,
        undated=len(apart) - len(alone),
        tpvs=len(theirs),
        missed=tuple(theirs[i] for i in lonely(theirs, sorted(ours))),
        bad=Counter(one.why for one in said if isinstance(one, Bad)),
        seconds=seconds,
        pynmea2_seconds=alone_pynmea2(data),
    )


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table's lines."""
    yield f"{'log':36} {'fixes':>6} {'agree':>6} {'undated':>7} {'TPVs':>6} {'met':>6}  refused"
    for row in rows:
        bad = " ".join(f"{why}:{n}" for why, n in sorted(row.bad.items()))
        agree, met = row.fixes - len(row.alone) - row.undated, row.tpvs - len(row.missed)
        yield f"{row.name:36} {row.fixes:6} {agree:6} {row.undated:7} {row.tpvs:6} {met:6}  {bad}"
    fixes, tpvs = sum(row.fixes for row in rows), sum(row.tpvs for row in rows)
    undated = sum(row.undated for row in rows)
    alone = sum(len(row.alone) for row in rows)
    agree = fixes - undated - alone
    met = tpvs - sum(len(row.missed) for row in rows)
    yield f"{'all':36} {fixes:6} {agree:6} {undated:7} {tpvs:6} {met:6}"
    yield f"{agree / max(fixes, 1):.2%} of fixes agree with a TPV, with the undated {1 - alone / max(fixes, 1):.2%}"
    yield f"{met / max(tpvs, 1):.2%} of TPVs are met by a fix"
    count = sum(row.sentences for row in rows)
    ours, theirs = sum(row.seconds for row in rows), sum(row.pynmea2_seconds for row in rows)
    yield f"{count} sentences: {count / ours:,.0f}/s into fixes, {count / theirs:,.0f}/s by pynmea2 parsing each alone"


def main(directory: str) -> None:
    """Print the table, then what did not agree."""
    rows = [measure(log) for log in sorted(Path(directory).glob("*.log"))]
    print("\n".join(table(rows)))
    for row in rows:
        if row.alone or row.missed:
            print(f"{row.name}: {ODDITIES.get(row.name, 'NOT EXPLAINED')}")
        for fix in row.alone:
            print(f"  no TPV near the fix {fix.time.isoformat()} {fix.lon:.6f} {fix.lat:.6f} {fix.flags!r}")
        for seconds, lon, lat in row.missed:
            print(f"  no fix near the TPV {datetime.fromtimestamp(seconds, UTC).isoformat()} {lon} {lat}")


if __name__ == "__main__":
    main(sys.argv[1])
