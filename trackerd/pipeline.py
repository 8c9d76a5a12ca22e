"""One turn: a batch from chunks to commit. No loop in it.

What must stay true here: everything a batch brought about is committed in one transaction; only then is the sender
told; only what is committed is told to the world. What came late is committed with the word that its device is to be
revised, and revised in a transaction of its own right after, or by the next turn if we die between. After a failed
commit memory is ahead of the record: the engine is thrown away, made again from the store, and the same fixes are
taken again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geofence.engine import Engine
from geofence.event import Event, changed
from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros, VisitId, WardenId, to_micros
from geofence.revise import SAID_AT_ONCE, Standing, compare, retell, retraction, revised, spare
from geofence.wire import PREFIX, cloudevent, event_id
from trackerd import clock
from trackerd.failpoint import fail_point
from trackerd.gate import PAST_US
from trackerd.house import Counts, House
from trackerd.intake import Taken
from trackerd.store import Batch, Committed, Refusal, Revised, Said, StoreError, Told
from trackerd.verdicts import decide

LATE = "fixes that arrived late"
OFF_DUTY = "off duty, where nothing is kept"
TOO_OLD = "older-than-kept"
REACHES_S = PAST_US / SECOND
"""What is older than any tracker may keep is out of a file, and its lag says nothing."""

log = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """What a turn committed that the world may now be told."""

    events: list[Told]
    revised: bool = False
    """Whether what was told before has changed."""


def record(house: House, taken: Taken, now: Micros | None) -> Recorded:
    """Carry what was taken into the record; return what it brought about.

    ``now`` is the moment up to which time has passed; None where no clock runs (a replay of old files). Raises
    StoreError where nothing was committed: then ``house.wake()`` and call again with the same arguments.
    """
    if house.asleep:
        house.wake()
    taken = _within_reach(house, taken)
    house.heed(taken.breaks)
    fixes = taken.fixes
    fed = house.engine.judge(fixes)
    events = house.untold + fed.events + (house.advance(fixes, now) if now is not None else [])
    recorded = now if now is not None else Micros(int(fixes.time.max(initial=0)))
    # Where no clock runs it is recorded when it was decided, however many fixes are read at once.
    told = [
        _told(house, event, max(event.decided, event.time) if now is None else now, fixes)
        for event in _numbered(house, events)
    ]
    batch = house.batch(taken, fed.late.tolist(), told)
    news: list[Told] = []
    news_of_duty = (batch.breaks, batch.erased, batch.unheld, batch.waivers)
    if any((len(fixes), batch.refusals, batch.pulses, batch.tracks, batch.editions, told, *news_of_duty)):
        fail_point("before-commit")
        stored = house.commit(batch)
        fail_point("after-commit")
        house.kept(batch)
        news = stored.events
        _count(house.counts, taken, stored, len(fed.late))
    dirty = house.dirty()
    for device, since in dirty:
        fail_point("before-revise")
        news += _revise(house, device, since, recorded)
    house.docket.begin(fixes, now)
    if now is not None:
        news += decide(house, now)
    return Recorded(news, bool(dirty))


def empty() -> Taken:
    """Return a batch in which nothing came."""
    return Taken(Fixes.of(()))


def _within_reach(house: House, taken: Taken) -> Taken:
    """Return what was taken, fixes from before their devices' horizons refused: what they change cannot be retold."""
    fixes = taken.fixes
    horizon = np.array([house.horizons.get(device, EVER) for device in fixes.devices], dtype=np.int64)
    if not len(fixes) or not (old := fixes.time <= horizon[fixes.device]).any():
        return taken
    rows = np.flatnonzero(~old).tolist()
    refusals = [Refusal("turn", Micros(taken.received[row]), TOO_OLD) for row in np.flatnonzero(old).tolist()]
    house.counts.too_old += len(refusals)
    return replace(
        taken, fixes=fixes.take(~old), received=[taken.received[row] for row in rows],
        wardens=[taken.wardens[row] for row in rows], refusals=[*taken.refusals, *refusals],
    )  # fmt: skip


def _holder(house: House, device: DeviceId, time: int) -> WardenId | None:
    return house.town.roster.holder(device, time)


def _told(house: House, event: Event, recorded: Micros, fixes: Fixes | None = None) -> Told:
    warden = _holder(house, event.device, event.visit.began if event.visit else event.time)
    team, about = house.town.roster.team(warden), event.visit.zone if event.visit else None
    said, again = None if event.kind in SAID_AT_ONCE else Said(event, warden, team), _withdrawn(house, event)
    if not house.worded:
        id_ = event_id(house.source, event, again)
        return Told(id_, PREFIX + event.kind, event.time, {}, about, event.device, said)
    zone = house.editions.zone(about, max(event.decided, event.time)) if about else None
    shown = _placed(house, event, fixes) if house.positions and event.retracts is None else event
    body = cloudevent(shown, house.source, recorded, zone, warden, team, house.positions, again)
    return Told(body["id"], body["type"], event.time, body, about, event.device, said)


def _withdrawn(house: House, event: Event) -> int:
    """Return how often this was told and taken back, where no visit's revision says so: no id is told twice."""
    times = 0
    if event.visit is None and event.kind not in SAID_AT_ONCE:
        while any(not found.stands for found in house.store.find(event_id(house.source, event, times))):
            times += 1
    return times


