"""The fixes of one device in memory.

What must stay true here: fixes stay columns, and are put in order only when somebody asks or one comes out of it; of
two of one moment the same one stays, whichever came first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter

import numpy as np

from geofence.model import EVER, Fix, Fixes, IntColumn, Micros, join

_VALUES = attrgetter(
    "accuracy_m", "lon", "lat", "speed_mps", "course_deg", "altitude_m", "hdop", "battery_pct", "flags"
)


class FixLog:
    """The fixes of one device."""

    def __init__(self) -> None:
        self._pieces: list[Fixes] = []
        """One after the other in time; the first may be what is left of some, and empty."""
        self._newest = -(2**63)
        self.count = 0

    def add(self, fixes: Fixes) -> tuple[int, IntColumn]:
        """Keep them; return how many were of new moments, and the rows that changed anything."""
        before = self.count
        if int(fixes.time[0]) > self._newest and bool(np.all(np.diff(fixes.time) > 0)):
            self._pieces.append(fixes)
            self.count += len(fixes)
            news = np.arange(len(fixes))
        else:
            news = self._merge(fixes)
        self._newest = max(self._newest, int(fixes.time.max()))
        return self.count - before, news

    def between(self, after: int, before: int | None) -> Fixes:
        """Return those later than ``after`` and earlier than ``before``, in order of time."""
        first = max(bisect_right(self._pieces, after, key=_first) - 1, 0)
        last = len(self._pieces) if before is None else bisect_left(self._pieces, before, key=_first)
        pieces = self._pieces[first : max(last, first + 1)]
        found = join(pieces) if len(pieces) < len(self._pieces) else self._whole()
        end = len(found) if before is None else int(np.searchsorted(found.time, before, "left"))
        return found.take(slice(int(np.searchsorted(found.time, after, "right")), end))

    def erase(self, start: int, end: int) -> Micros | None:
        """Erase what lies in [start, end) but an SOS; return the first moment of it."""
        whole = self._whole()
        gone = (whole.time >= start) & (whole.time < end) & (whole.sos == 0)
        if not gone.any():
            return None
        first = Micros(int(whole.time[gone].min()))
        self._pieces = [whole.take(~gone)]
        self.count = len(self._pieces[0])
        return first

    def forget(self, upto: Micros) -> Fixes:
        """Let go of the fixes up to a moment; return them."""
        gone, left = self.between(EVER, upto + 1), self.between(upto, None)
        self._pieces, self.count = [left], len(left)
        return gone

    def _whole(self) -> Fixes:
        if len(self._pieces) > 1:
            self._pieces = [join(self._pieces)]
        return self._pieces[0]

    def _merge(self, fixes: Fixes) -> IntColumn:
        """Let the better of two of one moment stay; of two alike, the first."""
        known = self._whole() if self._pieces else fixes.take(np.empty(0, np.int64))
        both = join([known, fixes])
        order = np.argsort(both.time, kind="stable")
        _, starts = np.unique(both.time[order], return_index=True)
        stays = np.array([_best(both, rows) for rows in np.split(order, starts[1:])], dtype=np.int64)
        self._pieces = [both.take(stays)]
        self.count = len(stays)
        return np.sort(stays[stays >= len(known)] - len(known))


def _first(piece: Fixes) -> int:
    return int(piece.time[0]) if len(piece) else EVER


def _best(fixes: Fixes, rows: IntColumn) -> int:
    return int(rows[0]) if len(rows) == 1 else min(rows.tolist(), key=lambda row: _rank(fixes.row(row)))


def _rank(fix: Fix) -> tuple[object, ...]:
    return (not fix.sos, *((value is None, value or 0) for value in _VALUES(fix)))
