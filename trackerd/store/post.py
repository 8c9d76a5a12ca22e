"""What waits to be told, in memory.

What must stay true here: nothing is forgotten before it is marked told, not even what was set aside; what was taken
back is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import attrgetter

from geofence.model import Micros
from trackerd.store.values import Letter, Told, Trouble, Waiting


class Post:
    """The outbox of a store."""

    def __init__(self) -> None:
        self._outbox: dict[tuple[str, int], Told] = {}
        """By route and number."""
        self._trouble: dict[tuple[str, int], Trouble] = {}
        self._wrong: set[str] = set()
        """The ids of what was taken back."""

    def untold(self, route: str, after: int, limit: int) -> list[Letter]:
        """See Store."""
        found = (letter for letter in self._letters(dead=False) if letter.route == route and letter.seq > after)
        return list(islice(found, limit))

    def mark_told(self, route: str, seqs: Sequence[int]) -> None:
        """See Store."""
        for seq in seqs:
            self._outbox.pop((route, seq), None)
            self._trouble.pop((route, seq), None)

    def mark_failed(self, route: str, failed: Mapping[int, Trouble]) -> None:
        """See Store."""
        self._trouble |= {(route, seq): trouble for seq, trouble in failed.items()}

    def dead(self, limit: int) -> list[Letter]:
        """See Store."""
        return sorted(self._letters(dead=True), key=attrgetter("route", "seq"))[:limit]

    def revive(self, route: str | None = None) -> int:
        """See Store."""
        dead = [one for one, trouble in self._trouble.items() if trouble.dead and route in (None, one[0])]
        wrong = [one for one in dead if self._outbox[one].id in self._wrong]
        for name, seq in wrong:
            self.mark_told(name, [seq])
        for one in set(dead) - set(wrong):
            del self._trouble[one]
        return len(dead) - len(wrong)

    def waiting(self) -> list[Waiting]:
        """See Store."""
        return [self._standing_of(route) for route in sorted({route for route, _ in self._outbox})]

    def _letters(self, *, dead: bool) -> Iterator[Letter]:
        for (route, seq), told in self._outbox.items():
            trouble = self._trouble.get((route, seq))
            if (trouble is not None and trouble.dead) is dead:
                yield Letter(seq, route, replace(told, said=None), trouble)

    def _standing_of(self, route: str) -> Waiting:
        dead = [letter for letter in self._letters(dead=True) if letter.route == route]
        untold = [letter for letter in self._letters(dead=False) if letter.route == route]
        trouble = [letter.trouble for letter in untold if letter.trouble is not None]
        last = max(trouble, key=attrgetter("next"), default=Trouble(0, Micros(0), Micros(0), ""))
        return Waiting(
            route, len(untold), len(dead), min((letter.event.time for letter in untold), default=None),
            max((one.tries for one in trouble), default=0), last.next if trouble else None, last.error,
        )  # fmt: skip
