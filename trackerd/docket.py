"""Which windows are to be judged, and when: the plan laid over the calendar.

What must stay true here: every window that ends while the plan asks for it comes onto the docket once, with the terms
and the roster of that moment, also when the daemon was down; everything here can be made again from the store, but
for ``frontier``, which is committed with what it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from geofence.editions import Editions
from geofence.ledger import Case, Outcome
from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros, VerdictId, ZoneId, to_datetime
from trackerd.store import Docketed, Store
from trackerd.town import Town

LEAD_S = 1800.0
"""So long before its end, or a quarter of the window if that is less, a window that is not met is said to be due."""
DAY = 86_400 * SECOND


@dataclass
class Docket:
    """What is open, and how far the windows have been gone through."""

    town: Town
    horizon_s: float
    """Windows that ended longer ago than this are nobody's business when a record begins."""
    frontier: Micros | None = None
    judged: Micros = EVER
    """No closed window ends later: what is measured before it may turn a verdict round."""
    open: dict[VerdictId, Docketed] = field(default_factory=dict)
    """On the docket and not closed: ended and not judged, or met before the end."""
    verdicts: dict[ZoneId, Outcome] = field(default_factory=dict)
    """The last verdict on each zone."""
    due: dict[ZoneId, Micros] = field(default_factory=dict)
    """When the next window closes of each zone to which something is owed now."""
    looked: Micros = EVER
    """When the open windows were last looked at."""
    reopened: set[VerdictId] = field(default_factory=set)
    """Of those open, what a waiver is the reason to judge again."""
    moved: bool = False
    """The plan has changed since it was last gone through."""
    _days: tuple[date, date] | None = None
    _cases: list[Case] = field(default_factory=list)

    def wake(self, store: Store) -> None:
        """Begin with what the store says."""
        self.frontier = store.frontier() or self.frontier
        self.open = {one.case.id: one for one in store.open_cases()}
        if self.frontier is not None:
            for one in store.docket(self.frontier - 2 * DAY, self.frontier + DAY):
                self.note(one)

    def move(self, town: Town) -> None:
        """Let another plan be in force."""
        self.town, self.moved, self._days = town, True, None

    def note(self, one: Docketed) -> None:
        """Remember a verdict."""
        if one.verdict is not None:
            self.verdicts[one.case.zone] = one.verdict.outcome
        if one.closed:
            self.judged = max(self.judged, one.case.window.end)

    def reopen(self, cases: Iterable[Docketed]) -> None:
        """Have these judged again, for a waiver was written or undone."""
        found = {one.case.id: one for one in cases}
        self.open |= found
        self.reopened |= found.keys()

    def begin(self, fixes: Fixes, now: Micros | None) -> None:
        """Say where the record begins, if it does now: at the first moment anything is known of."""
        if self.frontier is None and (len(fixes) or now is not None):
            first = Micros(int(fixes.time.min())) if len(fixes) else now
            assert first is not None
            self.frontier = first if now is None else Micros(min(first, now))

    def touched(self, fixes: Fixes) -> list[tuple[DeviceId, Micros]]:
        """Return the devices with fixes of a time that has been judged, and since when."""
        if not len(fixes) or int(fixes.time.min()) >= self.judged:
            return []
        first = {}
        for index, device in enumerate(fixes.devices):
            times = fixes.time[fixes.device == index]
            if len(times) and times.min() < self.judged:
                first[device] = Micros(int(times.min()))
        return list(first.items())

    def ended(self, now: Micros, editions: Editions) -> list[Case]:
        """Return the cases whose windows ended since the frontier, by now."""
        assert self.frontier is not None
        since = max(self.frontier, now - round(self.horizon_s * SECOND))
        return [case for case in self._between(since, now, editions) if since < case.window.end <= now]

    def current(self, now: Micros, editions: Editions) -> list[Case]:
        """Return the cases whose windows are open now."""
        return [case for case in self._between(now, now, editions) if case.window.start <= now < case.window.end]

    def _between(self, start: int, end: int, editions: Editions) -> Iterable[Case]:
        """Return the cases of the windows begun on the days from ``start`` to ``end``, or the day before."""
        zone = self.town.plan.zone
        days = (
            to_datetime(start).astimezone(zone).date() - timedelta(days=1),
            to_datetime(end).astimezone(zone).date(),
        )
        if days != self._days:
            self._days, self._cases = days, self.town.plan.cases(editions.newest, *days)
        return self._cases


def due_at(case: Case) -> Micros:
    """Return when a case that is not met is said to be due."""
    length = case.window.end - case.window.start
    return Micros(case.window.end - min(round(LEAD_S * SECOND), length // 4))
