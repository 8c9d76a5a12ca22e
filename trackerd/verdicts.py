"""The verdict step of a turn: what the plan asked, against the record as it stands.

What must stay true here: everything comes from the store (fixes, visits, the docket), so judging again gives the same,
live, in replay and after a restart; a verdict that changes is taken back and told anew with a higher revision; what
was decided is committed with the word that it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from geofence.ledger import Case, Outcome, Verdict, Whereabouts, judge, of_one
from geofence.model import SECOND, DeviceId, Fixes, Micros, WardenId, ZoneId, join
from geofence.plan import ANYONE
from geofence.presence import Presence, presence
from geofence.spans import Spans, union, without
from geofence.wire import due_event, verdict_event, verdict_retraction
from geofence.zones import Zone
from trackerd.docket import due_at
from trackerd.house import House
from trackerd.store import Batch, Docketed, Judgement, Kept, Told

MARGIN = 3600 * SECOND
"""Fixes so long before and after a window still say who was elsewhere in it."""
LOOK_US = 30 * SECOND
"""Windows that are open are looked at so often, for being met or due."""
LATE = "late data"
PLAN = "the plan was changed"
WAIVED = "a waiver was written or undone"


@dataclass
class _Step:
    """What one step brings about."""

    cases: list[Docketed] = field(default_factory=list)
    dropped: list[Case] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


def decide(house: House, now: Micros) -> list[Told]:
    """Judge what can be judged by ``now``, and judge again what has changed; return the news. Raises StoreError."""
    docket = house.docket
    if docket.frontier is None or not (house.town.plan.requirements or docket.open or docket.verdicts):
        return []
    bench = Bench(house, now)
    step = _Step()
    again = house.store.rejudge()
    ended = [_docketed(house, case) for case in docket.ended(now, house.editions)]
    waiting = docket.open | {one.case.id: _with_told(one, docket.open.get(one.case.id)) for one in ended}
    for one in waiting.values():
        if one.case.window.end > now:
            continue
        ready, because = bench.ready(one), WAIVED if one.case.id in docket.reopened else LATE
        _settle(bench, step, replace(one, closed=ready), bench.verdict(one) if ready else one.verdict, because)
    if docket.moved or again or now >= docket.looked + LOOK_US:
        _look(bench, step, bool(again))
        docket.looked, docket.moved = now, False
    for one in _concerned(house, again):
        _settle(bench, step, one, bench.verdict(one), LATE)
    return _commit(house, step, list(again), now)


def _look(bench: Bench, step: _Step, again: bool) -> None:
    """Look at the windows that are open: which are met, which are due, which are no longer owed."""
    house, docket = bench.house, bench.house.docket
    because = PLAN if docket.moved else LATE
    current = {case.id: case for case in docket.current(bench.now, house.editions)}
    for one in docket.open.values():
        if one.case.window.end > bench.now and one.case.id not in current:
            _drop(bench, step, one, because)
    docket.due = {}
    for id_, case in current.items():
        told = docket.open.get(id_)
        if told is not None and not again and not docket.moved:
            continue
        one = _with_told(_docketed(house, case), told)
        verdict = bench.verdict(one) if bench.visited(case) else None
        if verdict is not None and verdict.outcome is Outcome.MET:
            _settle(bench, step, one, verdict, because)
            continue
        if told is not None:
            _drop(bench, step, told, because)
        if bench.waived(case) is not None:
            continue
        if one.duties is None or one.duties:
            docket.due[case.zone] = min(case.window.end, docket.due.get(case.zone, case.window.end))
            if bench.now >= due_at(case):
                step.told.append(_told(one, due_event(case, due_at(case), house.source, bench.now, bench.zone(case))))


def _drop(bench: Bench, step: _Step, one: Docketed, because: str) -> None:
    _take_back(bench, step, one, because)
    step.dropped.append(one.case)


def _concerned(house: House, again: dict[DeviceId, Micros]) -> Iterable[Docketed]:
    """Return the closed cases that the late fixes of these devices may turn round."""
    if not again:
        return
    for one in house.store.docket(min(again.values()), house.docket.judged + 1):
        devices = None if one.duties is None else {device for held in one.duties.values() for device in held}
        if one.closed and any(
            since < one.case.window.end + MARGIN and (devices is None or device in devices)
            for device, since in again.items()
        ):
            yield one


def _settle(bench: Bench, step: _Step, one: Docketed, verdict: Verdict | None, because: str) -> None:
    """Keep what was found of a case; tell it, if it says something else than what was told."""
    settled = replace(one, verdict=verdict)
    if verdict is not None and (one.verdict is None or not _alike(one.verdict, verdict)):
        if one.verdict is not None:
            _take_back(bench, step, one, because)
            settled = replace(settled, revision=one.revision + 1)
        house = bench.house
        body = verdict_event(settled.case, verdict, settled.revision, house.source, bench.now, bench.zone(one.case))
        settled = replace(settled, event=body["id"])
        step.told.append(_told(settled, body))
    if settled != bench.house.docket.open.get(one.case.id):
        step.cases.append(settled)


def _alike(told: Verdict, verdict: Verdict) -> bool:
    """Return whether what was told still holds: a requirement met stays met, whoever else comes by."""
    if told.outcome is verdict.outcome is Outcome.MET:
        return told.at == verdict.at
    return told == verdict


def _take_back(bench: Bench, step: _Step, one: Docketed, because: str) -> None:
    if one.event is not None:
        step.wrong.append(one.event)
        step.told.append(
            _told(one, verdict_retraction(one.case, one.event, because, bench.house.source, bench.now,
                                                       bench.zone(one.case), one.revision))
        )  # fmt: skip


def _commit(house: House, step: _Step, again: Sequence[DeviceId], now: Micros) -> list[Told]:
    docket = house.docket
    assert docket.frontier is not None
    far = now >= docket.frontier + 60 * SECOND  # a frontier is worth a commit of its own once a minute
    if not (step.cases or step.dropped or step.told or again or far):
        return []
    judgement = Judgement(step.cases, [case.id for case in step.dropped], step.wrong, again, now)
    stored = house.store.commit(Batch(Fixes.of(()), judgement=judgement, events=step.told, routes=house.routes))
    docket.frontier = now
    docket.reopened.clear()
    for case in step.dropped:
        docket.open.pop(case.id, None)
    for one in step.cases:
        docket.note(one)
        if one.closed:
            docket.open.pop(one.case.id, None)
        else:
            docket.open[one.case.id] = one
    house.counts.retracted += len(step.wrong)
    house.counts.events += len(stored.events)
    return stored.events


def _docketed(house: House, case: Case) -> Docketed:
    """Put a case on the docket with the roster of this moment."""
    by = next((one.by for one in house.town.plan.requirements if one.id == case.requirement), (ANYONE,))
    roster = house.town.roster
    if roster.everyone:
        return Docketed(case, None, by=by)
    asked = next(one for one in house.town.plan.requirements if one.id == case.requirement)
    duties = roster.duties_within(case.window)
    return Docketed(case, {w: held for w, held in duties.items() if asked.asks(w, roster.team(w))}, by=by)


def _with_told(one: Docketed, told: Docketed | None) -> Docketed:
    """Carry over what was told of the case before its window ended."""
    return one if told is None else replace(one, verdict=told.verdict, event=told.event, revision=told.revision)


def _told(one: Docketed, body: dict[str, object]) -> Told:
    at = one.verdict.at if one.verdict is not None else one.case.window.end
    return Told(str(body["id"]), str(body["type"]), at, body, one.case.zone)


class Bench:
    """What it takes to judge: the record of the windows at hand, each piece read once."""

    def __init__(self, house: House, now: Micros) -> None:
        """Read from the house's store, as it is ``now``."""
        self.house, self.now = house, now
        self._fixes = cache(self._read_fixes)
        self._visits = cache(self._read_visits)
        self.waived = cache(self._read_waiver)

    def zone(self, case: Case) -> Zone | None:
        """Return the zone as it was when the window ended."""
        return self.house.editions.zone(case.zone, case.window.end - 1)

    def ready(self, one: Docketed) -> bool:
        """Return whether everybody concerned was heard beyond the window, or is silent for good."""
        close = one.case.window.end + round(one.case.terms.grace_s * SECOND)
        if self.now < close:
            return False
        lost = round(self.house.rules.lost_s * SECOND)
        held = [item for devices in self._duties(one).values() for item in devices.items()]
        for device, spans in held:
            track = self.house.engine.tracks.get(device)
            heard = spans[0][0] if track is None or track.heard is None else max(track.heard, spans[0][0])
            if heard < spans[-1][1] and self.now < heard + lost:
                return False
        return True

    def verdict(self, one: Docketed) -> Verdict:
        """Judge a case by the record."""
        zone = self.zone(one.case)
        if zone is None:
            return Verdict(Outcome.EXCUSED, one.case.window.end, reason="the zone is no more")
        wardens = {}
        for warden, held in self._duties(one).items():
            seen = [(spans, self._presence(zone, one.case, device)) for device, spans in held.items()]
            visits = [kept.visit for kept in self._visits(*one.case.window) if _of(kept, warden, zone.id)]
            wardens[warden] = Whereabouts(union(*held.values()), of_one(seen, one.case.window), visits)
        return judge(one.case._replace(waived=self.waived(one.case)), wardens)

    def visited(self, case: Case) -> bool:
        """Return whether anybody was in the zone within the window, as believed."""
        return any(kept.visit.zone == case.zone for kept in self._visits(*case.window))

    def _duties(self, one: Docketed) -> Mapping[WardenId, Mapping[DeviceId, Spans]]:
        """Return who was on duty and, as is known now, not on break; with no roster, each from first to last fix."""
        breaks = self.house.town.roster.breaks
        found = {
            warden: {device: left for device, spans in held.items() if (left := without(spans, breaks.get(warden, ())))}
            for warden, held in self._planned(one).items()
        }
        return {warden: held for warden, held in found.items() if held}

    def _planned(self, one: Docketed) -> Mapping[WardenId, Mapping[DeviceId, Spans]]:
        if one.duties is not None:
            return one.duties
        found: dict[WardenId, dict[DeviceId, Spans]] = {}
        start, end = one.case.window
        for device in self.house.store.devices():
            times = self._fixes(device, start, end).time
            times = times[(times >= start) & (times < end)]
            if len(times) and (ANYONE in one.by or device in one.by):
                found[WardenId(device)] = {device: ((int(times[0]), int(times[-1]) + 1),)}
        return found

    def _presence(self, zone: Zone, case: Case, device: DeviceId) -> Presence:
        return presence(zone, self._fixes(device, *case.window), *case.window, self.house.rules.of(device))

    def _read_fixes(self, device: DeviceId, start: int, end: int) -> Fixes:
        return join(list(self.house.store.fixes(device, start - MARGIN, end + MARGIN)))

    def _read_waiver(self, case: Case) -> str | None:
        """Return why the case need not be met, if somebody said so."""
        found = self.house.store.waivers(case.window.start, case.window.start + 1)
        return next((one.reason for one in found if (one.requirement, one.zone) == (case.requirement, case.zone)), None)

    def _read_visits(self, start: int, end: int) -> list[Kept]:
        return list(self.house.store.visits(start, end))


def _of(kept: Kept, warden: WardenId, zone: ZoneId) -> bool:
    return kept.visit.zone == zone and (kept.warden or kept.visit.device) == warden
