"""What it takes to judge a case: the record of its window, each piece read once.

What must stay true here: everything comes from the store and from the engine, whose state is the store's, so the same
is found live, in replay and after a restart. Of a window only those fixes count that were measured before its grace
was over, and it is judged when belief about its time is settled: what comes later is late, and has it judged again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeVar
from weakref import WeakMethod

import numpy as np

from geofence.calendar import Window
from geofence.event import Visit, changed
from geofence.ledger import Carried, Whereabouts, judge, whereabouts
from geofence.model import SECOND, DeviceId, Fixes, Micros, TeamId, WardenId, ZoneId, join
from geofence.plan import ANYONE
from geofence.presence import Presence, Walk, presence, walk
from geofence.spans import Spans, union, without
from geofence.track import Track
from geofence.verdict import Case, Outcome, Verdict
from geofence.zones import Zone
from trackerd.docket import closes
from trackerd.house import House
from trackerd.store import Docketed, Kept, StoreError

BEFORE = 3600 * SECOND
"""Fixes so long before a window still say who was elsewhere when it opened."""
PAGE = 86_400 * SECOND
"""Fixes are read by so much time at once, for the windows of a day overlap."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Bench:
    """The record as it is now, for one step."""

    def __init__(self, house: House, now: Micros) -> None:
        """Read from the house's store, as it is ``now``."""
        self.house, self.now = house, now
        self._page = _remembered(64, self._read_page)
        self._walk = _remembered(256, self._read_walk)  # more than a crew: each is asked for every case
        self._presence = _remembered(64, self._read_presence)  # a case may be judged by more and more wardens
        self._visits = _remembered(64, self._read_visits)
        self._rostered = lru_cache(maxsize=64)(house.town.roster.duties_within)
        self.waived = _remembered(1024, self._read_waiver)
        self._asked = {one.id: one for one in house.town.plan.requirements}

    @cached_property
    def _tracks(self) -> Mapping[DeviceId, Track]:
        return self.house.engine.tracks

    @cached_property
    def _devices(self) -> list[DeviceId]:
        return self.house.store.devices() if self.house.town.roster.everyone else []

    def docketed(self, case: Case) -> Docketed:
        """Put a case on the docket, with the roster of this moment."""
        asked, roster = self._asked[case.requirement], self.house.town.roster
        if roster.everyone:
            return Docketed(case, None, by=asked.by)
        duties = self._rostered(case.window)
        return Docketed(case, {w: held for w, held in duties.items() if asked.asks(w, roster.team(w))}, by=asked.by)

    def zone(self, case: Case) -> Zone | None:
        """Return the zone as it was when the window ended."""
        return self.house.editions.zone(case.zone, case.window.end - 1)

    def ready(self, one: Docketed) -> bool:
        """Return whether everybody concerned was heard beyond the window, or is silent for good."""
        if self.now < closes(one.case):
            return False
        if one.duties is None:
            return all(self._settled(device, *one.case.window, one.case) for device in self._tracks)
        held = (item for devices in one.duties.values() for item in devices.items())
        return all(self._settled(device, spans[0][0], spans[-1][1], one.case) for device, spans in held)

    def verdict(self, one: Docketed, *, met: bool = False) -> Verdict | None:
        """Judge a case by the record; None where a fault of ours forbids it: that must not hold up the others.

        ``met``: only whether it is met is asked, and any other outcome may be another than the whole record's.
        """
        if one.case.id in self.house.docket.faulty:
            return None
        try:
            return self._judge(one, met)
        except StoreError:
            raise
        except Exception:
            log.exception("requirement %s at zone %s cannot be judged", one.case.requirement, one.case.zone)
            self.house.docket.faulty.add(one.case.id)
            return None

    def visits(self, case: Case) -> list[Kept]:
        """Return the visits to the zone within the window; one that lasts, as far as it is sure to last."""
        return self._visits(*case.window).get(case.zone, [])

    def _settled(self, device: DeviceId, start: int, end: int, case: Case) -> bool:
        """Return whether no more can be said in time of a device on duty from ``start`` to ``end``."""
        track, lost = self._tracks.get(device), round(self.house.rules.lost_s * SECOND)
        heard = max(start, track.heard if track is not None and track.heard is not None else start)
        belief = track.beliefs.get(case.zone) if track is not None else None
        if heard >= end and (belief is None or belief.sum == 0 or belief.turned >= case.window.end):
            return True
        gone = belief is None or not belief.inside or heard >= end
        return gone and self.now >= heard + lost and not self.house.speaking(device, self.now)

    def _judge(self, one: Docketed, met: bool) -> Verdict:
        """Judge by whoever came, where one alone can have met it; else, and where it is not met, by everybody.

        Who never came makes no stay: what was met by one at a time does not depend on the others' whole day.
        """
        case, kept = one.case._replace(waived=self.waived(one.case)), self.visits(one.case)
        duties = self._duties(one, kept)
        visits = [(_who(seen, duties), seen.visit) for seen in kept]
        came = {who: duties[who] for who, _ in visits if who in duties} if case.terms.together == 1 else duties
        verdict = judge(case, self._whereabouts(case, came, visits))
        if len(came) == len(duties) or met or verdict.outcome is Outcome.MET:
            return verdict
        return judge(case, self._whereabouts(case, duties, visits))

    def _whereabouts(
        self,
        case: Case,
        duties: Mapping[WardenId, Mapping[DeviceId, Spans]],
        visits: Sequence[tuple[WardenId | None, Visit]],
    ) -> dict[WardenId, Whereabouts]:
        return {
            warden: whereabouts([
                Carried(spans, self._presence(case, device),
                        [visit for who, visit in visits if (who, visit.device) == (warden, device)])
                for device, spans in held.items()
            ], case.window)
            for warden, held in duties.items()
        }  # fmt: skip

    def _duties(self, one: Docketed, kept: Iterable[Kept]) -> dict[WardenId, dict[DeviceId, Spans]]:
        """Return who was on duty when, and not on break: by the roster, and who was there, whatever it says now.

        The breaks are those known now, for one may be told after its window was over.
        """
        if one.duties is None:
            found = self._everyone(one)
        else:
            found = {warden: dict(held) for warden, held in one.duties.items()}
        for seen in kept:
            there = union([_within(seen.visit, one.case.window)])
            if seen.warden is not None and there and _may(one, seen.warden, seen.team):
                found.setdefault(seen.warden, {}).setdefault(seen.visit.device, there)
        breaks = self.house.town.roster.breaks
        for warden in found.keys() & breaks.keys():
            left = {device: without(spans, breaks[warden]) for device, spans in found.pop(warden).items()}
            if any(left.values()):
                found[warden] = {device: spans for device, spans in left.items() if spans}
        return found

    def _everyone(self, one: Docketed) -> dict[WardenId, dict[DeviceId, Spans]]:
        """Return the duties where each device without one counts as on duty from its first to its last fix."""
        roster, (start, end) = self.house.town.roster, one.case.window
        duties = self._rostered(one.case.window).items()
        found = {warden: dict(held) for warden, held in duties if _may(one, warden, roster.team(warden))}
        for device in sorted(set(self._devices) - {duty.device for duty in roster.duties}):
            warden, times = WardenId(device), self._walk(device, start, closes(one.case)).time
            times = times[(times >= start) & (times < end)]
            if len(times) and _may(one, warden, roster.team(warden)):
                found.setdefault(warden, {})[device] = ((int(times[0]), int(times[-1]) + 1),)
        return found

    def _read_presence(self, case: Case, device: DeviceId) -> Presence:
        """Return the presence in the zone, as it was at each time if it was changed within the window."""
        editions, (start, end) = self.house.editions, case.window
        fallback, way = self.zone(case), self._walk(device, start, closes(case))
        cuts = [start, *(span.since for span in editions.spans if start < span.since < end)]
        zones = [(cut, editions.zone(case.zone, cut) or fallback) for cut in cuts]
        changes = [zones[0], *(b for a, b in pairwise(zones) if a[1] != b[1])]
        ends = [*(cut for cut, _ in changes[1:]), end]
        parts = [presence(zone, way, a, b) for (a, zone), b in zip(changes, ends, strict=True) if zone is not None]
        return parts[0] if len(parts) == 1 else Presence(*(union(*spans) for spans in zip(*parts, strict=True)))

    def _read_walk(self, device: DeviceId, start: int, until: int) -> Walk:
        since = start - BEFORE
        pages = (self._page(device, page) for page in range(since // PAGE, until // PAGE + 1))
        pieces = [page.take(slice(*np.searchsorted(page.time, (since, until)))) for page in pages if len(page)]
        return walk(join(pieces), self.house.rules.of(device))

    def _read_page(self, device: DeviceId, page: int) -> Fixes:
        return join(list(self.house.store.fixes(device, page * PAGE - 1, (page + 1) * PAGE)))

    def _read_waiver(self, case: Case) -> str | None:
        """Return why the case need not be met, if somebody said so."""
        found = self.house.store.waivers(case.window.start, case.window.start + 1)
        return next((one.reason for one in found if (one.requirement, one.zone) == (case.requirement, case.zone)), None)

    def _read_visits(self, start: int, end: int) -> dict[ZoneId, list[Kept]]:
        found: dict[ZoneId, list[Kept]] = defaultdict(list)
        for kept in self.house.store.visits(start, end):
            found[kept.visit.zone].append(self._as_seen(kept))
        return found

    def _as_seen(self, kept: Kept) -> Kept:
        """Return a visit that lasts as far as its end can no longer be dated before."""
        visit, track = kept.visit, self._tracks.get(kept.visit.device)
        if visit.ended is not None or track is None or track.heard is None:
            return kept
        belief = track.beliefs.get(visit.zone)
        seen = track.heard if belief is None or track.same != -1 else belief.seen
        return replace(kept, visit=changed(visit, ended=max(visit.began, seen)))


def _remembered(most: int, read: Callable[..., T]) -> Callable[..., T]:
    """Return a method that remembers what it returned, so often at most, and does not hold whose it is.

    A bench that held on to itself would stay, with all that it has read, until somebody looks for rubbish.
    """
    weak = WeakMethod(read)

    @lru_cache(most)
    def asked(*key: Hashable) -> T:
        method = weak()
        assert method is not None
        return method(*key)

    return asked


def _may(one: Docketed, warden: WardenId, team: TeamId | None) -> bool:
    return ANYONE in one.by or warden in one.by or f"team:{team}" in one.by


def _who(seen: Kept, duties: Mapping[WardenId, Mapping[DeviceId, Spans]]) -> WardenId | None:
    """Return whose visit it was: as told, or else of who had the device on duty."""
    began, device = seen.visit.began, seen.visit.device
    holders = (w for w, held in duties.items() if any(a <= began < b for a, b in held.get(device, ())))
    return seen.warden or next(holders, None)


def _within(visit: Visit, window: Window) -> tuple[int, int]:
    return max(visit.began, window.start), min(window.end, visit.ended or window.end)
