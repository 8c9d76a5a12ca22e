"""The fixes of all devices in memory, and since when what was made of them is to be made anew.

What must stay true here: a fix that comes late, or is erased, is known as a reason to revise from its moment on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from geofence.model import EVER, FLOAT_COLUMNS, SECOND, DeviceId, Fixes, IntColumn, Micros, join
from trackerd.store.fix_log import FixLog
from trackerd.store.seen import Held, within
from trackerd.store.values import Batch, Box, Erased, Seen


class Positions:
    """Where devices were."""

    def __init__(self) -> None:
        super().__init__()
        self._fixes: dict[DeviceId, FixLog] = {}
        self._held: dict[DeviceId, Held] = {}
        self._thinned: dict[tuple[DeviceId, int], Fixes] = {}
        self._dirty: dict[DeviceId, Micros] = {}
        self._rejudge: dict[DeviceId, Micros] = {}

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """See Store."""
        log = self._fixes.get(device)
        if log is not None and len(piece := log.between(after, before)):
            yield piece

    def devices(self) -> list[DeviceId]:
        """See Store."""
        return sorted(device for device, log in self._fixes.items() if log.count)

    def seen(self, start: int, end: int, box: Box | None = None) -> list[Seen]:
        """See Store."""
        found = []
        for device in self.devices():
            fixes = within(self._fixes[device].between(start - 1, end), start, end, box)
            held = self._held.get(device, Held()).by(fixes.time)
            found += [Seen(who, fixes.take(rows)) for who, rows in held.items()]
        return found

    def times(self, device: DeviceId, start: int, end: int, apart: int = 0) -> IntColumn:  # noqa: ARG002
        """See Store."""
        log = self._fixes.get(device)
        return np.empty(0, np.int64) if log is None else log.between(start - 1, end).time

    def first_position(self) -> Micros | None:
        """See Store."""
        firsts = [int(log.between(EVER, None).time[0]) for log in self._fixes.values() if log.count]
        return Micros(min(firsts)) if firsts else None

    def dirty(self) -> dict[DeviceId, Micros]:
        """See Store."""
        return dict(sorted(self._dirty.items()))

    def rejudge(self) -> dict[DeviceId, Micros]:
        """See Store."""
        return dict(sorted(self._rejudge.items()))

    def thinned(self, device: DeviceId, after: Micros, before: Micros) -> Fixes:
        """See Store."""
        found = [one for (of, _), one in sorted(self._thinned.items()) if of == device]
        found = [one for one in found if after < one.time[0] < before]
        return join(found) if found else Fixes.of(())

    def _keep_fixes(self, batch: Batch) -> int:
        late = np.zeros(len(batch.fixes), bool)
        late[list(batch.late)] = True
        new = 0
        for index, device in enumerate(batch.fixes.devices):
            rows = np.flatnonzero(batch.fixes.device == index)
            if len(rows):
                rows = rows[np.argsort(late[rows], kind="stable")] if batch.late else rows
                fixes = replace(batch.fixes.take(rows), devices=(device,), device=np.zeros(len(rows), np.int64))
                count, news = self._fixes.setdefault(device, FixLog()).add(fixes)
                wardens = [batch.wardens[row] for row in rows.tolist()] if batch.wardens else [None] * len(rows)
                self._held.setdefault(device, Held()).note(fixes.time, wardens)
                new += count
                self._soil((device, Micros(time)) for time in fixes.time[news][late[rows[news]]].tolist())
        return new

    def _thin(self, device: DeviceId, upto: Micros) -> int:
        gone = self._fixes[device].forget(upto)
        for row in range(len(gone)):
            one = gone.take(np.array([row]))
            nothing: dict[str, Any] = {name: np.full(1, np.nan) for name in FLOAT_COLUMNS[3:]}
            plain = replace(one, **nothing, flags=one.flags * 0, sos=one.sos * 0)
            self._thinned.setdefault((device, int(one.time[0]) // (60 * SECOND)), plain)
        return len(gone)

    def _erase(self, erased: Erased) -> None:
        device, start, end = erased
        first = self._fixes[device].erase(start, end) if device in self._fixes else None
        if first is not None:
            stain(self._dirty, [(device, first)])
            if not self._fixes[device].count:
                del self._fixes[device]
        stain(self._rejudge, [(device, start)])

    def _soil(self, dirty: Iterable[tuple[DeviceId, Micros]]) -> None:
        found = list(dirty)
        stain(self._dirty, found)
        stain(self._rejudge, found)


def stain(known: dict[DeviceId, Micros], found: Iterable[tuple[DeviceId, Micros]]) -> None:
    """Let what is known of each device begin no later than what was found."""
    for device, since in found:
        known[device] = min(since, known.get(device, since))
