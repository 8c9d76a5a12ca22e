"""What is known of every device as columns, to pass over at once those to whom nothing happens.

    a fix that says "the same zones as before, no edge near", soon after the last and with nothing due, moves on the
    moment its device was last heard, and nothing else: that is ``track.step`` of it, and is done here for a batch

What must stay true here: a column is what the device's Track says, but for ``heard``, which may be ahead of it; whoever
takes the Track out brings it up to date first. Nothing here decides anything: what is passed over is what the fold
would have left alone, and a law under test says so (tests/geofence/test_calm.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.model import EVER, NEVER, DeviceId, Fixes, IntColumn, Micros

BEGIN = 64
FRESH = {
    "heard": EVER, "mark": EVER, "same": -1, "until": EVER, "after": 0, "fixed": NEVER, "again": NEVER, "due": NEVER,
    "calm": 0, "dirty": 0,
}  # fmt: skip
"""The columns, and what stands in them of a device nothing is known of."""


class Standing(NamedTuple):
    """One device's row."""

    heard: Micros
    """EVER: never."""
    mark: Micros
    """How far its time has passed."""
    same: int
    """What a fix must say to change nothing; -1: whatever it says counts."""
    until: Micros
    """Fixes after that moment count: the zones are others then, or something is due."""
    after: int
    """Microseconds after it was last heard until something is said, if it is not heard again."""
    fixed: Micros
    """When something is said whether or not it is heard."""
    again: Micros
    """After that moment what is due must be asked anew: the zones are others."""


NOTHING = Standing(EVER, EVER, -1, EVER, 0, NEVER, NEVER)
"""Of a device nothing is known of."""


class Columns:
    """The rows of all devices."""

    heard: IntColumn
    mark: IntColumn
    same: IntColumn
    until: IntColumn
    after: IntColumn
    fixed: IntColumn
    again: IntColumn
    due: IntColumn
    """When something is said if nothing more is heard."""
    calm: IntColumn
    """Microseconds between two fixes that leave no doubt between them."""
    dirty: IntColumn
    """1 where it changed since it was last saved."""

    def __init__(self) -> None:
        self.slots: dict[DeviceId, int] = {}
        self.devices: list[DeviceId] = []
        self._size = 0
        for name in FRESH:
            setattr(self, name, np.empty(0, np.int64))
        self._grow()

    def slot(self, device: DeviceId, calm_us: int) -> int:
        """Return the device's row, a new one where there is none."""
        found = self.slots.get(device)
        if found is None:
            found = self.slots[device] = len(self.devices)
            self.devices.append(device)
            if found == self._size:
                self._grow()
            self.calm[found] = calm_us
        return found

    def put(self, slot: int, row: Standing) -> None:
        """Take what a Track says now."""
        self.heard[slot], self.mark[slot], self.same[slot] = row.heard, row.mark, row.same
        self.until[slot], self.after[slot], self.fixed[slot] = row.until, row.after, row.fixed
        self.again[slot] = row.again
        self.due[slot] = NEVER if row.heard == EVER else min(row.heard + row.after, row.fixed)

    def pass_over(self, slots: IntColumn | int, heard: IntColumn | int) -> None:
        """Move on the moment these devices were last heard."""
        self.heard[slots] = self.mark[slots] = heard
        self.due[slots] = np.minimum(heard + self.after[slots], self.fixed[slots])
        self.dirty[slots] = 1

    def waiting(self, mark: int) -> list[int]:
        """Return the rows of which something may be due by ``mark``."""
        n = len(self.devices)
        return np.flatnonzero((self.due[:n] <= mark) | (self.again[:n] < mark)).tolist()

    def _grow(self) -> None:
        more = max(self._size, BEGIN)
        for name, value in FRESH.items():
            setattr(self, name, np.append(getattr(self, name), np.full(more, value, np.int64)))
        self._size += more


class Lot(NamedTuple):
    """A batch, device by device, each device's fixes in the order they arrived."""

    row: IntColumn
    """Where in the batch."""
    time: IntColumn
    starts: IntColumn
    """Where each device begins; the rest is by device or by place."""
    ends: IntColumn
    slots: IntColumn
    quiet: NDArray[np.bool_]
    """Devices to whom nothing happens in the whole batch."""
    run_ends: IntColumn
    """The last place of the run each is in: fixes that say the same, one soon after the other."""


def sort(columns: Columns, slots: IntColumn, fixes: Fixes, same: IntColumn) -> Lot:
    """Return the batch device by device; ``slots``: of ``fixes.devices``."""
    slot = slots[fixes.device]
    row = np.argsort(slot, kind="stable")
    slot, time, said = slot[row], fixes.time[row], same[row]
    first = np.empty(len(row), dtype=bool)
    first[:1], first[1:] = True, slot[1:] != slot[:-1]
    starts = np.flatnonzero(first)
    before, was = np.empty_like(time), np.empty_like(said)
    before[1:], was[1:] = time[:-1], said[:-1]
    before[starts], was[starts] = columns.heard[slot[starts]], columns.same[slot[starts]]
    goes_on = (said == was) & (said != -1) & (time > before) & (time - before <= columns.calm[slot])
    goes_on[starts] &= time[starts] > columns.mark[slot[starts]]
    quiet = np.logical_and.reduceat(goes_on & (time <= columns.until[slot]), starts)
    goes_on[starts] = False
    begins = np.flatnonzero(~goes_on)
    run_ends = np.repeat(np.append(begins[1:], len(row)) - 1, np.diff(np.append(begins, len(row))))
    return Lot(row, time, starts, np.append(starts[1:], len(row)), slot[starts], quiet, run_ends)


def slots_of(columns: Columns, devices: Sequence[DeviceId]) -> IntColumn | None:
    """Return the rows of these devices; None where one is new."""
    try:
        return np.fromiter(map(columns.slots.__getitem__, devices), np.int64, len(devices))
    except KeyError:
        return None
