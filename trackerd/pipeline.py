"""One turn: a batch from chunks to commit. No loop in it.

What must stay true here: everything a batch brought about is committed in one transaction; only then is the sender
told; only what is committed is told to the world. After a failed commit memory is ahead of the record: the engine
is thrown away, made again from the store, and the same fixes are taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from geofence.engine import Engine
from geofence.model import DeviceId, Event, Fixes, Micros, WardenId
from geofence.track import Rules
from geofence.wire import cloudevent
from trackerd.failpoint import fail_point
from trackerd.intake import Intake, Taken
from trackerd.store import Batch, Kept, Store, Told
from trackerd.town import Town


@dataclass
class Counts:
    """What has gone through since the start."""

    fixes: int = 0
    stored: int = 0
    late: int = 0
    gated: int = 0
    refused: int = 0
    events: int = 0


@dataclass
class House:
    """Everything a turn needs, wired together once at the start."""

    intake: Intake
    store: Store
    town: Town
    source: str
    """The CloudEvents source of this site."""
    rules: Rules = field(default_factory=Rules)
    window_s: float = 0.0
    routes: Sequence[str] = ()
    positions: bool = False
    counts: Counts = field(default_factory=Counts)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.wake()

    def wake(self) -> None:
        """Make the engine again from the store: the tracks as saved, and the fixes stored after them."""
        self.engine = Engine(self.town.zones, self.rules, self.store.tracks(), self.window_s)
        for device in self.store.devices():
            track = self.engine.tracks.get(device)
            after = -(2**62) if track is None or track.heard is None else track.heard
            for fixes in self.store.fixes(device, after):
                self.engine.feed(fixes, self.town.zones.locate(fixes))

    def move(self, town: Town) -> None:
        """Let another town (zones, roster) be in force from now on."""
        self.town = self.intake.town = town
        self.engine.zones = town.zones


class Recorded(NamedTuple):
    """What a turn committed that the world may now be told."""

    events: list[Told]
    visits: list[Kept]
    """Those the events speak of, as last spoken of."""


def record(house: House, taken: Taken, now: Micros | None) -> Recorded:
    """Carry what was taken into the record; return what it brought about.

    ``now`` is the moment up to which time has passed; None where no clock runs (a replay of old files). Raises
    StoreError where nothing was committed: then ``house.wake()`` and call again with the same arguments.
    """
    fixes = taken.fixes
    fed = house.engine.feed(fixes, house.town.zones.locate(fixes))
    events = fed.events + (house.engine.advance(now) if now is not None else [])
    recorded = now if now is not None else Micros(int(fixes.time.max(initial=0)))
    told = [_told(house, event, recorded) for event in events]
    visits = _visits(house, events)
    batch = Batch(
        fixes, taken.received, taken.wardens, taken.refusals, taken.pulses, house.engine.changed(),
        visits, told, house.routes,
    )  # fmt: skip
    if not any((len(fixes), batch.refusals, batch.pulses, batch.tracks, told)):
        return Recorded(told, visits)
    fail_point("before-commit")
    stored = house.store.commit(batch)
    fail_point("after-commit")
    _count(house.counts, taken, len(told), stored, len(fed.late))
    return Recorded(told, visits)


def empty() -> Taken:
    """Return a batch in which nothing came."""
    return Taken(Fixes.of(()))


def _holder(house: House, device: DeviceId, time: int) -> WardenId | None:
    return house.town.roster.holder(device, time)


def _told(house: House, event: Event, recorded: Micros) -> Told:
    warden = _holder(house, event.device, event.visit.began if event.visit else event.time)
    zone = house.town.zones.by_id.get(event.visit.zone) if event.visit else None
    team = house.town.roster.team(warden)
    body = cloudevent(event, house.source, recorded, zone, warden, team, house.positions)
    return Told(body["id"], body["type"], event.time, body, event.visit.zone if event.visit else None, event.device)


def _visits(house: House, events: Sequence[Event]) -> list[Kept]:
    """Return the visits the events speak of, each as last spoken of."""
    visits = {event.visit.id: event.visit for event in events if event.visit is not None}
    kept = []
    for visit in visits.values():
        warden = _holder(house, visit.device, visit.began)
        kept.append(Kept(visit, warden, house.town.roster.team(warden)))
    return kept


def _count(counts: Counts, taken: Taken, events: int, stored: int, late: int) -> None:
    counts.fixes += len(taken.fixes)
    counts.stored += stored
    counts.late += late
    counts.gated += taken.gated
    counts.refused += len(taken.refusals)
    counts.events += events
