"""Any place in the past: who of the wardens was there, how surely, and who could have been.

What must stay true here: nobody is told where people were before it is on disk who asks, of which place coarsely, and
why; certainly there and possibly there are by the same bounds as a verdict (geofence/presence.py), whatever was
believed at the time; what a silence on duty leaves open is said, not passed over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from shapely import Point

from geofence.calendar import Window
from geofence.model import SECOND, DeviceId, Fixes, FloatColumn, IntColumn, Micros, WardenId, ZoneId
from geofence.presence import presence, walk
from geofence.spans import Span, Spans, clip, common, length, union
from geofence.zones import UNKNOWN_ACCURACY_M, Frame, Zone
from trackerd.report.record import Record
from trackerd.report.track import heard
from trackerd.store import Asking, Box, Seen
from trackerd.store.seen import in_order

MARGIN_M = 150.0
"""So far around the place fixes are looked at: who was farther off, and soon heard again, was not there."""
STANDS_US = 30 * SECOND
"""A fix speaks for so long before and after it at most."""
APART_US = 120 * SECOND
"""Who is back so soon is told as having been there once."""
LEAST_S = 5.0
"""Shorter stretches in which somebody only possibly was there are counted, and not told one by one."""
ENDS_MOST = 2000
"""From so many ends of gaps on, all fixes are read at once: they are few then."""
DAY_US = 86_400 * SECOND


class Spot(NamedTuple):
    """A circle on the ground."""

    lon: float
    lat: float
    radius_m: float

    def coarsely(self) -> str:
        """Return it as it may stand in a log: to about a kilometre."""
        return f"{self.lat:.2f}, {self.lon:.2f}, {self.radius_m:.0f} m"


class Grades(NamedTuple):
    """When somebody was there; each holds the one before."""

    certain: Spans
    probable: Spans
    possible: Spans


@dataclass(frozen=True, slots=True)
class There:
    """One stretch of time in which one warden was there, or may have been; seconds of each certainty."""

    warden: WardenId | None
    device: DeviceId
    start: Micros
    """It cannot have begun before."""
    end: Micros
    certain_s: float
    probable_s: float
    """Holds the certain; its fixes lay inside."""
    possible_s: float
    """Holds the probable."""
    nearest_m: float | None
    """The nearest fix to the middle; None where none was heard meanwhile."""
    accuracy_m: float | None
    """The median of its fixes' stated accuracy."""


@dataclass(frozen=True, slots=True)
class Presences:
    """What is known of a place."""

    spot: Spot
    period: Window
    there: tuple[There, ...]
    presence_s: tuple[float, float, float]
    """Somebody was there: certainly, probably, possibly."""


def place(record: Record, spot: Spot, period: Window, by: str, purpose: str) -> Presences:
    """Return who was there, once the asking is on disk. Raises ReportFault, StoreError."""
    period = record.positioned(period)
    record.store.ask(Asking(record.now, by, "place", spot.coarsely(), *period, purpose))
    frame = Frame.at(spot.lon, spot.lat)
    circle = Zone(ZoneId("place"), frame.to_degrees(Point(0, 0).buffer(spot.radius_m, quad_segs=32)))
    near: dict[DeviceId, list[Seen]] = defaultdict(list)
    for seen in record.store.seen(*period, _around(record, spot, frame)):
        near[seen.fixes.devices[0]].append(seen)
    found: list[There] = []
    grades: list[Grades] = []
    duty = _Duty(record)
    for device in sorted({*record.store.devices(), *near, *(duty.device for duty in record.roster.duties)}):
        track = _Track(record, device, period, near[device], duty)
        graded = track.grades(circle, spot, frame)
        grades.append(graded)
        found += track.there(graded, frame)
    certain, probable, possible = (length(union(*spans)) / SECOND for spans in zip(*grades, strict=True))
    found.sort(key=lambda one: (one.start, one.device))
    return Presences(spot, period, tuple(found), (certain, probable, possible))


