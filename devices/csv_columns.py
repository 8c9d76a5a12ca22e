"""Many plain rows of a CSV file at once, by columns: a year of tracks has millions.

What must stay true here: what is read here is what ``tracks_csv`` reads row by row, to the last bit; whatever is not
plain (quotes, blanks, cells left out, anything to be refused or looked at twice) is not read here at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np

from devices import accuracy
from geofence.model import DeviceId, Fixes, FloatColumn, IntColumn, to_micros

LAST_S = 253_402_300_799
"""The last second of the year 9999."""
LONGEST_TIME = 64
OPTIONAL = ("accuracy_m", "speed_mps", "course_deg", "altitude_m")
Cells = Sequence[bytes]
_floats = msgspec.json.Decoder(list[float])


class NotPlainError(ValueError):
    """These rows are to be read one by one."""


def read(lines: Sequence[bytes], header: Mapping[str, int], device: DeviceId) -> Fixes:
    """Return the fixes of whole lines; ``header``: the column of each name. Raises NotPlainError, or ValueError."""
    columns = _columns(lines)
    if max(header.values()) >= len(columns):
        raise NotPlainError
    named = {name: columns[at] for name, at in header.items()}
    lon, lat = _numbers(named["lon"]), _numbers(named["lat"])
    if not (np.abs(lon) <= 180).all() or not (np.abs(lat) <= 90).all() or ((lon == 0) & (lat == 0)).any():
        raise NotPlainError
    devices, index = _devices(named.get("device"), device, len(lines))
    accuracy_m, speed, course, altitude = (_maybe(named.get(name), len(lines)) for name in OPTIONAL)
    course = _in_range(course, 0.0, 360.0)
    nan, zero = np.full(len(lines), np.nan), np.zeros(len(lines), np.int64)
    return Fixes(
        devices, index, _times(named), lon, lat,
        np.where((accuracy_m > 0) & (accuracy_m <= accuracy.MOST_M), accuracy_m, np.nan),
        _in_range(speed, 0.0, 10_000.0), np.where(np.isnan(course), course, course % 360.0),
        _in_range(altitude, -20_000.0, 100_000.0), nan, nan, zero, zero,
    )  # fmt: skip


def _columns(lines: Sequence[bytes]) -> list[Cells]:
    """Return the cells column by column. They are split all at once: a list for each row would be much of the work."""
    whole = b"\n".join(lines)
    if b"\r" in whole:
        lines = [line.removesuffix(b"\r") for line in lines]
        whole = b"\n".join(lines)
    if not whole.isascii() or any(odd in whole for odd in (b'"', b"\r", b" ", b"\t", b"_", b"\0")):
        raise NotPlainError
    (commas, *others) = {line.count(b",") for line in lines}
    if others:
        raise NotPlainError
    cells = whole.replace(b"\n", b",").split(b",")
    return [cells[at :: commas + 1] for at in range(commas + 1)]


def _numbers(cells: Cells) -> FloatColumn:
    text = b",".join(cells)
    try:
        if b",-0," in b",%b," % text:  # to JSON, a whole number without a sign
            raise NotPlainError
        numbers = np.array(_floats.decode(b"[%b]" % text))
    except msgspec.MsgspecError:  # a number, but not one as JSON writes it, or none
        numbers = np.array(list(map(float, cells)))
    if len(numbers) < len(cells) or not np.isfinite(numbers).all():
        raise NotPlainError
    return numbers


def _maybe(cells: Cells | None, count: int) -> FloatColumn:
    """Return numbers, NaN where a cell is empty."""
    if cells is None:
        return np.full(count, np.nan)
    if b"" not in cells:
        return _numbers(cells)
    known = np.array([cell != b"" for cell in cells])
    numbers = np.full(count, np.nan)
    numbers[known] = _numbers([cell for cell in cells if cell])
    return numbers


def _times(named: Mapping[str, Cells]) -> IntColumn:
    cells = named.get("time")
    if cells is None or b"" in cells:
        raise NotPlainError
    if b"".join(cells).replace(b".", b"").isdigit():
        seconds = _numbers(cells)
        if not ((seconds > 0) & (seconds < LAST_S)).all():
            raise NotPlainError
        return np.rint(seconds * 1e6).astype(np.int64)
    if max(map(len, cells)) > LONGEST_TIME:
        raise NotPlainError
    times = [datetime.fromisoformat(cell.decode()) for cell in cells]
    if any(time.tzinfo is None or not 1 < time.year < 9999 for time in times):
        raise NotPlainError
    return np.array([to_micros(time) for time in times], dtype=np.int64)


def _devices(cells: Cells | None, device: DeviceId, count: int) -> tuple[tuple[DeviceId, ...], IntColumn]:
    if cells is None:
        return (device,), np.zeros(count, np.int64)
    index: dict[bytes, int] = {}
    rows = np.array([index.setdefault(cell, len(index)) for cell in cells], dtype=np.int64)
    names = tuple(DeviceId(name.decode()) or device for name in index)
    if len(set(names)) < len(names):
        raise NotPlainError
    return names, rows


def _in_range(values: FloatColumn, low: float, high: float) -> FloatColumn:
    return np.where((values >= low) & (values <= high), values, np.nan)
