"""What of one route waits, and which of it may go now.

What must stay true here: of two letters of one lane the earlier goes first, and while one is on its way or has to wait
for another try, those behind it wait too; an SOS has a lane of its own and goes before everything; letters are known
here by number alone, their text stays in the store.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from geofence.model import SECOND, Micros

MOST = 10_000
"""Letters of a route looked at ahead; the rest stays in the store until there is room."""
BUNDLE = 200
"""Letters told in one message at most."""
LONGEST = 3600 * SECOND
"""No wait is longer: one that seems to be is of a clock that was set back, and is over."""


class Entry(NamedTuple):
    """A letter that waits."""

    seq: int
    id: str
    about: str
    """The zone or device: the order of what is said about one is kept."""
    recorded: Micros
    urgent: bool = False


@dataclass
class _Lane:
    entries: list[Entry] = field(default_factory=list)
    due: int = 0


class Lanes:
    """The letters of one route that wait."""

    def __init__(self, group_s: float = 0.0, depth: int = 1) -> None:
        """Begin; ``group_s``: all but the urgent is one lane, told together; ``depth``: so many of a lane at once."""
        self._group = round(group_s * SECOND)
        self._depth = depth
        self._lanes: dict[tuple[bool, str], _Lane] = {}
        self._entries: dict[int, Entry] = {}
        self._fresh: dict[str, Entry] = {}
        self._flying: set[int] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, seq: int) -> bool:
        return seq in self._entries

    @property
    def flying(self) -> int:
        """How many are on their way."""
        return len(self._flying)

    def add(self, entry: Entry, tried: bool = False) -> None:
        """Let a letter wait."""
        insort(self._lanes.setdefault(self._key(entry), _Lane()).entries, entry)
        self._entries[entry.seq] = entry
        if not tried:
            self._fresh[entry.id] = entry

    def drop(self, seq: int) -> None:
        """Forget a letter: it was told, or set aside."""
        entry = self._entries.pop(seq)
        self._flying.discard(seq)
        self._fresh.pop(entry.id, None)
        lane = self._lanes[self._key(entry)]
        lane.entries.remove(entry)
        lane.due = 0
        if not lane.entries:
            del self._lanes[self._key(entry)]

    def take(self, seqs: list[int]) -> None:
        """Note that these are on their way."""
        self._flying |= set(seqs)
        for seq in seqs:
            self._fresh.pop(self._entries[seq].id, None)

    def back(self, seq: int, due: Micros | None) -> None:
        """Note that one came back; its lane waits until ``due``."""
        self._flying.discard(seq)
        if due is not None:
            self._lanes[self._key(self._entries[seq])].due = due

    def untried(self, id_: str) -> int | None:
        """Return the number of the letter that tells this event, if nobody can have got it yet."""
        entry = self._fresh.get(id_)
        return entry.seq if entry is not None else None

    def urgent(self, seq: int) -> bool:
        """Return whether it is an SOS."""
        return self._entries[seq].urgent

    def ready(self, now: Micros, quiet: bool = False) -> list[list[int]]:
        """Return what may go now, each what goes together: the urgent first, else in the order recorded."""
        found: list[list[int]] = []
        for (urgent, _), lane in self._lanes.items():
            if 0 < lane.due - now <= LONGEST or (quiet and not urgent):
                continue
            if self._group and not urgent:
                found += self._together(lane, now)
            else:
                first = islice(lane.entries, self._depth)
                found += [[entry.seq] for entry in first if entry.seq not in self._flying]
        return sorted(found, key=lambda seqs: (not self.urgent(seqs[0]), seqs[0]))

    def _together(self, lane: _Lane, now: Micros) -> list[list[int]]:
        first = lane.entries[0]
        if first.seq in self._flying or 0 < first.recorded + self._group - now <= self._group:
            return []
        return [[entry.seq for entry in lane.entries[:BUNDLE]]]

    def _key(self, entry: Entry) -> tuple[bool, str]:
        return entry.urgent, entry.about if entry.urgent or not self._group else ""
