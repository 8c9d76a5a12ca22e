"""The words all floors share: Fix, Visit, Event, ids, units.

What must stay true here: times are UTC, as aware ``datetime`` on a Fix and as int64 microseconds since 1970 in
columns and in the engine; lengths are metres, speeds metres a second, angles degrees, positions WGS 84
longitude and latitude. Nothing here knows a person: a warden is an opaque id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import IntFlag
from operator import attrgetter
from typing import Final, NewType

import numpy as np
from numpy.typing import NDArray

DeviceId = NewType("DeviceId", str)
ZoneId = NewType("ZoneId", str)
WardenId = NewType("WardenId", str)
TeamId = NewType("TeamId", str)
VisitId = NewType("VisitId", str)
RequirementId = NewType("RequirementId", str)
VerdictId = NewType("VerdictId", str)
Micros = NewType("Micros", int)
"""A moment: microseconds since 1970-01-01T00:00Z."""

EVER = Micros(-(2**62))
"""Before every moment a fix can speak of."""
NEVER = Micros(2**62)
"""After every such moment."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000


def to_micros(time: datetime) -> Micros:
    """Return the moment of an aware datetime, exact to the microsecond."""
    since = time - EPOCH
    return Micros((since.days * 86_400 + since.seconds) * SECOND + since.microseconds)


def to_datetime(micros: int) -> datetime:
    """Return the aware UTC datetime of a moment."""
    return EPOCH + timedelta(microseconds=int(micros))


class Flag(IntFlag):
    """What had to be done to a fix before it could be believed."""

    NONE = 0
    ROLLOVER = 1
    """Its date was moved by a multiple of 1024 weeks (GPS week rollover)."""
    CENTURY = 2
    """Its century was inferred where the receiver's own two-digit year could not be right."""
    DATED = 4
    """It gave a time of day only; the date was inferred from its neighbours or from when it was received."""
    ESTIMATED = 8
    """It stated no error; ``accuracy_m`` is computed from the dilution of precision."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One position of one device, as measured at ``time``."""

    device: DeviceId
    time: datetime
    lon: float
    lat: float
    accuracy_m: float | None = None
    """Radius that holds the true place with 68 % probability."""
    speed_mps: float | None = None
    course_deg: float | None = None
    """Over ground, clockwise from true north, 0 to 360."""
    altitude_m: float | None = None
    """Above mean sea level."""
    hdop: float | None = None
    battery_pct: float | None = None
    flags: Flag = Flag.NONE
    sos: bool = False
    """The warden pressed the emergency key."""

    @property
    def micros(self) -> Micros:
        """The moment of measurement."""
        return to_micros(self.time)


FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fixes:
    """A batch of fixes as columns of equal length; NaN where a receiver said nothing.

    ``device`` indexes ``devices``; ``time`` is microseconds UTC.
    """

    devices: tuple[DeviceId, ...]
    device: IntColumn
    time: IntColumn
    lon: FloatColumn
    lat: FloatColumn
    accuracy_m: FloatColumn
    speed_mps: FloatColumn
    course_deg: FloatColumn
    altitude_m: FloatColumn
    hdop: FloatColumn
    battery_pct: FloatColumn
    flags: IntColumn
    sos: IntColumn

    @staticmethod
    def of(fixes: Sequence[Fix]) -> Fixes:
        """Return the columns of ``fixes``, in their order."""
        return _columns(fixes) if fixes else NOTHING

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[Fix]:
        return (self.row(i) for i in range(len(self)))

    def row(self, i: int) -> Fix:
        """Return row ``i`` as a Fix."""
        numbers = {name: _none(float(getattr(self, name)[i])) for name in FLOAT_COLUMNS[2:]}
        return Fix(
            device=self.devices[int(self.device[i])],
            time=to_datetime(int(self.time[i])),
            lon=float(self.lon[i]),
            lat=float(self.lat[i]),
            flags=Flag(int(self.flags[i])),
            sos=bool(self.sos[i]),
            **numbers,
        )

    def lean(self) -> Fixes:
        """Return the same without the devices that have no row."""
        used, device = np.unique(self.device, return_inverse=True)
        if len(used) == len(self.devices):
            return self
        return replace(self, devices=tuple(self.devices[n] for n in used.tolist()), device=device.astype(np.int64))

    def take(self, rows: IntColumn | NDArray[np.bool_] | slice) -> Fixes:
        """Return the chosen rows, in the order given, over the same ``devices``."""
        return Fixes(devices=self.devices, **{name: getattr(self, name)[rows] for name in COLUMNS})


COLUMNS = tuple(column.name for column in fields(Fixes) if column.name != "devices")


def join(pieces: Sequence[Fixes]) -> Fixes:
    """Return pieces over the same devices, in their order, as one; nothing as nothing."""
    if len(pieces) <= 1:
        return pieces[0] if pieces else Fixes.of(())
    return Fixes(pieces[0].devices, **{name: np.concatenate([getattr(p, name) for p in pieces]) for name in COLUMNS})


def pooled(pieces: Sequence[Fixes]) -> Fixes:
    """Return pieces, each over its own devices, in their order, as one."""
    pieces = [piece for piece in pieces if len(piece)]
    if len(pieces) == 1:
        return pieces[0]
    index: dict[DeviceId, int] = {}
    numbers = [np.array([index.setdefault(one, len(index)) for one in piece.devices], np.int64) for piece in pieces]
    devices = tuple(index)
    return join([
        replace(piece, devices=devices, device=number[piece.device])
        for piece, number in zip(pieces, numbers, strict=True)
    ])  # fmt: skip


FLOAT_COLUMNS = (
    "lon", "lat", "accuracy_m", "speed_mps", "course_deg", "altitude_m", "hdop", "battery_pct",
)  # fmt: skip
_NUMBERS = attrgetter(*FLOAT_COLUMNS)


def _columns(fixes: Sequence[Fix]) -> Fixes:
    index: dict[DeviceId, int] = {}
    rows = [index.setdefault(fix.device, len(index)) for fix in fixes]
    columns = list(zip(*map(_NUMBERS, fixes), strict=True)) or [()] * len(FLOAT_COLUMNS)
    numbers = {  # None is NaN
        name: np.array(column, dtype=np.float64) for name, column in zip(FLOAT_COLUMNS, columns, strict=True)
    }
    return Fixes(
        devices=tuple(index),
        device=np.array(rows, dtype=np.int64),
        time=np.array([fix.micros for fix in fixes], dtype=np.int64),
        flags=np.array([fix.flags for fix in fixes], dtype=np.int64),
        sos=np.array([fix.sos for fix in fixes], dtype=np.int64),
        **numbers,
    )


NOTHING: Final = _columns(())
"""No fixes at all: most turns of a quiet day have none."""


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value
