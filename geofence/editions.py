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

from geofence.model import EVER, NEVER, Fixes, IntColumn, Micros, ZoneId
from geofence.zones import Zone, ZoneSet


class Edition(NamedTuple):
    """Zones, and the first moment they are in force."""

    since: Micros
    zones: ZoneSet


class Span(NamedTuple):
    """A stretch of time in which the same zones are in force."""

    since: Micros
    last: Micros
    zones: ZoneSet
    """The edition; of its zones those count that are valid then."""

    def valid(self) -> dict[ZoneId, Zone]:
        """Return the zones in force."""
        return {zone.id: zone for zone in self.zones if zone.valid_at(self.since)}


class Editions:
    """All editions of the zones, oldest first."""

    def __init__(self, editions: Sequence[Edition]) -> None:
        """Take at least one edition, in order of time; whatever the first says, it holds since ever."""
        starts = [EVER, *(edition.since for edition in editions[1:])]
        if any(a >= b for a, b in pairwise(starts)):
            raise ValueError("two editions of the zones begin at once, or out of order")
        self.spans: list[Span] = []
        for since, until, edition in zip(starts, [*starts[1:], Micros(NEVER + 1)], editions, strict=True):
            for start, end in pairwise(_turns(since, until, edition.zones)):
                self.spans.append(Span(start, Micros(end - 1), edition.zones))
        self._starts = [span.since for span in self.spans]

    @property
    def newest(self) -> ZoneSet:
        """The zones of the newest edition."""
        return self.spans[-1].zones

    def number(self, moment: int) -> int:
        """Return the index into ``spans`` of what is in force then."""
        return bisect_right(self._starts, moment) - 1

    def zone(self, zone: ZoneId, moment: int) -> Zone | None:
        """Return the zone as it was then, or as it last was before."""
        spans = reversed(self.spans[: self.number(moment) + 1])
        return next((span.zones.by_id[zone] for span in spans if zone in span.zones.by_id), None)

    def parts(self, fixes: Fixes) -> Iterator[tuple[IntColumn, Fixes, ZoneSet]]:
        """Yield ``fixes`` in order of time, each lot with the rows it was, and the zones it is to be judged by."""
        if (np.diff(fixes.time) >= 0).all():
            rows, ordered = np.arange(len(fixes)), fixes
        else:
            rows = np.argsort(fixes.time, kind="stable")
            ordered = fixes.take(rows)
        cuts = np.searchsorted(ordered.time, self._starts[1:]).tolist()
        for span, (a, b) in zip(self.spans, pairwise([0, *cuts, len(rows)]), strict=True):
            if a < b:
                yield rows[a:b], ordered.take(slice(a, b)), span.zones


def _turns(since: Micros, until: Micros, zones: ZoneSet) -> list[Micros]:
    """Return the moments from ``since`` to ``until`` at which a zone begins or ends to be valid, and both ends."""
    turns = {moment for zone in zones for moment in (zone.valid_from, zone.valid_to) if moment is not None}
    return [since, *sorted(moment for moment in turns if since < moment < until), until]
