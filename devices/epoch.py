"""One moment of a receiver: what several sentences said of it, merged into one fix.

What must stay true here: one epoch gives one fix at most; a position is taken whole from one sentence, the one that
wrote it most finely, never latitude from one and longitude from another; what is missing stays missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from devices import accuracy
from devices.calendar import Calendar, Day
from devices.decoder import Bad, Heartbeat, Said
from geofence.model import DeviceId, Fix, Flag


@dataclass(slots=True)
class Epoch:
    """What was said so far of the moment ``clock`` (time of day; None: the receiver does not know it)."""

    clock: timedelta | None = None
    received: datetime | None = None
    first: str = ""
    """The kind of the first sentence that has a place for the time."""
    day: Day | None = None
    lon: float | None = None
    lat: float = 0.0
    fineness: int = -1
    """Digits of the minutes, in the sentence the position is from."""
    no_fix: bool = False
    """A sentence said outright that there is no position."""
    hdop: float | None = None
    accuracy_m: float | None = None
    accuracy_rank: int = 0
    """How good the source of ``accuracy_m`` is; 0: none."""
    speed_mps: float | None = None
    course_deg: float | None = None
    altitude_m: float | None = None
    count: int = 0
    """Sentences of it so far."""
    last: str = ""
    """The kind of the last of them."""
    raw: bytes = b""
    """The sentence the position is from."""
    told: bool = False

    def place(self, lon: float, lat: float, fineness: int, raw: bytes) -> None:
        """Take a position, unless one written as finely is there."""
        if fineness > self.fineness:
            self.lon, self.lat, self.fineness, self.raw = lon, lat, fineness, raw

    def error(self, radius_m: float | None, rank: int) -> None:
        """Take a 68 % radius, unless one from a better source is there."""
        if radius_m is not None and rank > self.accuracy_rank:
            self.accuracy_m, self.accuracy_rank = radius_m, rank

    def dilution(self, hdop: float | None) -> None:
        """Take the first HDOP that says something."""
        if self.hdop is None and hdop is not None and 0.0 < hdop < accuracy.MOST_DOP:
            self.hdop = hdop

    def motion(self, speed_mps: float | None, course_deg: float | None) -> None:
        """Take speed and course where none is known yet."""
        if self.speed_mps is None:
            self.speed_mps = speed_mps
        if self.course_deg is None:
            self.course_deg = course_deg

    def say(self, device: DeviceId, calendar: Calendar) -> list[Said]:
        """Return what this moment comes to: a fix, a sign of life without one, or nothing. Once only."""
        if self.told:
            return []
        self.told = True
        stamped = None if self.clock is None else calendar.stamp(self.clock, self.day, self.received)
        if self.lon is None:
            return [Heartbeat(device, why="no-fix")] if self.no_fix else []
        if stamped is None:
            return [Bad("no-date", self.raw, "a position with no date, and nothing tells the day")]
        estimated = self.accuracy_m is None and self.hdop is not None
        return [
            Fix(
                device=device,
                time=stamped.time,
                lon=self.lon,
                lat=self.lat,
                accuracy_m=accuracy.from_hdop(self.hdop) if estimated and self.hdop else self.accuracy_m,
                speed_mps=self.speed_mps,
                course_deg=self.course_deg,
                altitude_m=self.altitude_m,
                hdop=self.hdop,
                flags=stamped.flags | (Flag.ESTIMATED if estimated else Flag.NONE),
            )
        ]
