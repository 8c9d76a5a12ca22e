"""The roll of devices: of each, in columns, what it takes to know that a fix changes nothing.

What must stay true here: a fix is called calm only where ``track.step`` would have done no more than to note when the
device was heard, and nothing is due; whoever is in doubt is not calm. So the columns are a shortcut past ``step`` and
never another opinion. ``due`` is never later than the moment at which something will be said if nothing more is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.model import EVER, NEVER, DeviceId, Fixes, IntColumn, Micros

_COLUMNS = {
    "heard": EVER,
    "mark": EVER,
    "same": -1,
    "gap": 0,
    "until": EVER,
    "due": NEVER,
    "held": NEVER,
    "touched": 0,
    "saved": EVER,
    "stale": 0,
    "low": 0,
}


class Calm(NamedTuple):
    """A batch sorted by device: what was calm, and what must be looked at."""

    slot: IntColumn
    """The devices all of whose fixes are calm, once each, and when each was heard last."""
    heard: IntColumn
    rows: IntColumn
    """Rows of the batch of all other devices: those of one device together, in the order they arrived."""
    start: IntColumn
    """Where in ``rows`` each device begins."""
    stop: IntColumn
    """For each of ``rows``, the place of the next that may not be calm even if this one is."""


class Roll:
    """One slot for each device. Times are microseconds; slots keep the order in which devices were first named."""

    def __init__(self, gap: Callable[[DeviceId], int]) -> None:
        """Take what says how long a device may be unheard and its next fix calm."""
        self.names: list[DeviceId] = []
        self._gap = gap
        self._slots: dict[DeviceId, int] = {}
        self._devices: tuple[DeviceId, ...] = ()
        self._known = np.empty(0, dtype=np.int64)
        """The slots of ``_devices``; -1 where nobody asked."""
        self._room(64)

    def __len__(self) -> int:
        return len(self.names)

    heard: IntColumn
    """When the device was last heard."""
    mark: IntColumn
    """How far its time has passed; EVER where nothing of it has gone on."""
    same: IntColumn
    """The number of the set of zones it is in beyond doubt; -1 where anything is in doubt."""
    gap: IntColumn
    """How long after it was heard a fix may come at most and be calm."""
    until: IntColumn
    """The first moment at which a fix of whatever kind has something to say: a dwell reached, other zones in force."""
    due: IntColumn
    held: IntColumn
    """The moment of the earliest fix that waits for its turn; NEVER where none does."""
    touched: IntColumn
    """1 where something changed since it was last saved, that the fixes stored since do not tell by themselves."""
    saved: IntColumn
    """When the device had been heard last when it was last saved."""
    low: IntColumn
    """1 where the battery was said to be low."""
    stale: IntColumn
    """1 where ``heard`` is later than its Track says."""

    def upto(self, device: DeviceId) -> Micros:
        """Return how far the device's time has passed."""
        slot = self._slots.get(device)
        return EVER if slot is None else Micros(int(self.mark[slot]))

    def waiting(self, mark: int) -> list[int]:
        """Return the slots of which something may be due, or can go on, by ``mark``."""
        due: list[int] = np.flatnonzero((self.due <= mark) | (self.held <= mark)).tolist()
        return due

    def slots(self, fixes: Fixes) -> IntColumn:
        """Return the slot of each fix's device, new ones where need be."""
        if fixes.devices is not self._devices:  # most often they are: pieces of one batch share them
            self._devices, self._known = fixes.devices, np.full(len(fixes.devices), -1)
        found = self._known[fixes.device]
        if len(found) and found.min() < 0:
            asked = np.flatnonzero(np.bincount(fixes.device[found < 0]))
            self._known[asked] = [self.enter(fixes.devices[i]) for i in asked.tolist()]
            found = self._known[fixes.device]
        return found

    def enter(self, device: DeviceId) -> int:
        """Return the device's slot, a new one if need be."""
        slot = self._slots.get(device)
        if slot is None:
            slot = self._slots[device] = len(self.names)
            self.names.append(device)
            if slot == len(self.heard):
                self._room(2 * slot)
            self.gap[slot] = self._gap(device)
        return slot

    def clear(self, slot: int) -> None:
        """Forget what the slot says, but for its device."""
        for name, empty in _COLUMNS.items():
            if name != "gap":
                getattr(self, name)[slot] = empty

    def hear(self, slot: IntColumn, time: IntColumn, patience: int, often: int) -> None:
        """Note that the devices were heard, and nothing but that.

        ``patience``: how long until one unheard has something to say; ``often``: how long that need not be saved.
        """
        self.heard[slot] = self.mark[slot] = time
        self.due[slot] = np.minimum(time + patience, self.until[slot])
        self.stale[slot] = 1
        self.touched[slot] |= time - self.saved[slot] >= often

    def keep(self, slot: IntColumn | None = None) -> None:
        """Let these devices be saved although they were only heard; all of them, if none is named."""
        if slot is None:
            self.touched |= self.stale
        else:
            self.touched[slot] = 1

    def calm(self, slot: IntColumn, time: IntColumn, same: IntColumn) -> Calm:
        """Sort a batch, not an empty one, by what is calm; its rows are those of the arguments."""
        order = np.argsort(slot, kind="stable")
        slot, time, same = slot[order], time[order], same[order]
        begins = np.ones(len(slot), dtype=bool)
        begins[1:] = slot[1:] != slot[:-1]
        start = np.flatnonzero(begins)
        of = slot[start]
        since, was = np.roll(time, 1), np.roll(same, 1)
        since[start], was[start] = self.heard[of], self.same[of]
        calm = (same == was) & (same != -1) & (time > since) & (time - since <= self.gap[slot])
        last = np.append(start[1:], len(slot)) - 1
        whole = np.logical_and.reduceat(calm, start)
        whole &= (time[start] > self.mark[of]) & (time[last] < self.until[of])
        loud = np.repeat(~whole, last - start + 1)
        begins = begins[loud]
        return Calm(of[whole], time[last[whole]], order[loud], np.flatnonzero(begins), _next(begins | ~calm[loud]))

    def _room(self, room: int) -> None:
        for name, empty in _COLUMNS.items():
            old = getattr(self, name, np.empty(0, dtype=np.int64))
            new = np.full(room, empty, dtype=np.int64)
            new[: len(old)] = old
            setattr(self, name, new)


def _next(breaks: NDArray[np.bool_]) -> IntColumn:
    """Return for each place the next one that is a break, or the end."""
    at = np.append(np.flatnonzero(breaks), len(breaks))
    return np.repeat(at, np.diff(at, prepend=0))
