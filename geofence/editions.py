"""Which zones were in force when: a fix is judged by the zones of its own time.

What must stay true here: the first edition holds since ever, each other from its moment on, so every moment has
exactly one; an edition, once something was judged by it, is never changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geofence.model import Fixes, IntColumn, Micros, ZoneId
from geofence.zones import Zone, ZoneSet

EVER = Micros(-(2**62))
"""Before every moment a fix can speak of."""
NEVER = Micros(2**62)
"""After every such moment."""


class Edition(NamedTuple):
    """Zones, and the first moment they are in force."""

    since: Micros
    zones: ZoneSet


class Span(NamedTuple):
    """An edition with its last moment."""

    since: Micros
    last: Micros
    zones: ZoneSet


class Editions:
    """All editions of the zones, oldest first."""

    def __init__(self, editions: Sequence[Edition]) -> None:
        """Take at least one edition, in order of time; whatever the first says, it holds since ever."""
        starts = [EVER, *(edition.since for edition in editions[1:])]
        if any(a >= b for a, b in pairwise(starts)):
            raise ValueError("two editions of the zones begin at once, or out of order")
        self._starts = starts
        ends = [Micros(start - 1) for start in starts[1:]] + [NEVER]
        self.spans = [Span(a, b, edition.zones) for a, b, edition in zip(starts, ends, editions, strict=True)]

    @property
    def newest(self) -> Span:
        """The edition in force now."""
        return self.spans[-1]

    def number(self, moment: int) -> int:
        """Return the index into ``spans`` of the edition in force then."""
        return bisect_right(self._starts, moment) - 1

    def zone(self, zone: ZoneId, moment: int) -> Zone | None:
        """Return the zone as it was then, or as it last was before."""
        spans = reversed(self.spans[: self.number(moment) + 1])
        return next((span.zones.by_id[zone] for span in spans if zone in span.zones.by_id), None)

    def parts(self, fixes: Fixes) -> Iterator[tuple[IntColumn, ZoneSet]]:
        """Yield the rows of ``fixes`` in order of time, with the zones each lot is to be judged by."""
        rows = np.argsort(fixes.time, kind="stable")
        cuts = np.searchsorted(fixes.time[rows], self._starts[1:])
        for span, lot in zip(self.spans, np.split(rows, cuts), strict=True):
            if len(lot):
                yield lot, span.zones
