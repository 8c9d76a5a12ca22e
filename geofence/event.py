"""What the engine says: visits, events, and the ids of what is named.

What must stay true here: an id says what it names, the same whoever computes it; nothing here knows a person. This is
compiled (setup.py), and says the same where it is not; whatever reads types at run time, as pydantic does, has them of
``geofence.model``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha1
from uuid import UUID

from geofence.model import DeviceId, Micros, VisitId, ZoneId

NAMESPACE = UUID("6f0c6e4c-6d0f-5c3e-9a53-7a2b4d1f8e10")
"""The name space of every id derived from what it names (RFC 9562, version 5)."""
_SPACE = NAMESPACE.bytes
BEGINNING = Micros(0)


class Kind(StrEnum):
    """What an event says; with the prefix ``trackerd.`` it is the CloudEvents type."""

    ENTER = "zone.enter"
    EXIT = "zone.exit"
    DWELL = "zone.dwell"
    SILENT = "device.silent"
    BACK = "device.back"
    SOS = "device.sos"
    BATTERY = "device.battery"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True)
class Visit:
    """One device's presence in one zone; ``ended`` is None while it lasts."""

    id: VisitId
    device: DeviceId
    zone: ZoneId
    began: Micros
    ended: Micros | None
    seconds: float
    """Certain presence: the least time it was inside."""
    seconds_possible: float
    """The most time it can have been inside."""
    confidence: float
    """Probability that the visit took place, as believed when last told."""
    zones_version: str
    """Which edition of the zones it was judged by."""
    revision: int = 0
    """0 as first told; higher for each time late data changed it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became true at ``time``, about one device and perhaps one visit."""

    kind: Kind
    device: DeviceId
    time: Micros
    visit: Visit | None = None
    accuracy_m: float | None = None
    confidence: float | None = None
    seconds: float | None = None
    """DWELL: the dwell reached."""
    lon: float | None = None
    lat: float | None = None
    """SOS only: an emergency always says where."""
    battery_pct: float | None = None
    retracts: str | None = None
    """RETRACT: the id of the event that turned out wrong."""
    because: str | None = None
    decided: Micros = BEGINNING
    """The moment of the sighting or the deadline that decided it: not before ``time``, and no clock's."""


def named(text: str) -> str:
    """Return the UUID, version 5 (RFC 9562), of what the text names: the same whoever computes it.

    ``uuid.uuid5`` says the same in eight times the time, and each event has two.
    """
    digest = bytearray(sha1(_SPACE + text.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    digits = digest.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def visit_id(device: DeviceId, zone: ZoneId, began: int) -> VisitId:
    """Return the id of the visit of ``device`` to ``zone`` that began then: the same whoever computes it."""
    return VisitId(named(f"visit|{device}|{zone}|{began}"))