def _placed(house: House, event: Event, fixes: Fixes | None) -> Event:
    """Add where its device was last seen by the time it was decided: of what just came in, or of what is stored."""
    if event.lon is not None or event.visit is None:
        return event
    by, since = max(event.decided, event.time), event.time - round(house.rules.silence_s * SECOND)
    pieces = list(house.store.fixes(event.device, since, by + 1))
    if fixes is not None and event.device in fixes.devices:
        pieces.append(fixes.take((fixes.device == fixes.devices.index(event.device)) & (fixes.time <= by)))
    seen = [piece.row(int(np.argmax(piece.time))) for piece in pieces if len(piece)]
    if not seen:
        return event
    last = max(seen, key=lambda fix: fix.time)
    return changed(event, lon=last.lon, lat=last.lat)


def _numbered(house: House, events: Iterable[Event]) -> list[Event]:
    """Give events as they happen the revision of their visit: 0, or what late data made of it."""
    return [revised(event, house.store.revision(event.visit.id)) if event.visit else event for event in events]


def _revise(house: House, device: DeviceId, since: Micros, recorded: Micros) -> list[Told]:
    """Tell one device's record anew from the fixes; a fault of ours in it must not hold up the others."""
    try:
        return _tell_anew(house, device, since, recorded)
    except StoreError:
        raise
    except Exception:
        log.exception("the record of device %s could not be revised; the next start tries again", device)
        house.give_up(device)
        return []


def _tell_anew(house: House, device: DeviceId, since: Micros, recorded: Micros) -> list[Told]:
    if since <= house.horizons.get(device, EVER):
        house.counts.too_old += 1
        since = Micros(house.horizons[device] + 1)
    base = house.store.checkpoint(device, since)
    after = base.upto if base is not None else house.horizons.get(device, EVER)
    until = house.engine.upto(device)
    engine = Engine(house.editions, house.rules, [base] if base is not None else [])
    retold = retell(engine, device, house.store.fixes(device, after, until + 1), until)
    standing, events = house.store.standing(device, after), retold.events
    if base is None and after > EVER:
        standing, events = _spared(house, device, after, standing, events)
    changes = compare(standing, events)
    forgotten = {one.id for one in changes.wrong if _off_duty(house, one.event)}
    told = [_taken_back(house, wrong, recorded, wrong.id in forgotten) for wrong in changes.wrong]
    told += [_told(house, event, recorded) for event in _renumbered(house, changes.new, changes.wrong)]
    batch = Batch(
        Fixes.of(()), tracks=[retold.saved] if retold.saved is not None else [], checkpoints=retold.checkpoints,
        revised=Revised(device, since, [one.id for one in changes.wrong], changes.redated, sorted(forgotten)),
        events=told, routes=house.routes,
    )  # fmt: skip
    stored = house.commit(batch)
    last = retold.checkpoints[-1] if retold.checkpoints else base
    house.resume(device, retold.saved, last.upto if last is not None else EVER)
    house.counts.revised += 1
    house.counts.retracted += len(changes.wrong)
    return stored.events


def _off_duty(house: House, event: Event) -> bool:
    """Return whether what was said tells of a time of which nothing may be kept."""
    return any(_holder(house, event.device, time) is None for time in (event.time, event.decided))


def _taken_back(house: House, wrong: Standing, recorded: Micros, off_duty: bool) -> Told:
    """Return what takes an event back; of one off duty, nothing but its id and where it was told."""
    told = _told(house, retraction(wrong, OFF_DUTY if off_duty else LATE), recorded)
    if not off_duty or not house.worded:
        return told
    data = {key: value for key, value in told.body["data"].items() if key in ("zone", "retracts", "because")}
    body = told.body | {"time": told.body["recordedtime"], "data": data}
    return replace(told, time=recorded, body=body, device=None if told.zone else told.device)


def _spared(
    house: House, device: DeviceId, after: Micros, standing: Sequence[Standing], events: Sequence[Event]
) -> tuple[list[Standing], list[Event]]:
    """Leave out what cannot be judged where no state was kept of what had begun by then; see ``spare``."""
    begun = [one.visit for one in house.store.visits(after, after + 1) if one.visit.device == device]
    first = next(iter(house.store.fixes(device, after)), None)
    return spare(standing, events, after, Micros(int(first.time[0])) if first is not None else after, begun)


def _renumbered(house: House, events: Sequence[Event], wrong: Sequence[Standing]) -> list[Event]:
    """Give what late data brought about a revision above any told of its visit, or of those it takes the place of."""
    visits = [one.event.visit for one in wrong if one.event.visit is not None]

    def revision(id_: VisitId, zone: str) -> int:
        return 1 + max([house.store.revision(id_), *(visit.revision for visit in visits if visit.zone == zone)])

    return [revised(event, revision(event.visit.id, event.visit.zone)) if event.visit else event for event in events]


def _count(counts: Counts, taken: Taken, stored: Committed, late: int) -> None:
    """Count what a batch brought, once it is on disk: a pass over its columns, none over its fixes."""
    fixes, now = taken.fixes, to_micros(clock.now())
    counts.fixes += len(fixes)
    counts.stored += stored.fixes
    counts.duplicate += len(fixes) - stored.fixes
    counts.late += late
    counts.gated += taken.gated
    counts.unheld += sum(one.times for one in taken.unheld.values())
    counts.refused += len(taken.refusals)
    counts.refused_why.update(one.why for one in taken.refusals)
    lag = (now - fixes.time) / SECOND
    counts.lag_store_s.add(lag[lag <= REACHES_S])
    decided = np.array([one.said.event.decided for one in stored.events if one.said is not None], dtype=np.int64)
    lag = (now - decided) / SECOND
    counts.lag_event_s.add(lag[lag <= REACHES_S])
    if counts.last_fix is not None:
        newest = np.full(len(fixes.devices), EVER, dtype=np.int64)
        np.maximum.at(newest, fixes.device, fixes.time)
        for device, time in zip(fixes.devices, newest.tolist(), strict=True):
            counts.last_fix[device] = max(Micros(time), counts.last_fix.get(device, Micros(time)))
