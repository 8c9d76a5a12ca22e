"""Many plain rows of a CSV file at once, by columns: a year of tracks has millions.

What must stay true here: what is read here is what ``tracks_csv`` reads row by row, to the last bit; whatever is not
plain (quotes, blanks, cells left out, anything to be refused or looked at twice) is not read here at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from devices import columns
from devices.csv_scan import DIGITS, NAME, NUMBER, SKIP, TEXT, NotPlainError, scan
from devices.position import LAST_S
from geofence.model import DeviceId, Fixes, FloatColumn, IntColumn, to_micros

LONGEST_TIME = 64
NUMBERS = ("lon", "lat", "accuracy_m", "speed_mps", "course_deg", "altitude_m")


def read(data: bytes, header: Mapping[str, int], device: DeviceId, longest: int) -> Fixes:
    """Return the fixes of whole lines, of ``longest`` bytes at most; ``header``: the column of each name.

    Raises NotPlainError, or ValueError or OverflowError: what a number or a time has against itself.
    """
    if "time" not in header:
        raise NotPlainError
    kinds = _kinds(data, header)
    found = scan(data, kinds, longest)
    rows = len(found.name)
    numbers = np.asarray(found.numbers).reshape(rows, -1).T.copy() if rows else np.empty((len(kinds), 0))
    order = [column for column, kind in enumerate(kinds) if kind in (NUMBER, DIGITS)]
    named = {name: numbers[order.index(column)] for name, column in header.items() if column in order}
    lon, lat = named["lon"], named["lat"]
    if not (np.abs(lon) <= 180).all() or not (np.abs(lat) <= 90).all() or ((lon == 0) & (lat == 0)).any():
        raise NotPlainError
    time = _seconds(named["time"]) if "time" in named else _moments(found.texts)
    names = tuple(DeviceId(name.decode()) or device for name in found.names.all) or (device,)
    if len(set(names)) < len(names):
        raise NotPlainError
    nan, zero = np.full(rows, np.nan), np.zeros(rows, np.int64)
    accuracy_m, speed, course, altitude = (named.get(name, nan) for name in NUMBERS[2:])
    return Fixes(
        names, np.asarray(found.name), time, lon, lat,
        columns.stated(accuracy_m), columns.speed(speed), columns.course(course), columns.altitude(altitude),
        nan, nan, zero, zero,
    )  # fmt: skip


def _kinds(data: bytes, header: Mapping[str, int]) -> str:
    """Return what each column of these rows holds, by their first."""
    cells = data[: data.find(b"\n")].split(b",")
    kinds = [SKIP] * len(cells)
    if max(header.values()) >= len(cells):
        raise NotPlainError
    for name, column in header.items():
        if name == "device":
            kinds[column] = NAME
        elif name == "time":
            kinds[column] = DIGITS if cells[column].replace(b".", b"").isdigit() else TEXT
        elif name in NUMBERS:
            kinds[column] = NUMBER
    return "".join(kinds)


def _seconds(seconds: FloatColumn) -> IntColumn:
    if not ((seconds > 0) & (seconds < LAST_S)).all():
        raise NotPlainError
    return columns.micros(seconds)


def _moments(cells: Sequence[bytes]) -> IntColumn:
    if max(map(len, cells), default=0) > LONGEST_TIME:
        raise NotPlainError
    times = [datetime.fromisoformat(cell.decode()) for cell in cells]
    if any(time.tzinfo is None or not 1 < time.year < 9999 for time in times):
        raise NotPlainError
    return np.array([to_micros(time) for time in times], dtype=np.int64)
