"""Sets of zones by number.

What must stay true here: equal numbers mean equal sets, different numbers different sets; 0 is the empty set.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from geofence.lookup import Members
from geofence.model import IntColumn


class Sets:
    """Sets of zones, each kept once."""

    def __init__(self, zones: int) -> None:
        """Begin with the empty set; zones are numbered below ``zones``."""
        self._zones = zones
        self._all: list[tuple[int, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._members = Members((0,), ())

    def number(self, members: tuple[int, ...]) -> int:
        """Return the number of the set with these members, ascending."""
        number = self._numbers.setdefault(members, len(self._all))
        if number == len(self._all):
            self._all.append(members)
        return number

    def members(self) -> Members:
        """Return the zones of each set, ascending."""
        if len(self._members.start) <= len(self._all):
            start = np.cumsum([0, *map(len, self._all)], dtype=np.int32)
            self._members = Members(start, np.fromiter(chain.from_iterable(self._all), np.int32, start[-1]))
        return self._members

    def add(self, numbers: IntColumn, zones: IntColumn) -> IntColumn:
        """Return for each set and zone, which is not in it, the number of the set with both."""
        wanted, inverse = np.unique(numbers.astype(np.int64) * self._zones + zones, return_inverse=True)
        pairs = (divmod(one, self._zones) for one in wanted.tolist())
        found = [self.number(tuple(sorted((*self._all[number], zone)))) for number, zone in pairs]
        return np.array(found, dtype=np.int64)[inverse]
