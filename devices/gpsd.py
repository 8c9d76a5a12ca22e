"""gpsd's JSON reports, from port 2947 or from a file of them.

    {"class":"TPV","device":"/dev/ttyUSB0","mode":3,"time":"2026-01-01T08:00:00.000Z","lat":50.9101,"lon":4.1981,
     "altMSL":61.2,"eph":7.6,"track":120.1,"speed":1.10}<CR><LF>
    VERSION, DEVICES, WATCH, DEVICE, SKY, …: about gpsd and the sky; ERROR: gpsd does not like what it was asked
    (gpsd_json(5); an object has a line of its own, of at most 10240 bytes)

Of one moment there are often several TPVs, each knowing more: they become one fix, told when the same receiver speaks
of another moment.

What must stay true here: mode 2 or 3 or no fix; without one the ``time`` may be anything. ``eph`` is taken as a 95 %
radius. Lines of NMEA or AIS between the objects (gpsd's raw mode) say nothing here.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from devices import accuracy, position
from devices.decoder import Bad, Heartbeat, Said
from devices.framing import KEPT, Lines
from devices.json_guard import check_json
from devices.position import RefusedError
from geofence.model import DeviceId, Fix

LONGEST = 10240
MOST_RECEIVERS = 16
"""Receivers of one gpsd of which a moment is held."""
AXIS95 = 1.96
"""gpsd's epx and epy are 95 % of one axis: so many sigmas."""


class _Any(msgspec.Struct):
    class_: str = msgspec.field(name="class")


class _Error(msgspec.Struct):
    message: str = ""


class _Tpv(msgspec.Struct):
    mode: int = 0
    device: str = ""
    status: int = 0
    time: str | None = None
    lat: float | None = None
    lon: float | None = None
    eph: float | None = None
    epx: float | None = None
    epy: float | None = None
    speed: float | None = None
    track: float | None = None
    altMSL: float | None = None  # noqa: N815 - gpsd's own name
    alt: float | None = None


_any = msgspec.json.Decoder(_Any)
_error = msgspec.json.Decoder(_Error)
_tpv = msgspec.json.Decoder(_Tpv)
_NAMES = tuple(name for name in _Tpv.__struct_fields__ if name not in {"mode", "device", "status", "time"})


class Gpsd:
    """One gpsd's reports into one fix per receiver and moment."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: who carries the receiver; its path on gpsd's machine does not say."""
        self._device = device
        self._lines = Lines(LONGEST)
        self._held: dict[str, tuple[_Tpv, bytes]] = {}
        """The moment each receiver is in, by its path."""

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return what they complete. ``received`` says nothing here: gpsd knows the time."""
        return self._take(self._lines.feed(data))

    def end(self) -> list[Said]:
        """Say what is still held."""
        said = self._take(self._lines.end())
        for path in list(self._held):
            said += self._tell(path)
        return said

    def _take(self, lines: list[bytes | Bad]) -> list[Said]:
        said: list[Said] = []
        for line in lines:
            if isinstance(line, Bad):
                said.append(line)
            elif line[:1] not in b"$!#":
                said += self._line(line)
        return said

    def _line(self, line: bytes) -> list[Said]:
        try:
            check_json(line)
            kind = _any.decode(line).class_
            if kind == "ERROR":
                raise RefusedError("gpsd-error", _error.decode(line).message[:KEPT])
            return self._moment(_tpv.decode(line), line) if kind == "TPV" else []
        except RefusedError as fault:
            return [Bad(fault.why, line[:KEPT], fault.detail)]
        except msgspec.ValidationError as fault:
            return [Bad("invalid", line[:KEPT], str(fault))]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Bad("not-json", line[:KEPT], "not JSON")]

    def _moment(self, tpv: _Tpv, line: bytes) -> list[Said]:
        """Add a report to its moment; return the moment it ends."""
        path = tpv.device
        held = self._held.get(path)
        if held is not None and held[0].time == tpv.time and held[0].mode >= 2 and tpv.mode >= 2:
            for name in _NAMES:
                if getattr(tpv, name) is None:
                    setattr(tpv, name, getattr(held[0], name))
        said = self._tell(path) if held is not None and held[0].time != tpv.time else []
        if path not in self._held and len(self._held) >= MOST_RECEIVERS:
            said += self._tell(next(iter(self._held)))
        self._held[path] = (tpv, line[:KEPT])
        return said

    def _tell(self, path: str) -> list[Said]:
        tpv, line = self._held.pop(path)
        try:
            return [self._said(tpv)]
        except RefusedError as fault:
            return [Bad(fault.why, line, fault.detail)]

    def _said(self, tpv: _Tpv) -> Said:
        if tpv.mode < 2:
            return Heartbeat(self._device, why="no-fix")
        if tpv.status == 8:
            raise RefusedError("simulated", "gpsd says that this is simulated")
        if tpv.lat is None or tpv.lon is None:
            raise RefusedError("blank-position", "a fix without latitude and longitude")
        if tpv.time is None:
            raise RefusedError("no-time", "a position without its time")
        position.check_place(tpv.lon, tpv.lat)
        return Fix(
            device=self._device,
            time=position.iso_to_time(tpv.time),
            lon=tpv.lon,
            lat=tpv.lat,
            accuracy_m=_radius(tpv),
            speed_mps=position.speed(tpv.speed),
            course_deg=position.course(tpv.track),
            altitude_m=position.altitude(tpv.alt if tpv.altMSL is None else tpv.altMSL),
        )


def _radius(tpv: _Tpv) -> float | None:
    if tpv.eph is not None:
        return accuracy.stated(accuracy.from_r95(tpv.eph))
    if tpv.epx is not None and tpv.epy is not None:
        return accuracy.stated(accuracy.from_axes(tpv.epx / AXIS95, tpv.epy / AXIS95))
    return None