class _Track:
    """What is known of one device that bears on a place."""

    def __init__(self, record: Record, device: DeviceId, period: Window, near: Sequence[Seen], duty: _Duty) -> None:
        self.device, self.period, self.duty, self.roster = device, period, duty, record.roster
        self.rules = record.rules.of(device)
        reach = round(MARGIN_M / self.rules.walker_speed * SECOND)
        wide = _wide(period)
        self.gaps = self._mattering(_gaps(record.store.times(device, *wide, 2 * reach), wide, 2 * reach), reach)
        ends = sorted({moment for gap in self.gaps for moment in gap})
        stretches = [wide] if len(ends) > ENDS_MOST else [Window(Micros(at), Micros(at + 1)) for at in ends]
        more = [seen for stretch in stretches for seen in record.store.seen(*stretch)]
        by: dict[WardenId | None, list[Fixes]] = defaultdict(list)
        for seen in (*near, *more):
            if seen.fixes.devices[0] == device:
                by[seen.warden].append(seen.fixes)
        self.by = {warden: in_order(pieces) for warden, pieces in by.items()}
        self.fixes = in_order(list(self.by.values())) if by else Fixes.of(())
        beside = [(a - reach, b + reach) for a, b in heard([self.fixes.time], 2 * reach / SECOND)]
        self.open = clip(union(beside, self.gaps), *period)

    def grades(self, circle: Zone, spot: Spot, frame: Frame) -> Grades:
        """Return when it was certainly, probably and possibly in the circle."""
        if not len(self.fixes):
            return Grades((), (), self.duty.of(self.device, self.open))
        found = presence(circle, walk(self.fixes, self.rules), *self.period)
        possible = union(self.duty.of(self.device, common(found.maybe, self.open)), found.certain)
        inside = self.from_middle(frame) <= spot.radius_m
        probable = common(union(_stands(self.fixes.time, inside), found.certain), possible)
        return Grades(found.certain, probable, possible)

    def there(self, grades: Grades, frame: Frame) -> Iterator[There]:
        """Yield what is known of each stretch."""
        stretches = _episodes(grades.possible)
        sums = [_shares(stretches, spans) for spans in grades]
        from_middle = self.from_middle(frame)
        rows = np.searchsorted(self.fixes.time, np.array(stretches, np.int64).reshape(-1, 2)).tolist()
        for (start, end), row, certain, probable, possible in zip(stretches, rows, *sums, strict=True):
            if possible < LEAST_S and not probable:
                continue
            held = slice(*row)
            stated = self.fixes.accuracy_m[held][~np.isnan(self.fixes.accuracy_m[held])]
            yield There(
                self._who(start, end), self.device, Micros(start), Micros(end), certain, probable, possible,
                float(from_middle[held].min()) if held.start < held.stop else None,
                float(np.median(stated)) if len(stated) else None,
            )  # fmt: skip

    def from_middle(self, frame: Frame) -> FloatColumn:
        """Return the metres of each fix from the middle."""
        east, north = (self.fixes.lon - frame.lon) * frame.x, (self.fixes.lat - frame.lat) * frame.y
        return np.hypot(east, north)

    def _who(self, start: int, end: int) -> WardenId | None:
        """Return whose fixes lie in the time; where none do, who had the device by the roster."""
        for warden, fixes in self.by.items():
            first, last = np.searchsorted(fixes.time, (start, end)).tolist()
            if first < last and warden is not None:
                return warden
        return self.roster.holder(self.device, start)

    def _mattering(self, gaps: Iterable[Span], reach: int) -> Spans:
        """Return the gaps in which somebody on duty may have been unheard; without a roster, only while not lost."""
        longest = self.rules.lost_s * SECOND if self.roster.everyone else float("inf")
        tried = [(a, b) for a, b in gaps if b - a - 2 * reach <= longest]
        midst = [(max(a + reach, self.period.start), min(b - reach, self.period.end)) for a, b in tried]
        held = [(gap, (a, b)) for gap, (a, b) in zip(tried, midst, strict=True) if a < b]
        on_duty = self.duty.of(self.device, tuple(inner for _, inner in held))
        shares = _shares([inner for _, inner in held], on_duty)
        return tuple(gap for (gap, _), share in zip(held, shares, strict=True) if share)


class _Duty:
    """When somebody was on duty with which device; each day is looked up once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.days: dict[date, Mapping[WardenId, Mapping[DeviceId, Spans]]] = {}

    def of(self, device: DeviceId, spans: Spans) -> Spans:
        """Return the part of the spans; all of them where there is no roster."""
        if self.record.roster.everyone:
            return spans
        days = sorted({day for span in spans for day in self._touched(*span)})
        return common(spans, union(*(held.get(device, ()) for day in days for held in self._on(day).values())))

    def _touched(self, start: int, end: int) -> Iterator[date]:
        day, last = self.record.local(start).date(), self.record.local(end).date()
        while day <= last:
            yield day
            day += timedelta(days=1)

    def _on(self, day: date) -> Mapping[WardenId, Mapping[DeviceId, Spans]]:
        if day not in self.days:
            self.days[day] = self.record.roster.duties_within(self.record.day(day))
        return self.days[day]


def _around(record: Record, spot: Spot, frame: Frame) -> Box:
    """Return the box that holds every fix of somebody who may have come from the place a moment before or after."""
    wide = spot.radius_m + MARGIN_M
    lon, lat, each = wide / frame.x, wide / frame.y, record.rules.error_bound
    return Box(
        spot.lon - lon, spot.lat - lat, spot.lon + lon, spot.lat + lat, (each / frame.x, each / frame.y),
        UNKNOWN_ACCURACY_M,
    )  # fmt: skip


def _wide(period: Window) -> Window:
    """Return the period and what surely holds the fixes before and after it."""
    return Window(Micros(period.start - DAY_US), Micros(period.end + DAY_US))


def _gaps(times: IntColumn, wide: Window, longer: int) -> Iterator[Span]:
    """Yield the moments before and after each time longer than that in which there was no fix."""
    known = np.concatenate(([wide.start], times, [wide.end]))
    at = np.flatnonzero(np.diff(known) > longer)
    yield from zip(known[at].tolist(), known[at + 1].tolist(), strict=True)


def _stands(time: IntColumn, inside: NDArray[np.bool_]) -> Spans:
    """Return the time for which the fixes inside stand: half-way to their neighbours, but not for long."""
    half = np.minimum(np.diff(time) // 2, STANDS_US)
    before, after = np.concatenate(([0], half)), np.concatenate((half, [0]))
    return union(zip((time - before)[inside].tolist(), (time + after + 1)[inside].tolist(), strict=True))


def _episodes(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans, joined where hardly anything lies between them."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start - found[-1][1] <= APART_US:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _shares(stretches: Sequence[Span], spans: Spans) -> list[float]:
    """Return for each stretch for how many seconds the spans hold in it."""
    starts, sums = [start for start, _ in stretches], [0] * len(stretches)
    for start, end in common(stretches, spans):
        sums[bisect_right(starts, start) - 1] += end - start
    return [us / SECOND for us in sums]
