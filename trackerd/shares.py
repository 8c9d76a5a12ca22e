"""Half of the devices in one process and half in another: who takes which, and how one goes on from both.

What must stay true here: what is found of a device depends on it alone, so the one who goes on stands where he would
if he had taken them all himself (but for how often a visit was told anew before). This is for the past, of which
nobody is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.event import latest
from geofence.model import COLUMNS, EVER, NEVER, DeviceId, Fixes, Micros, pooled
from geofence.wire import PREFIX, event_id
from trackerd.house import House
from trackerd.pipeline import empty, record
from trackerd.store import Batch, Said, Told
from trackerd.store.rows import dump_saved, load_saved


class Share:
    """The devices that one of two takes: every other one, in the order in which they are first named."""

    def __init__(self, turn: int, known: Sequence[DeviceId] = ()) -> None:
        """``turn``: 0 or 1, which of the two; ``known``: devices named before all others, to both alike."""
        self._turn, self._known = turn, tuple(known)
        self._takes: dict[DeviceId, bool] = {}
        for device in known:
            self.takes(device)

    def takes(self, device: DeviceId) -> bool:
        """Return whether the device is one of them."""
        return self._takes.setdefault(device, len(self._takes) % 2 == self._turn)

    def of_known(self) -> list[DeviceId]:
        """Return those of the devices known that are."""
        return [device for device in self._known if self.takes(device)]


class Findings(NamedTuple):
    """What became of some devices, in a form that another process can read."""

    devices: tuple[DeviceId, ...]
    total: int
    """How many fixes,"""
    columns: dict[str, NDArray[Any]]
    """and what they say, each device's in order of time; a column that says the same of all is one number long."""
    tracks: list[tuple[DeviceId, Micros, str]]
    """Where each device stands, as stores keep it; none of whose fixes all wait for their turn."""
    said: list[Said]
    """The last that stands of each visit."""


def findings(house: House) -> Findings:
    """Return all that a house knows of its devices. Raises StoreError."""
    house.engine.keep_all()
    record(house, empty(), None)
    devices, store = house.store.devices(), house.store
    told = sorted((one.event for device in devices for one in store.standing(device, EVER)), key=latest)
    last = {event.visit.id: event for event in told if event.visit is not None}
    fixes = pooled([piece for device in devices for piece in store.fixes(device, EVER)])
    return Findings(
        fixes.devices,
        len(fixes),
        {name: _once(getattr(fixes, name)) for name in COLUMNS},
        [dump_saved(saved) for saved in store.tracks()],
        [Said(last[kept.visit.id], kept.warden, kept.team) for kept in store.visits(EVER, NEVER)],
    )


def adopt(house: House, found: Findings) -> None:
    """Let a house, which knows nothing of these devices, go on from there. Raises StoreError."""
    assert not set(found.devices) & set(house.store.devices())
    fixes = Fixes(found.devices, **{name: _all(column, found.total) for name, column in found.columns.items()})
    saved = {device: load_saved(upto, state) for device, upto, state in found.tracks}
    told = [_told(house, said) for said in found.said]
    house.commit(Batch(fixes, tracks=list(saved.values()), events=told))
    for device in found.devices:
        one = saved.get(device)
        house.resume(device, one, EVER if one is None else one.upto)
    house.docket.begin(fixes, None)


def _once(column: NDArray[Any]) -> NDArray[Any]:
    bits = column.view(np.int64)  # as bits not-a-number equals itself
    return column[:1] if (bits == bits[:1]).all() else column


def _all(column: NDArray[Any], total: int) -> NDArray[Any]:
    return column if len(column) == total else np.full(total, column)


def _told(house: House, said: Said) -> Told:
    event = said.event
    about = None if event.visit is None else event.visit.zone
    return Told(event_id(house.source, event), PREFIX + event.kind, event.time, {}, about, event.device, said)
