"""LoRaWAN trackers, as their network server publishes them: ChirpStack 4 and The Things Stack 3.

    application/APPLICATION/device/DEVEUI/event/up      {"time":…, "object":{…}, "rxInfo":[…]}
    v3/APPLICATION@TENANT/devices/DEVICE/up             {"received_at":…, "uplink_message":{"decoded_payload":{…}, …}}

    object, decoded_payload   what the tracker's own codec, set up in the network server, made of its bytes: every maker
                              names things as it likes, and may nest them ({"gps_1":{"latitude":…}})

What must stay true here: a position is taken from what the codec made and from nowhere else, for the places beside it
are of gateways and of the server's register. A name means one thing or is not read: a ``speed`` without its unit is
none, a ``battery`` with a fraction is volts. The time is the tracker's where it says one; else when the network first
had the message, seconds later. What the server simulates is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from devices import accuracy, position
from devices.decoder import Bad, Heartbeat, Said
from devices.framing import KEPT, Objects
from devices.json_guard import check_json
from devices.position import KMH_MPS, RefusedError
from geofence.model import DeviceId, Fix

LATITUDE = ("latitude", "lat", "gpslatitude", "gpslat", "latitudedeg")
LONGITUDE = ("longitude", "lon", "lng", "long", "gpslongitude", "gpslon", "gpslng", "longitudedeg", "longitud")
ACCURACY = ("accuracy", "accuracym", "horizontalaccuracy", "hacc")
ALTITUDE = ("altitude", "alt", "gpsaltitude", "altitudem")
BATTERY = ("battery", "batterylevel", "batterypercent", "batterypercentage", "batterypct", "bat")
TIME = ("time", "timestamp", "gpstime", "fixtime", "positiontime")
SOS = ("sos", "alarmstatus", "sosalarm", "panic")
Decoded = Mapping[str, Any]


class _Uplink(msgspec.Struct):
    received_at: str | None = None
    frm_payload: str = ""
    decoded_payload: dict[str, Any] | None = None


class _Message(msgspec.Struct):
    time: str | None = None
    data: str = ""
    object: dict[str, Any] | None = None
    uplink_message: _Uplink | None = None
    simulated: bool = False


_message = msgspec.json.Decoder(_Message)


class LoraWan:
    """One tracker's messages, or a file of them."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: who this is, by the topic it came on."""
        self._device = device
        self._objects = Objects()

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return what they complete. ``received`` says nothing here: the server knows the time."""
        return [self._said(one) for one in self._objects.feed(data)]

    def end(self) -> list[Said]:
        """Read what is left: the message, or the file, is whole."""
        return [self._said(one) for one in self._objects.end()]

    def _said(self, data: bytes | Bad) -> Said:
        if isinstance(data, Bad):
            return data
        try:
            check_json(data)
            return self._read(_message.decode(data))
        except RefusedError as fault:
            return Bad(fault.why, data[:KEPT], fault.detail)
        except msgspec.ValidationError as fault:
            return Bad("invalid", data[:KEPT], str(fault))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Bad("not-json", data[:KEPT], "not JSON")

    def _read(self, message: _Message) -> Said:
        up = message.uplink_message
        if message.simulated:
            raise RefusedError("simulated", "an uplink the network server simulated")
        if up is None and message.time is None:
            raise RefusedError("no-uplink", "no uplink of ChirpStack 4 or The Things Stack 3")
        if up is not None:
            sent, decoded, heard = up.frm_payload, up.decoded_payload, up.received_at
        else:
            sent, decoded, heard = message.data, message.object, message.time
        if decoded is None and sent:
            raise RefusedError("not-decoded", "set up the tracker's codec (payload formatter) in the network server")
        decoded = decoded or {}
        for level in _levels(decoded):
            lon, lat = _number(level, LONGITUDE), _number(level, LATITUDE)
            if lon is not None and lat is not None:
                return self._fix(lon, lat, level, decoded, heard)
        return Heartbeat(self._device, _battery(decoded), "no-position")

    def _fix(self, lon: float, lat: float, level: Decoded, decoded: Decoded, heard: str | None) -> Fix:
        """``level``: where the position stands in what the codec made; what is beside it comes before the rest."""
        position.check_place(lon, lat)
        both = {**decoded, **level}
        kmh = _number(both, ("speedkmph", "speedkmh", "gpsspeedkmh"))
        hdop = position.in_range(_number(both, ("hdop",)), 0.1, accuracy.MOST_DOP)
        radius = _number(both, ACCURACY)
        return Fix(
            device=self._device,
            time=_when(both, heard),
            lon=lon,
            lat=lat,
            accuracy_m=accuracy.stated(accuracy.from_hdop(hdop) if radius is None and hdop is not None else radius),
            speed_mps=None if kmh is None else position.speed(kmh * KMH_MPS),
            course_deg=position.course(_number(both, ("heading", "course", "headingdeg"))),
            altitude_m=position.altitude(_number(both, ALTITUDE)),
            hdop=hdop,
            battery_pct=_battery(both),
            sos=any(str(_value(both, (name,))).lower() in ("true", "1") for name in SOS),
        )


def _levels(decoded: Decoded) -> Iterator[Decoded]:
    """Yield every object in what the codec made, the outer before the inner; ``check_json`` has bounded the depth."""
    waiting: deque[Any] = deque([decoded])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _value(level: Decoded, names: tuple[str, ...]) -> Any:
    """Return what stands under the first of these names, written with or without capitals and underscores."""
    known = {"".join(filter(str.isalnum, key)).lower(): value for key, value in level.items()}
    return next((known[name] for name in names if name in known), None)


def _number(level: Decoded, names: tuple[str, ...]) -> float | None:
    """Return the first of these that is a number, also one written as text."""
    for name in names:
        value = _value(level, (name,))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and len(value) <= 32:
            try:
                return position.number(value)
            except RefusedError:
                continue
    return None


def _battery(level: Decoded) -> float | None:
    percent = _number(level, BATTERY)
    return position.in_range(percent, 0.0, 100.0) if percent is not None and percent.is_integer() else None


def _when(level: Decoded, heard: str | None) -> datetime:
    """Return the tracker's own time, or when the network had the message."""
    said = _value(level, TIME)
    if isinstance(said, str) and "T" in said:
        return position.iso_to_time(said)
    if isinstance(said, int | float) and not isinstance(said, bool) and 1e9 < said < 1e10:
        return position.seconds_to_time(said)
    if heard is None:
        raise RefusedError("no-time", "neither the tracker nor the network says when")
    return position.iso_to_time(heard)
