"""Sets of zones by number.

What must stay true here: equal numbers mean equal sets, different numbers different sets; 0 is the empty set.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from geofence.model import IntColumn


class Sets:
    """Sets of zones, each kept once."""

    def __init__(self, zones: int) -> None:
        """Begin with the empty set; zones are numbered below ``zones``."""
        self._zones = zones
        self.members: list[tuple[int, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        none = np.zeros(0, np.int64)
        self._columns: tuple[IntColumn, IntColumn, IntColumn] = none, none, none

    def __len__(self) -> int:
        return len(self.members)

    def number(self, members: tuple[int, ...]) -> int:
        """Return the number of the set with these members, ascending."""
        number = self._numbers.setdefault(members, len(self.members))
        if number == len(self.members):
            self.members.append(members)
        return number

    def columns(self) -> tuple[IntColumn, IntColumn, IntColumn]:
        """Return of each set where its members begin and how many they are; and all members."""
        if len(self._columns[0]) < len(self.members):
            size = np.array([len(members) for members in self.members])
            member = np.fromiter(chain.from_iterable(self.members), np.int64, size.sum())
            self._columns = np.cumsum(size) - size, size, member
        return self._columns

    def add(self, numbers: IntColumn, zones: IntColumn) -> IntColumn:
        """Return for each set and zone, which is not in it, the number of the set with both."""
        wanted, inverse = np.unique(numbers.astype(np.int64) * self._zones + zones, return_inverse=True)
        pairs = (divmod(one, self._zones) for one in wanted.tolist())
        found = [self.number(tuple(sorted((*self.members[number], zone)))) for number, zone in pairs]
        return np.array(found, dtype=np.int64)[inverse]
