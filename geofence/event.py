"""What the engine says: visits and events.

What must stay true here: they are never changed, only made anew; nothing here knows a person.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from geofence.model import DeviceId, Micros, VisitId, ZoneId

BEGINNING = Micros(0)
changed = replace
"""Return a visit or an event with other facts."""


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


class Visit(msgspec.Struct, frozen=True, gc=False):
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


class Event(msgspec.Struct, frozen=True, gc=False):
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


def latest(event: Event) -> tuple[Micros, Micros, str]:
    """Return what to compare: of what stands of a visit, the greatest says last how it is."""
    return event.decided, event.time, event.kind
