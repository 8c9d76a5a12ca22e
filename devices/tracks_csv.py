"""Tracks as comma-separated values.

    device,time,lon,lat[,accuracy_m,speed_mps,course_deg,altitude_m]
    w01,2026-05-04T08:12:31Z,4.1981,50.9101,6
    w01,1777882351,4.1981,50.9101,6

``time`` is ISO 8601 with a zone, or seconds since 1970. The columns may stand in any order and others beside them; an
empty cell, or no column ``device``, means the device the file was said to be of. A few other names that leave no doubt
of what they mean, and in which unit, are taken too (``ALIASES``).

What must stay true here: a row at fault is told with its line and does not hide the next; a header at fault is told
once, with what it lacks. A time without a zone is refused: it could be hours off.
"""

from __future__ import annotations

import csv
from datetime import datetime

from devices import accuracy, csv_columns, position
from devices.csv_scan import NotPlainError
from devices.decoder import Bad, Said
from devices.framing import KEPT, Lines
from devices.position import RefusedError
from geofence.model import DeviceId, Fix, Fixes

LONGEST = 8192
REQUIRED = ("time", "lon", "lat")
ALIASES = {
    "latitude": "lat", "longitude": "lon", "lng": "lon", "timestamp": "time", "timestamp_utc": "time",
    "utc_time_ms": "time_ms", "alt_m": "altitude_m", "track_deg": "course_deg",
}  # fmt: skip
BOM = b"\xef\xbb\xbf"


class TracksCsv:
    """A file's rows into fixes."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: whose track it is where a row does not say."""
        self._device = device
        self._lines = Lines(LONGEST, numbered=True)
        self._number = 0
        """Of the line last read, from 1."""
        self._header: dict[str, int] | None = None
        """The column of each name; empty: the header was at fault, and nothing after it can be read."""

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return what they complete. ``received`` says nothing here: each row has its time."""
        return self._take(self._lines.feed(data))

    def receive_many(self, data: bytes) -> list[Said | Fixes]:
        """Do the same by columns, where all rows are plain; else row by row, which knows every case."""
        block = self._lines.block(data)
        if block is None:
            return [*self._take(self._lines.feed(data))]
        said: list[Said | Fixes] = []
        start = 0
        while self._header is None and start < len(block):
            end = block.find(b"\n", start) + 1
            said += self._take(_lines(block[start:end]))
            start = end
        block = block[start:]
        if not block:
            return said
        try:
            if not self._header:
                raise NotPlainError
            fixes = csv_columns.read(block, self._header, self._device, LONGEST)
            self._number += len(fixes)
            said.append(fixes)
        except (ValueError, OverflowError):  # also what a number or a time has against itself
            said += self._take(_lines(block))
        return said

    def end(self) -> list[Said]:
        """Read the last line, which may lack its end."""
        return self._take(self._lines.end())

    def _take(self, lines: list[bytes | Bad]) -> list[Said]:
        said: list[Said] = []
        for line in lines:
            self._number += 1
            if isinstance(line, Bad):
                said.append(Bad(line.why, line.data, f"line {self._number}: {line.detail}"))
            elif line.strip():
                said += self._line(line)
        return said

    def _line(self, line: bytes) -> list[Said]:
        try:
            cells = _cells(line.removeprefix(BOM) if self._header is None else line)
            if self._header is None:
                self._header = {}
                self._header = _columns(cells)
            elif self._header:
                return [self._row(cells, self._header)]
        except RefusedError as fault:
            return [Bad(fault.why, line[:KEPT], f"line {self._number}: {fault.detail}")]
        return []

    def _row(self, cells: list[str], header: dict[str, int]) -> Fix:
        def cell(name: str) -> str:
            column = header.get(name)
            return "" if column is None or column >= len(cells) else cells[column].strip()

        def measure(name: str) -> float | None:
            return position.number(cell(name)) if cell(name) else None

        lacking = [name for name in REQUIRED if not cell(name) and not (name == "time" and cell("time_ms"))]
        if lacking:
            raise RefusedError("blank", f"{', '.join(lacking)} left empty")
        lon, lat = position.number(cell("lon")), position.number(cell("lat"))
        position.check_place(lon, lat)
        return Fix(
            device=DeviceId(cell("device")) or self._device,
            time=_time(cell("time")) if cell("time") else _time_ms(cell("time_ms")),
            lon=lon,
            lat=lat,
            accuracy_m=accuracy.stated(measure("accuracy_m")),
            speed_mps=position.speed(measure("speed_mps")),
            course_deg=position.course(measure("course_deg")),
            altitude_m=position.altitude(measure("altitude_m")),
        )


def _lines(block: bytes) -> list[bytes | Bad]:
    return Lines(LONGEST, numbered=True).feed(block)


def _cells(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode()], strict=True), [])
    except UnicodeDecodeError:
        raise RefusedError("not-utf-8", "not UTF-8 text: save the file as UTF-8") from None
    except csv.Error as fault:
        raise RefusedError("not-csv", str(fault)) from None


def _columns(cells: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for i, cell in enumerate(cells):
        name = cell.strip().lower()
        columns.setdefault(ALIASES.get(name, name), i)
    lacking = [name for name in REQUIRED if name not in columns and not (name == "time" and "time_ms" in columns)]
    if lacking:
        advice = "; separate the columns by commas" if len(cells) == 1 else ""
        raise RefusedError(
            "header",
            f"no column {', '.join(lacking)}: the first line must be device,time,lon,lat[,accuracy_m,…]{advice}",
        )
    return columns


def _time(text: str) -> datetime:
    if text.replace(".", "", 1).isdecimal():
        return position.seconds_to_time(position.number(text))
    return position.iso_to_time(text)


def _time_ms(text: str) -> datetime:
    return position.seconds_to_time(position.number(text) / 1000.0)
