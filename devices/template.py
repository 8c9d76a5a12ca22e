"""A decoder to copy for a new tracker; it is not in ``DECODERS``.

    imaginary "Brick 1" · one line for each fix, ended by LF
    B1,1767254400,50.910100,4.198100,81,0
    |  |          |         |        |  emergency key: 0 or 1
    |  |          |         |        battery in percent
    |  |          |         longitude, degrees
    |  |          latitude, degrees
    |  seconds since 1970, UTC
    what every line begins with

To make your own: copy this file, draw your format above, change ``_read``, add one line to ``DECODERS`` in
``devices/__init__.py``, put what your tracker really sent into ``tests/devices/captures/`` with its ``whence.txt``. The
contract tests then hold it to what ``devices/decoder.py`` demands.

What must stay true here: the envelope is checked first, then the fields; what cannot be read raises ``RefusedError``,
which becomes a ``Bad`` in one place.
"""

from __future__ import annotations

from datetime import datetime

from devices import position
from devices.decoder import Bad, Said
from devices.framing import KEPT, Lines
from devices.position import RefusedError
from geofence.model import DeviceId, Fix


class Template:
    """One tracker's lines into fixes."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: who this tracker is."""
        self._device = device
        self._lines = Lines()

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return what they complete."""
        return [self._said(line) for line in self._lines.feed(data)]

    def end(self) -> list[Said]:
        """Read the last line, which had no end."""
        return [self._said(line) for line in self._lines.end()]

    def _said(self, line: bytes | Bad) -> Said:
        if isinstance(line, Bad):
            return line
        try:
            return self._read(line)
        except RefusedError as fault:
            return Bad(fault.why, line[:KEPT], fault.detail)

    def _read(self, line: bytes) -> Fix:
        cells = line.decode("ascii", "replace").split(",")
        if len(cells) != 6 or cells[0] != "B1":
            raise RefusedError("not-a-brick", "not B1 and five fields")
        time, lat, lon, battery = (position.number(cell) for cell in cells[1:5])
        position.check_place(lon, lat)
        return Fix(
            device=self._device,
            time=position.seconds_to_time(time),
            lon=lon,
            lat=lat,
            battery_pct=position.in_range(battery, 0.0, 100.0),
            sos=cells[5] == "1",
        )
