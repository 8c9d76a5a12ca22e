"""What a position must be, whichever format said it.

What must stay true here: what is refused gets the same reason from every decoder, and no reason holds a coordinate.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo

from geofence.model import EPOCH

LAST_S = 253_402_300_799.0
"""The last second of the year 9999."""
KNOT_MPS = 1852.0 / 3600.0
KMH_MPS = 1.0 / 3.6


class RefusedError(ValueError):
    """Data at fault, told by a small fixed reason; a decoder turns it into ``Bad``."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


def check_place(lon: float, lat: float) -> None:
    """Refuse what is no place: not finite, out of range, or the (0, 0) of a receiver that knows none."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise RefusedError("not-a-number", "latitude or longitude is not a finite number")
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise RefusedError("out-of-range", "latitude beyond 90 or longitude beyond 180 degrees")
    if lon == 0.0 and lat == 0.0:
        raise RefusedError("null-island", "latitude and longitude are both nought")


def number(text: str) -> float:
    """Return a finite decimal number; Python's own reading also takes ``nan``, ``1_0`` and spaces, this does not."""
    try:
        value = float(text)
    except ValueError:
        raise RefusedError("not-a-number", "a field that should be a number is none") from None
    if not math.isfinite(value) or "_" in text:
        raise RefusedError("not-a-number", "a number is not finite")
    return value


def seconds_to_time(seconds: float) -> datetime:
    """Return the moment so many seconds after 1970, to the microsecond."""
    if not 0.0 < seconds < LAST_S:  # false for a NaN too
        raise RefusedError("bad-time", "seconds since 1970 out of range")
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))


def iso_to_time(text: str, zone: tzinfo | None = None) -> datetime:
    """Return the moment of an ISO 8601 time, in UTC; ``zone`` is meant where it names none (None: it must)."""
    if len(text) > 64:
        raise RefusedError("bad-time", "not an ISO 8601 time")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError("bad-time", "not an ISO 8601 time, such as 2026-05-04T08:12:31Z") from None
    if time.tzinfo is None and zone is not None:
        time = time.replace(tzinfo=zone)
    if time.tzinfo is None:
        raise RefusedError("naive-time", "a time without a zone: append Z if it is UTC, or its offset such as +02:00")
    try:
        return time.astimezone(EPOCH.tzinfo)
    except OverflowError:
        raise RefusedError("bad-time", "a year out of range") from None


def in_range(value: float | None, low: float, high: float) -> float | None:
    """Return an optional value, or None where it cannot be true: what is beside the position never refuses it."""
    return value if value is not None and low <= value <= high else None


def speed(value_mps: float | None) -> float | None:
    """Return a speed over ground in metres a second, if it can be one."""
    return in_range(value_mps, 0.0, 10_000.0)


def course(value_deg: float | None) -> float | None:
    """Return a course in degrees, 0 inclusive to 360 exclusive, if it can be one."""
    kept = in_range(value_deg, 0.0, 360.0)
    return None if kept is None else kept % 360.0


def altitude(value_m: float | None) -> float | None:
    """Return an altitude in metres, if it can be one."""
    return in_range(value_m, -20_000.0, 100_000.0)
