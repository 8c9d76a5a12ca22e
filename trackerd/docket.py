"""Which windows are to be judged, and when: the plan laid over the calendar.

What must stay true here: every window that ends while the plan asks for it comes onto the docket once, with the terms
and the roster of that moment, also when the daemon was down, and also where fixes older than all others show that the
record begins earlier; ``frontier`` never goes back, and is committed with what it stands for; everything else here can
be made again from the store.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice

from geofence.editions import Editions
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fixes, Micros, VerdictId, ZoneId, to_datetime
from geofence.verdict import Case, Outcome
from trackerd.store import Docketed, Store
from trackerd.town import Town

LEAD_S = 1800.0
"""So long before its end, or a quarter of the window if that is less, a window that is not met is said to be due."""
DAY = 86_400 * SECOND
LOOKBACK = 8
"""Days: no window is longer, and no fix that still comes in is older."""


@dataclass
class Docket:
    """What is open, and how far the windows have been gone through."""

    town: Town
    horizon_s: float
    """Windows that ended longer ago than this are nobody's business when a record begins."""
    frontier: Micros | None = None
    began: Micros = NEVER
    """The record begins here: windows that ended before are not judged."""
    fresh: bool = True
    """Nothing has been gone through yet."""
    judged: Micros = EVER
    """What is measured before it may turn a verdict round."""
    open: dict[VerdictId, Docketed] = field(default_factory=dict)
    """On the docket and not closed: ended and not judged, or met before the end."""
    shelved: dict[VerdictId, Docketed] = field(default_factory=dict)
    """Told once and taken back, with nothing told since: no longer owed, or no longer met."""
    verdicts: dict[ZoneId, Outcome] = field(default_factory=dict)
    """The verdict on each zone's newest window that has one."""
    due: dict[ZoneId, Micros] = field(default_factory=dict)
    """When the next window closes of each zone to which something is owed now."""
    warned: set[VerdictId] = field(default_factory=set)
    """Those said to be due."""
    stirred: bool = False
    """Something came of a time gone through since the last step."""
    waits: Micros = EVER
    """Until then nothing is judged again: more of it may be coming."""
    looked: Micros = EVER
    """When the open windows were last looked at."""
    reopened: set[VerdictId] = field(default_factory=set)
    """Of those open, what a waiver is the reason to judge again."""
    seen: dict[VerdictId, object] = field(default_factory=dict)
    """What visits to an open window's zone were known when it was last found not to be met."""
    faulty: set[VerdictId] = field(default_factory=set)
    """Those a fault of ours keeps from being judged, until the next start."""
    moved: bool = False
    """The plan has changed since the open windows were last looked at."""
    _newest: dict[ZoneId, Micros] = field(default_factory=dict)
    _days: tuple[date, date] | None = None
    _cases: list[Case] = field(default_factory=list)

    def wake(self, store: Store) -> None:
        """Begin with what the store says."""
        pending = store.rejudge()
        firsts = {device: _first(store, device) for device in store.devices()} if self.began == NEVER else {}
        known = [first for device, first in firsts.items() if first < pending.get(device, NEVER)]
        frontier = store.frontier()
        self.fresh = frontier is None
        if frontier is None:
            self.began = min([self.began, *firsts.values()])
            self.frontier = None if self.began == NEVER else self.began
            return
        self.frontier, self.began = frontier, min(self.began, frontier, *known)
        self.judged = max(self.judged, Micros(frontier - LOOKBACK * DAY))
        self.open = {one.case.id: one for one in store.open_cases()}
        for one in store.docket(frontier - LOOKBACK * DAY, frontier + DAY):
            self.note(one)

    def move(self, town: Town) -> None:
        """Let another plan be in force."""
        self.town, self.moved, self._days = town, True, None

    def note(self, one: Docketed) -> None:
        """Remember what is committed of a case."""
        case = one.case
        for known, belongs in ((self.open, not one.closed), (self.shelved, one.closed and one.verdict is None)):
            known.pop(case.id, None)
            if belongs:
                known[case.id] = one
        if one.verdict is not None and case.window.end >= self._newest.get(case.zone, EVER):
            self._newest[case.zone], self.verdicts[case.zone] = case.window.end, one.verdict.outcome
        elif one.verdict is None and case.window.end == self._newest.get(case.zone):
            self.verdicts.pop(case.zone, None)
        if one.closed:
            self.reopened.discard(case.id)
            self.judged = max(self.judged, closes(case))

    def reach(self, now: Micros, since: Iterable[Micros]) -> None:
        """Note that all is gone through by ``now``, also what fixes of ``since`` then brought up."""
        self.fresh, self.frontier, self.began = False, now, min(self.began, now, *since)

    def reopen(self, cases: Iterable[Docketed]) -> None:
        """Have these judged again, for a waiver was written or undone."""
        for one in cases:
            self.note(one)
            self.reopened.add(one.case.id)

    def begin(self, fixes: Fixes, now: Micros | None) -> None:
        """Say where the record begins, until something was gone through: at the first moment anything is known of."""
        moments = [] if now is None else [now]
        if len(fixes):
            moments.append(Micros(int(fixes.time.min())))
        if moments and self.fresh:
            self.frontier = self.began = min(self.began, *moments)

    def touched(self, fixes: Fixes) -> list[tuple[DeviceId, Micros]]:
        """Return the devices with fixes of a time that was gone through, or of before the record, and since when."""
        first: dict[DeviceId, Micros] = {}
        mark = self.judged if self.fresh else max(self.judged, self.began)
        if len(fixes) and int(fixes.time.min()) < mark:
            for index, device in enumerate(fixes.devices):
                times = fixes.time[fixes.device == index]
                if len(times) and times.min() < mark:
                    first[device] = Micros(int(times.min()))
        self.stirred |= bool(first)
        return list(first.items())

    def quiet(self, now: Micros, patience_s: float) -> bool:
        """Return whether nobody has sent anything late for so long: half a phone's memory is half the truth."""
        if self.stirred:
            self.waits, self.stirred = Micros(now + round(patience_s * SECOND)), False
        return now >= self.waits

    def ended(self, since: Micros, now: Micros, editions: Editions) -> list[Case]:
        """Return the cases whose windows ended after ``since``, by ``now``, in order of their ends."""
        since = max(since, Micros(now - round(self.horizon_s * SECOND)))
        if since >= now:
            return []
        cases = self._between(since, now, editions)
        return cases[bisect_right(cases, since, key=_end) : bisect_right(cases, now, key=_end)]

    def current(self, now: Micros, editions: Editions) -> list[Case]:
        """Return the cases whose windows are open now."""
        cases = self._between(now, now, editions)
        return [case for case in cases[bisect_right(cases, now, key=_end) :] if case.window.start <= now]

    def _between(self, start: int, end: int, editions: Editions) -> list[Case]:
        """Return the cases of the windows begun on the days from ``start`` to ``end``, or not long before."""
        first, last = (to_datetime(moment).astimezone(self.town.plan.zone).date() for moment in (start, end))
        days = (first - timedelta(days=LOOKBACK), last)
        if days != self._days:
            self._days, self._cases = days, self.town.plan.cases(editions.newest, *days)
        return self._cases


def closes(case: Case) -> Micros:
    """Return when a case may be judged at the earliest."""
    return Micros(case.window.end + round(case.terms.grace_s * SECOND))


def due_at(case: Case) -> Micros:
    """Return when a case that is not met is said to be due."""
    length = case.window.end - case.window.start
    return Micros(case.window.end - min(round(LEAD_S * SECOND), length // 4))


def _end(case: Case) -> Micros:
    return case.window.end


def _first(store: Store, device: DeviceId) -> Micros:
    return min((Micros(int(piece.time[0])) for piece in islice(store.fixes(device, EVER), 1)), default=NEVER)
