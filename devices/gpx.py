"""GPX tracks, of any version and namespace.

    <gpx …><trk><trkseg>
      <trkpt lat="50.9101" lon="4.1981"><ele>61</ele><time>2026-05-04T08:12:31Z</time><hdop>1.2</hdop></trkpt>
    …  <speed> (m/s) and <course> of GPX 1.0 and of extensions are read too, by whatever prefix

The standard says that times are UTC, so one without a zone is.

What must stay true here: only track points make fixes; routes and waypoints are plans, not records. No document type is
accepted, so no entity can be declared: bombs and outside references end the reading at their first line. Expat is given
blocks of equal size however the file was cut, and holds no more than ``LIMIT`` bytes of an unfinished tag.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.parsers import expat

from devices import accuracy, position
from devices.decoder import LIMIT, Bad, Said
from devices.position import RefusedError
from geofence.model import DeviceId, Fix, Flag

BLOCK = 16 * 1024
DEEPEST = 64
LONGEST_TEXT = 64
READ = frozenset({"time", "ele", "hdop", "speed", "course"})


class Gpx:
    """A file's track points into fixes."""

    def __init__(self, device: DeviceId) -> None:
        """``device``: whose track it is."""
        self._device = device
        self._block = bytearray()
        self._fed = 0
        self._broken = False
        self._said: list[Said] = []
        self._depth = 0
        self._points = 0
        self._point: dict[str, str] | None = None
        """What the point being read said so far, by element; ``lat`` and ``lon`` are its attributes."""
        self._element = ""
        self._text = ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def receive(self, data: bytes, received: datetime | None = None) -> list[Said]:  # noqa: ARG002
        """Take more bytes; return the points they complete. ``received`` says nothing here: each has its time."""
        at = 0
        while at < len(data) and not self._broken:
            part = data[at : at + BLOCK - len(self._block)]
            self._block += part
            at += len(part)
            if len(self._block) == BLOCK:
                self._feed(final=False)
        return self._take()

    def end(self) -> list[Said]:
        """Read the rest; say what is amiss with a file that is not whole or has no track."""
        if not self._broken:
            self._feed(final=True)
        if not self._broken and not self._points:
            self._said.append(
                Bad("no-track", b"", "no track points in it; routes and waypoints are plans, not records")
            )
        self._broken = True
        return self._take()

    def _take(self) -> list[Said]:
        said, self._said = self._said, []
        return said

    def _feed(self, *, final: bool) -> None:
        block = bytes(self._block)
        self._block.clear()
        self._fed += len(block)
        try:
            self._parser.Parse(block, final)
            if self._fed - self._parser.CurrentByteIndex > LIMIT:
                raise RefusedError("too-long", f"a tag of more than {LIMIT} bytes")
        except RefusedError as fault:
            self._stop(fault.why, fault.detail)
        except expat.ExpatError as fault:
            self._stop("not-xml", f"{expat.errors.messages[fault.code]}, at line {fault.lineno}")
        except (ValueError, LookupError):
            self._stop("encoding", "an encoding that cannot be read: save the file as UTF-8")

    def _stop(self, why: str, detail: str) -> None:
        """Give up the file: after a fault in its form nothing can be told apart."""
        self._broken = True
        self._said.append(Bad(why, b"", detail))

    def _doctype(self, *_declared: object) -> None:
        raise RefusedError("doctype", "a document type: GPX has none, and entities are not accepted")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RefusedError("too-deep", f"elements nested more than {DEEPEST} deep")
        local = name.rpartition(":")[2]
        if local == "trkpt":
            self._point = {key: attributes[key][:LONGEST_TEXT] for key in ("lat", "lon") if key in attributes}
        elif self._point is not None and local in READ:
            self._element, self._text = local, ""

    def _characters(self, text: str) -> None:
        if self._element and len(self._text) <= LONGEST_TEXT:
            self._text += text[: LONGEST_TEXT + 1]

    def _end(self, name: str) -> None:
        self._depth -= 1
        local = name.rpartition(":")[2]
        if self._point is None:
            return
        if local == self._element:
            self._point.setdefault(local, self._text.strip())
            self._element = ""
        elif local == "trkpt":
            self._points += 1
            point, self._point = self._point, None
            self._said.append(self._read(point))

    def _read(self, point: dict[str, str]) -> Said:
        try:
            return self._fix(point)
        except RefusedError as fault:
            line = self._parser.CurrentLineNumber
            return Bad(fault.why, b"", f"line {line}: {fault.detail}")

    def _fix(self, point: dict[str, str]) -> Fix:
        if not point.get("lat") or not point.get("lon"):
            raise RefusedError("blank-position", "a track point without latitude or longitude")
        if not point.get("time"):
            raise RefusedError("no-time", "a track point without its time: a drawn route is no record")
        lon, lat = position.number(point["lon"]), position.number(point["lat"])
        position.check_place(lon, lat)
        hdop = position.in_range(_optional(point, "hdop"), 0.01, accuracy.MOST_DOP)
        return Fix(
            device=self._device,
            time=position.iso_to_time(point["time"], zone=UTC),
            lon=lon,
            lat=lat,
            accuracy_m=None if hdop is None else accuracy.from_hdop(hdop),
            speed_mps=position.speed(_optional(point, "speed")),
            course_deg=position.course(_optional(point, "course")),
            altitude_m=position.altitude(_optional(point, "ele")),
            hdop=hdop,
            flags=Flag.NONE if hdop is None else Flag.ESTIMATED,
        )


def _optional(point: dict[str, str], name: str) -> float | None:
    try:
        return position.number(point[name]) if point.get(name) else None
    except RefusedError:
        return None  # what is beside the position does not refuse it
