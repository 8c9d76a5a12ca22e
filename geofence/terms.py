"""What the fold must know of the zones, moment by moment.

What must stay true here: Facts say of one span of the editions all that ``track`` asks beyond geometry; they are made
once for each span, and no edition changes once something was judged by it.
"""

from __future__ import annotations

from dataclasses import replace

from geofence.editions import Editions
from geofence.model import Micros
from geofence.track import Facts


class Terms:
    """The facts of each span of the editions."""

    def __init__(self, editions: Editions) -> None:
        self.editions = editions
        self._facts: dict[int, Facts] = {}
        self._last = self._of(0)
        """Those last asked for: mostly asked for again."""

    def at(self, moment: int) -> Facts:
        """Return the facts of the span in which the moment lies."""
        if not self._last.since <= moment <= self._last.last:
            self._last = self._of(self.editions.number(moment))
        return self._last

    def between(self, start: int, end: int) -> list[Facts]:
        """Return the facts of each span from the one of ``start`` to the one of ``end``."""
        return [self._of(number) for number in range(self.editions.number(start), self.editions.number(end) + 1)]

    def since(self, heard: Micros, facts: Facts) -> Facts:
        """Return the facts for a device last heard then, knowing of each zone that has begun meanwhile."""
        later = self.between(heard, facts.since)[1:]
        return replace(facts, begun={zone: since for one in later for zone, since in one.begun.items()})

    def _of(self, number: int) -> Facts:
        """Return the facts of one span."""
        facts = self._facts.get(number)
        if facts is None:
            spans = self.editions.spans
            one = spans[number]
            valid = one.valid()
            before = spans[number - 1].valid() if number else valid
            after = spans[number + 1].valid() if number + 1 < len(spans) else valid
            dwells = {zone.id: zone.dwell_s for zone in valid.values() if zone.dwell_s is not None}
            was = [(id_, zone, before.get(id_)) for id_, zone in valid.items()]
            begun = {id_: one.since for id_, zone, old in was if old is None or old.shape != zone.shape}
            ending = frozenset(valid.keys() - after.keys())
            facts = Facts(dwells, one.zones.version, one.since, one.last, begun, ending)
            self._facts[number] = facts
        return facts
