"""Zones and where a fix lies against them: the only geometry.

What must stay true here: ``locate`` has no memory and works on a batch; inside is exactly shapely's ``covers`` of
the zone's shape in longitude and latitude, and with ``depth_m`` but for rounding on the edge itself; distances are
metres to the edge, inside positive, true to a few centimetres near the edge because each zone is measured in a plane
of its own, scaled by the earth's curvature at its centre. Such planes fail for shapes hundreds of kilometres wide,
near the poles or over the antimeridian: ``geojson.read`` refuses those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.borders import Borders
from geofence.model import Fixes, FloatColumn, IntColumn, Micros, TeamId, ZoneId
from geofence.places import Places, drawn
from geofence.plane import Frame as Frame  # noqa: PLC0414 - others look for them here

REACH_M: Final = 50.0
"""Metres: the least distance from an edge at which a zone is still reported."""
REACH_ACCURACIES: Final = 5.0
"""The same in accuracies of the fix: beyond it, an error of that size is out of the question."""
REACH_MOST_M: Final = 500.0
"""Metres: a fix worse than a hundred metres says little of any edge, and is not let pull in half the town."""
FAR_M: Final = 100.0
"""Metres from a zone beyond which nobody asks how far exactly."""
UNKNOWN_ACCURACY_M: Final = 15.0
"""Metres assumed for the reach of a receiver that states no error."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named area. ``shape`` is a Polygon or MultiPolygon in degrees."""

    id: ZoneId
    shape: BaseGeometry
    name: str = ""
    kind: str = "zone"
    team: TeamId | None = None
    valid_from: Micros | None = None
    valid_to: Micros | None = None
    """First moment at which it is no longer valid."""
    dwell_s: float | None = None

    def valid_at(self, moment: int) -> bool:
        """Return whether it is in force then."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )

    def fingerprint(self) -> bytes:
        """Return what tells this edition of the zone from any other."""
        facts = (self.id, self.name, self.kind, self.team, self.valid_from, self.valid_to, self.dwell_s)
        return repr(facts).encode() + shapely.to_wkb(shapely.normalize(self.shape))


class Near(NamedTuple):
    """One zone within reach of a fix."""

    zone: ZoneId
    distance_m: float
    """To the zone's edge, inside positive; no more than the reach in size."""
    east: float = 0.0
    north: float = 0.0
    """The direction in which that distance grows, of length one; nothing where the edge is out of reach."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """A batch of fixes seen against the zones.

    Pairs ``row``, ``zone``, ``distance_m``, ``east``, ``north``, sorted by row, for every zone that contains the fix
    or whose edge is within its reach (see Near). ``same`` has one number per fix: equal numbers mean the same set of
    zones, every one held or missed by more than the reach (0: no zone at all); -1 means an edge is near.
    """

    zones: tuple[Zone, ...]
    row: IntColumn
    zone: IntColumn
    distance_m: FloatColumn
    east: FloatColumn
    north: FloatColumn
    same: IntColumn

    def near(self) -> list[tuple[Near, ...]]:
        """Return for each fix the zones within reach."""
        starts = np.searchsorted(self.row, np.arange(len(self.same) + 1)).tolist()
        pairs = list(map(Near, *self.pairs()))
        return [tuple(pairs[a:b]) for a, b in pairwise(starts)]

    def pairs(self) -> tuple[list[ZoneId], list[float], list[float], list[float]]:
        """Return what a Near is made of, as lists, pair by pair."""
        ids = [self.zones[z].id for z in self.zone.tolist()]
        return ids, self.distance_m.tolist(), self.east.tolist(), self.north.tolist()


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """All the zones of one moment. Immutable: an edit is a new set."""

    zones: tuple[Zone, ...]
    version: str = field(init=False)
    """Names this edition: equal for equal zones, whatever order they came in."""
    by_id: dict[ZoneId, Zone] = field(init=False, repr=False)
    _places: Places = field(init=False, repr=False)
    _keys: IntColumn = field(init=False, repr=False)
    """A random-looking number per zone: their sum names a set of zones."""

    def __init__(self, zones: Iterable[Zone] = ()) -> None:
        ordered = tuple(sorted(zones, key=lambda zone: zone.id))
        by_id = {zone.id: zone for zone in ordered}
        if len(by_id) < len(ordered):
            raise ValueError("two zones have the same id")
        digest = blake2b(digest_size=6)
        for zone in ordered:
            digest.update(zone.fingerprint())
        for name, value in (
            ("zones", ordered), ("version", digest.hexdigest()), ("by_id", by_id), ("_places", Places(ordered)),
            ("_keys", np.array([_key(zone.id) for zone in ordered], dtype=np.int64)),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.zones)

    def __iter__(self) -> Iterator[Zone]:
        return iter(self.zones)

    @property
    def large(self) -> bool:
        """Whether ``prepare`` takes so long that it is worth a thread of its own."""
        return self._places.index.large

    @property
    def prepared(self) -> bool:
        """Whether the index is made."""
        return self._places.index.made

    def prepare(self, step: Callable[[], None] = lambda: None) -> None:
        """Make the index. Until then ``locate`` says the same of a large set, more slowly; a small one needs none.

        ``step`` is called now and then: what it raises ends the making.
        """
        self._places.index.make(step)

    def locate(self, fixes: Fixes) -> Sightings:
        """Say of each fix which zones it lies in or near, and how far from their edges."""
        pairs = self._places.near(fixes.lon, fixes.lat, fixes.time, reach_m(fixes.accuracy_m))
        same = _same(len(fixes), pairs.row, self._keys[pairs.zone], pairs.near)
        return Sightings(self.zones, pairs.row, pairs.zone, pairs.signed, pairs.east, pairs.north, same)


def reach_m(accuracy_m: FloatColumn) -> FloatColumn:
    """Return for each fix the distance in metres beyond which an edge cannot matter to it."""
    known = np.where(np.isnan(accuracy_m), UNKNOWN_ACCURACY_M, accuracy_m)
    return np.clip(REACH_ACCURACIES * known, REACH_M, REACH_MOST_M)


def depth_m(zone: Zone, lon: FloatColumn, lat: FloatColumn) -> FloatColumn:
    """Return how deep in the zone each place lies (outside negative).

    Beyond FAR_M outside, that is the distance to the zone's bounding box: no more than the true one.
    """
    return np.asarray(border(zone).depths(lon, lat, FAR_M))


def border(zone: Zone) -> Borders:
    """Return the zone's edges, drawn once. To look them up by the shape itself would be to go through its corners."""
    shape = zone.shape
    known = _DRAWN.get(id(shape))
    if known is None:
        if len(_DRAWN) >= DRAWN_MOST:
            _DRAWN.clear()
        known = _DRAWN[id(shape)] = shape, drawn(np.array([shape], dtype=object), np.array([Frame.of(shape)]))
    return known[1]


_DRAWN: dict[int, tuple[BaseGeometry, Borders]] = {}
"""By the identity of the shape, which lives as long as it is here."""
DRAWN_MOST: Final = 1024


def _key(zone: ZoneId) -> int:
    return int.from_bytes(blake2b(zone.encode(), digest_size=8).digest(), "little", signed=True)


def _same(n: int, row: IntColumn, keys: IntColumn, near: NDArray[np.bool_]) -> IntColumn:
    """Name each row's set of zones by a sum of keys (it wraps round: that is meant)."""
    same = np.zeros(n, dtype=np.int64)
    np.add.at(same, row, keys)
    same[row[near]] = -1
    return same
