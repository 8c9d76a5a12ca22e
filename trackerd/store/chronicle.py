"""Events, and the visits they tell of, in memory.

What must stay true here: a visit is as the last standing event about it tells; what was taken back stays known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import attrgetter

from geofence.event import changed, latest
from geofence.model import NEVER, DeviceId, Micros, VisitId, ZoneId
from geofence.revise import Standing
from trackerd.store.post import Post
from trackerd.store.values import ALL, Batch, Entry, Found, Kept, Revised, Said, Told, Wanted

ID_LENGTH = 36
"""Characters of an event's whole id, a UUID."""


class Chronicle(Post):
    """What was said, and what waits to be told of it."""

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[str, Told] = {}
        self._of_device: dict[DeviceId, list[str]] = {}
        self._of_visit: dict[VisitId, list[str]] = {}
        self._visits: dict[VisitId, Kept] = {}
        self._diary: _Diary | None = None
        """The visits in order, until one changes."""
        self._seq = 0
        self._numbers: dict[str, int] = {}

    def standing(self, device: DeviceId, after: Micros) -> list[Standing]:
        """See Store."""
        found = [Standing(id_, self._said(id_).event) for id_ in self._of_device.get(device, ())]
        found = [one for one in found if one.event.decided > after and one.id not in self._wrong]
        return sorted(found, key=lambda one: one.event.decided)

    def find(self, begins: str) -> list[Found]:
        """See Store."""
        known = [begins] if len(begins) == ID_LENGTH else self._events  # a whole id is asked for with each silence
        ids = sorted(id_ for id_ in known if id_.startswith(begins) and id_ in self._events)[:2]
        return [Found(self._events[id_], id_ not in self._wrong) for id_ in ids]

    def revision(self, visit: VisitId) -> int:
        """See Store."""
        told = ((self._said(id_).event.visit, id_ in self._wrong) for id_ in self._of_visit.get(visit, ()))
        return max((one.revision + wrong for one, wrong in told if one is not None), default=0)

    def visits(self, start: int, end: int, zone: ZoneId | None = None) -> Iterable[Kept]:
        """See Store."""
        if self._diary is None:
            self._diary = _Diary(self._visits.values())
        return [kept for kept in self._diary.between(start, end) if zone in (None, kept.visit.zone)]

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        last: dict[ZoneId, Micros] = {}
        for visit in (kept.visit for kept in self._visits.values()):
            there = visit.began if visit.ended is None else visit.ended
            last[visit.zone] = max(there, last.get(visit.zone, there))
        return last

    def history(self, after: int, limit: int, wanted: Wanted = ALL) -> list[Entry]:
        """See Store."""
        found = [
            Entry(seq, replace(told, said=None), told.id not in self._wrong)
            for told in self._events.values()
            for seq in [self._numbers[told.id]]
            if (after > seq if wanted.newest else after < seq)
            and (not wanted.types or told.type in wanted.types)
            and wanted.zone in (None, told.zone)
            and wanted.warden in (None, told.body.get("data", {}).get("warden"))
        ]
        return sorted(found, key=attrgetter("seq"), reverse=wanted.newest)[:limit]

    def newest(self) -> int:
        """See Store."""
        return self._seq

    def event(self, id_: str) -> Told | None:
        """See Store."""
        told = self._events.get(id_)
        return None if told is None else replace(told, said=None)

    def _keep_events(self, batch: Batch, touched: set[VisitId]) -> list[Told]:
        """Keep the events that are new; return them. ``touched``: visits of which something else became known."""
        told = [event for event in batch.events if self._keep_event(event, batch.routes)]
        touched = touched | {event.said.event.visit.id for event in told if event.said and event.said.event.visit}
        for visit in touched:
            self._keep_visit(visit)
        self._diary = None if touched else self._diary
        return told

    def _retell(self, revised: Revised) -> set[VisitId]:
        """Take back, date anew and forget what a revision says; return the visits it is about."""
        self._wrong |= set(revised.wrong)
        for id_, decided in revised.redated:
            said = self._said(id_)
            event = changed(said.event, decided=decided)
            self._events[id_] = replace(self._events[id_], said=said._replace(event=event))
        for id_ in revised.forgotten:
            self._forget(id_)
        visits = (self._said(id_).event.visit for id_ in (*revised.wrong, *(id_ for id_, _ in revised.redated)))
        return {visit.id for visit in visits if visit is not None}

    def _said(self, id_: str) -> Said:
        said = self._events[id_].said
        assert said is not None
        return said

    def _forget(self, id_: str) -> None:
        for route, seq in [key for key, told in self._outbox.items() if told.id == id_]:
            self.mark_told(route, [seq])
        self._events[id_] = replace(self._events[id_], body={})

    def _keep_event(self, told: Told, routes: Sequence[str]) -> bool:
        if told.id in self._events:
            return False
        self._events[told.id] = told
        self._seq += 1
        self._numbers[told.id] = self._seq
        for route in routes:
            self._outbox[route, self._seq] = told
        if told.said is not None:
            event = told.said.event
            self._of_device.setdefault(event.device, []).append(told.id)
            if event.visit is not None:
                self._of_visit.setdefault(event.visit.id, []).append(told.id)
        return True

    def _keep_visit(self, visit: VisitId) -> None:
        standing = [self._said(id_) for id_ in self._of_visit[visit] if id_ not in self._wrong]
        if not standing:
            self._visits.pop(visit, None)
            return
        last = max(standing, key=lambda said: latest(said.event))
        assert last.event.visit is not None
        self._visits[visit] = Kept(last.event.visit, last.warden, last.team)


class _Diary:
    """Visits in order of their beginning: a year of them is asked for day by day."""

    def __init__(self, visits: Iterable[Kept]) -> None:
        self._visits = sorted(visits, key=lambda kept: (kept.visit.began, kept.visit.id))
        self._began = [kept.visit.began for kept in self._visits]
        self._latest = list(accumulate((_ended(kept) for kept in self._visits), max))
        """Up to each, when the last of all of them ended: before it nothing that lasts longer is left out."""

    def between(self, start: int, end: int) -> list[Kept]:
        """Return those that began before ``end`` and had not ended before ``start``."""
        rows = slice(bisect_left(self._latest, start), bisect_left(self._began, end))
        return [kept for kept in self._visits[rows] if _ended(kept) >= start]


def _ended(kept: Kept) -> int:
    return NEVER if kept.visit.ended is None else kept.visit.ended
