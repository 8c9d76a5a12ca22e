"""OwnTracks: what the phone apps publish, and what the Recorder and files keep of it.

    {"_type":"location","lat":50.9101,"lon":4.1981,"tst":1767254400,"acc":9,"vel":4,"cog":120,"alt":61,"batt":81,"t":"u"}
    2026-01-01T08:00:00Z<TAB>*                 <TAB>{"_type":"location",…}        a line of the Recorder's .rec files

    tst epoch seconds of the fix · acc radius in m · vel km/h · cog degrees · alt m · batt % · t what triggered it
    (https://owntracks.org/booklet/tech/json)

One MQTT message is one object, over one line or several, and ``end()`` says that it is whole; in a file each object has
a line of its own.

What must stay true here: only ``location`` makes a fix, and not with trigger ``p``: a ping carries the present time
with an old position. Who sent it was told to the constructor: ``tid`` and ``topic`` are not believed. The apps leave
out what is nought as well as what they do not know, so an absent ``vel``, ``cog``, ``alt`` or ``acc`` is unknown, never
0. There is no convention for an emergency key, so no message is taken for one. A tag that says "break" (the iOS app
sends a tag with everything until it is cleared) makes no fix of a location, only the word that its warden is on break.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from operator import attrgetter

import msgspec
import numpy as np

from devices import accuracy, columns, position
from devices.decoder import LIMIT, Bad, Heartbeat, Pause, Place, Said
from devices.duty import BREAK
from devices.framing import KEPT, Objects
from devices.json_guard import DEEPEST, check_json
from devices.position import KMH_MPS, LAST_S, RefusedError
from geofence.model import DeviceId, Fix, Fixes, IntColumn

ALIVE = frozenset({"lwt", "transition", "status", "steps", "beacon", "dump", "waypoint", "waypoints"})
"""Sent by the phone, or by the broker on its behalf (lwt): a sign of life or of its end, with no fix in it."""
SILENT = frozenset({"card", "cmd", "configuration", "request"})
"""Not about where or whether the phone is."""
RECORDED = re.compile(rb"\S{1,64}[ \t]{1,64}\S{1,64}[ \t]{1,64}(?=\{)")
"""What the Recorder writes before an object: the time it arrived, and which kind of message it was."""


class _Any(msgspec.Struct):
    type: str = msgspec.field(name="_type")


class _Location(msgspec.Struct):
    lat: float
    lon: float
    tst: float
    type: str = msgspec.field(name="_type")
    acc: float | None = math.nan  # what is not there; None: written as null
    vel: float | None = math.nan
    cog: float | None = math.nan
    alt: float | None = math.nan
    batt: float | None = math.nan
    t: str | None = None
    tag: object = None


_place = attrgetter("tst", "lon", "lat", "acc", "vel", "cog", "alt", "batt")
_any = msgspec.json.Decoder(_Any)
_location = msgspec.json.Decoder(_Location)


def _plain(place: _Location) -> bool:
    """Return whether it says no more than a place, and one that can be."""
    return (
        place.type == "location" and place.tag is None and place.t != "p" and 0.0 < place.tst < LAST_S
        and -180.0 <= place.lon <= 180.0 and -90.0 <= place.lat <= 90.0 and (place.lon != 0.0 or place.lat != 0.0)
    )  # fmt: skip


class OwnTracks:
    """One device's messages, or a file of them."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: who this is, by the topic it came on."""
        self._device = device
        self._objects = Objects(RECORDED)

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return what they complete. ``received`` says nothing here: a phone knows the time."""
        return self._take(self._objects.feed(data))

    def end(self) -> list[Said]:
        """Read what is left: the message, or the file, is whole."""
        return self._take(self._objects.end())

    @staticmethod
    def places(data: bytes) -> list[Place] | None:
        """Return what a message says, if it is one location or more, each on a line of its own; see ``Terse``."""
        data = data.removesuffix(b"\n")
        lines = data.count(b"}\n{") + 1  # inside an object, and so inside a line, that is not possible
        alone = data[:1] == b"{" and data.count(b"\n") == lines - 1 and data.count(b"{") == lines
        if not alone or data.count(b"[") >= DEEPEST or b"\r" in data or not data.isascii() or len(data) > LIMIT:
            return None
        try:
            found = _location.decode_lines(data)
        except (msgspec.MsgspecError, RecursionError):
            return None
        terse = len(found) == lines and all(map(_plain, found))
        return [_place(place) for place in found] if terse else None

    @staticmethod
    def columns(devices: tuple[DeviceId, ...], device: IntColumn, places: Sequence[Place]) -> Fixes:
        """Return the fixes; see ``Terse``."""
        time, lon, lat, acc, vel, cog, alt, batt = columns.numbers(places, 8).T.copy()
        nan, zero = np.full(len(places), np.nan), np.zeros(len(places), np.int64)
        return Fixes(
            devices, device, columns.micros(time), lon, lat, columns.stated(acc), columns.speed(vel * KMH_MPS),
            columns.course(cog), columns.altitude(alt), nan, columns.in_range(batt, 0.0, 100.0), zero, zero,
        )  # fmt: skip

    def _take(self, objects: list[bytes | Bad]) -> list[Said]:
        return [said for one in objects for said in ([one] if isinstance(one, Bad) else self._message(one))]

    def _message(self, data: bytes) -> list[Said]:
        try:
            recorded = None if data[:1] == b"{" else RECORDED.match(data)
            return self._read(data[recorded.end() :] if recorded else data)
        except RefusedError as fault:
            return [Bad(fault.why, data[:KEPT], fault.detail)]
        except msgspec.ValidationError as fault:
            return [Bad("invalid", data[:KEPT], str(fault))]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Bad("not-json", data[:KEPT], "not JSON")]

    def _read(self, data: bytes) -> list[Said]:
        check_json(data)
        with suppress(msgspec.ValidationError):  # nearly all are locations: one pass, where it is sound
            place = _location.decode(data)
            if place.type == "location":
                return [self._said(place)]
        kind = _any.decode(data).type
        if kind == "location":
            return [self._said(_location.decode(data))]
        if kind == "encrypted":
            raise RefusedError("encrypted", "encrypted by the app: clear its secret, and use TLS instead")
        if kind in ALIVE:
            return [Heartbeat(self._device, why=kind)]
        if kind in SILENT:
            return []
        raise RefusedError("unknown-type", "a _type that OwnTracks does not have")

    def _said(self, place: _Location) -> Said:
        battery = position.in_range(place.batt, 0.0, 100.0)
        if isinstance(place.tag, str) and place.tag.strip().casefold() in BREAK:
            return Pause(self._device, True, position.seconds_to_time(place.tst), tagged=True)
        if place.t == "p":
            return Heartbeat(self._device, battery, "ping")
        position.check_place(place.lon, place.lat)
        return Fix(
            device=self._device,
            time=position.seconds_to_time(place.tst),
            lon=place.lon,
            lat=place.lat,
            accuracy_m=accuracy.stated(place.acc),
            speed_mps=None if place.vel is None else position.speed(place.vel * KMH_MPS),
            course_deg=position.course(place.cog),
            altitude_m=position.altitude(place.alt),
            battery_pct=battery,
        )
