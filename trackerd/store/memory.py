"""A store in memory: for a replay that leaves no record behind.

What must stay true here: it holds to all that a store must (tests/trackerd/test_store.py) but outliving the process.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import attrgetter
from typing import Any

import numpy as np

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.event import changed, latest
from geofence.model import (
    EVER,
    FLOAT_COLUMNS,
    NEVER,
    SECOND,
    DeviceId,
    Fixes,
    IntColumn,
    Micros,
    RequirementId,
    VerdictId,
    VisitId,
    WardenId,
    ZoneId,
    join,
)
from geofence.revise import Standing
from trackerd.store.fix_log import FixLog
from trackerd.store.post import Post
from trackerd.store.rows import text_of
from trackerd.store.seen import Held, within
from trackerd.store.values import (
    ALL,
    Asking,
    Batch,
    Box,
    Break,
    Committed,
    DataClass,
    Docketed,
    Entry,
    Erased,
    Found,
    Judgement,
    Kept,
    Outcomes,
    Revised,
    Said,
    Seen,
    Tally,
    Told,
    Unheld,
    Waiver,
    Wanted,
)

ID_LENGTH = 36
"""Characters of an event's whole id, a UUID."""


class MemoryStore(Post):
    """See Store."""

    def __init__(self) -> None:
        super().__init__()
        self._fixes: dict[DeviceId, FixLog] = {}
        self._held: dict[DeviceId, Held] = {}
        self._askings: list[Asking] = []
        self._tracks: dict[DeviceId, Saved] = {}
        self._checkpoints: dict[DeviceId, list[Saved]] = {}
        self._dirty: dict[DeviceId, Micros] = {}
        self._docket: dict[VerdictId, Docketed] = {}
        self._rejudge: dict[DeviceId, Micros] = {}
        self._frontier: Micros | None = None
        self._editions: list[Edition] = []
        self._events: dict[str, Told] = {}
        self._of_device: dict[DeviceId, list[str]] = {}
        self._of_visit: dict[VisitId, list[str]] = {}
        self._visits: dict[VisitId, Kept] = {}
        self._diary: _Diary | None = None
        """The visits in order, until one changes."""
        self._seq = 0
        self._numbers: dict[str, int] = {}
        self._breaks: dict[tuple[WardenId, Micros], Break] = {}
        self._waivers: dict[tuple[RequirementId, ZoneId, Micros], Waiver] = {}
        self._unheld: dict[DeviceId, Unheld] = {}
        self._refusals: list[tuple[Micros, str]] = []
        self._horizons: dict[DeviceId, Micros] = {}
        self._thinned: dict[tuple[DeviceId, int], Fixes] = {}

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        for event in batch.events:
            text_of(event.body)  # what cannot be told fails before anything is kept
        new = self._keep_fixes(batch)
        self._refusals += [(refusal.received, refusal.why) for refusal in batch.refusals]
        self._keep_duty(batch)
        self._soil(batch.dirty)
        _stain(self._rejudge, batch.rejudge)
        touched = self._revise(batch.revised) if batch.revised is not None else set()
        self._tracks |= {saved.track.device: saved for saved in batch.tracks}
        for saved in batch.checkpoints:
            self._checkpoints.setdefault(saved.track.device, []).append(saved)
        self._editions += batch.editions
        told = [event for event in batch.events if self._keep_event(event, batch.routes)]
        touched |= {event.said.event.visit.id for event in told if event.said and event.said.event.visit}
        for visit in touched:
            self._keep_visit(visit)
        self._diary = None if touched else self._diary
        if batch.judgement is not None:
            self._judge(batch.judgement)
        return Committed(new, told)

    def tracks(self) -> list[Saved]:
        """See Store."""
        return [self._tracks[device] for device in sorted(self._tracks)]

    def checkpoint(self, device: DeviceId, before: Micros) -> Saved | None:
        """See Store."""
        kept = (saved for saved in self._checkpoints.get(device, ()) if saved.upto < before)
        return max(kept, key=lambda saved: saved.upto, default=None)

    def dirty(self) -> dict[DeviceId, Micros]:
        """See Store."""
        return dict(sorted(self._dirty.items()))

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

    def editions(self) -> list[Edition]:
        """See Store."""
        return sorted(self._editions)

    def fixes(self, device: DeviceId, after: int, before: int | None = None) -> Iterator[Fixes]:
        """See Store."""
        log = self._fixes.get(device)
        if log is not None and len(piece := log.between(after, before)):
            yield piece

    def devices(self) -> list[DeviceId]:
        """See Store."""
        return sorted(device for device, log in self._fixes.items() if log.count)

    def visits(self, start: int, end: int, zone: ZoneId | None = None) -> Iterable[Kept]:
        """See Store."""
        if self._diary is None:
            self._diary = _Diary(self._visits.values())
        return [kept for kept in self._diary.between(start, end) if zone in (None, kept.visit.zone)]

    def docket(self, start: int, end: int, zone: ZoneId | None = None) -> list[Docketed]:
        """See Store."""
        found = (one for one in self._docket.values() if one.case.window.end > start and one.case.window.start < end)
        return sorted((one for one in found if zone in (None, one.case.zone)), key=_closing)

    def outcomes(self, start: int, end: int) -> list[Outcomes]:
        """See Store."""
        found = [one for one in self._docket.values() if start <= one.case.window.start < end]
        return [
            Outcomes(*one.case[:3], one.verdict.outcome if one.verdict else None, one.closed)
            for one in sorted(found, key=_closing)
        ]

    def seen(self, start: int, end: int, box: Box | None = None) -> list[Seen]:
        """See Store."""
        found = []
        for device in self.devices():
            fixes = within(self._fixes[device].between(start - 1, end), start, end, box)
            held = self._held.get(device, Held()).by(fixes.time)
            found += [Seen(who, fixes.take(rows)) for who, rows in held.items()]
        return found

    def times(self, device: DeviceId, start: int, end: int, apart: int = 0) -> IntColumn:  # noqa: ARG002
        """See Store."""
        log = self._fixes.get(device)
        return np.empty(0, np.int64) if log is None else log.between(start - 1, end).time

    def since(self) -> Micros | None:
        """See Store."""
        first = self.first_position()
        firsts = [] if first is None else [first]
        firsts += [kept.visit.began for kept in self._visits.values()]
        firsts += [one.case.window.start for one in self._docket.values()]
        return min(firsts) if firsts else None

    def first_position(self) -> Micros | None:
        """See Store."""
        firsts = [int(log.between(EVER, None).time[0]) for log in self._fixes.values() if log.count]
        return Micros(min(firsts)) if firsts else None

    def ask(self, asking: Asking) -> None:
        """See Store."""
        self._askings.append(asking)

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

    def askings(self, start: int, end: int) -> list[Asking]:
        """See Store."""
        return sorted((one for one in self._askings if start <= one.at < end), key=attrgetter("at"))

    def open_cases(self) -> list[Docketed]:
        """See Store."""
        return sorted((one for one in self._docket.values() if not one.closed), key=_closing)

    def rejudge(self) -> dict[DeviceId, Micros]:
        """See Store."""
        return dict(sorted(self._rejudge.items()))

    def frontier(self) -> Micros | None:
        """See Store."""
        return self._frontier

    def last_visits(self) -> dict[ZoneId, Micros]:
        """See Store."""
        last: dict[ZoneId, Micros] = {}
        for visit in (kept.visit for kept in self._visits.values()):
            there = visit.began if visit.ended is None else visit.ended
            last[visit.zone] = max(there, last.get(visit.zone, there))
        return last

    def breaks(self) -> list[Break]:
        """See Store."""
        return sorted(self._breaks.values(), key=lambda one: (one.start, one.warden))

    def waivers(self, start: int, end: int) -> list[Waiver]:
        """See Store."""
        found = (one for one in self._waivers.values() if start <= one.start < end)
        return sorted(found, key=lambda one: (one.start, one.requirement, one.zone))

    def event(self, id_: str) -> Told | None:
        """See Store."""
        told = self._events.get(id_)
        return None if told is None else replace(told, said=None)

    def retire(self, before: Micros) -> dict[DeviceId, Micros]:
        """See Store."""
        for device in self._fixes:
            states = [*self._checkpoints.get(device, ()), *filter(None, [self._tracks.get(device)])]
            last = max((saved for saved in states if saved.upto < before), key=attrgetter("upto"), default=None)
            if last is not None and last.upto > self._horizons.get(device, EVER):
                self._horizons[device] = last.upto
                kept = [saved for saved in self._checkpoints.get(device, ()) if saved.upto > last.upto]
                self._checkpoints[device] = [last, *kept]
        return self.horizons()

    def horizons(self) -> dict[DeviceId, Micros]:
        """See Store."""
        return dict(sorted(self._horizons.items()))

    def forget(self, what: DataClass, before: Micros, limit: int) -> int:  # noqa: ARG002 - all at once costs nothing
        """See Store."""
        if what == "exact_positions":
            return sum(self._thin(device, upto) for device, upto in self._horizons.items())
        if what == "quarantine":
            left = [one for one in self._refusals if one[0] >= before]
            gone, self._refusals = len(self._refusals) - len(left), left
            self._unheld = {device: one for device, one in self._unheld.items() if one.last >= before}
            return gone
        if what == "access_log":
            gone = len(self._askings)
            self._askings = [one for one in self._askings if one.at >= before]
            return gone - len(self._askings)
        kept = self._kept_of(what)
        old = [key for key, moment in kept[1] if moment < before]
        for key in old:
            del kept[0][key]
        self._diary = None
        if what == "verdicts":
            self._waivers = {key: one for key, one in self._waivers.items() if one.start >= before}
            self._breaks = {key: one for key, one in self._breaks.items() if one.end >= before}
        for ids in (*self._of_device.values(), *self._of_visit.values()):
            ids[:] = [id_ for id_ in ids if id_ in self._events]
        return len(old)

    def thinned(self, device: DeviceId, after: Micros, before: Micros) -> Fixes:
        """See Store."""
        found = [one for (of, _), one in sorted(self._thinned.items()) if of == device]
        found = [one for one in found if after < one.time[0] < before]
        return join(found) if found else Fixes.of(())

    def tally(self) -> Tally:
        """See Store."""
        count = sum(log.count for log in self._fixes.values())
        refusals = Counter(why for _, why in sorted(self._refusals, key=lambda one: one[1]))
        return Tally(
            count, len(self._visits), len(self._events), dict(refusals), len(self._outbox),
            tuple(self._unheld[device] for device in sorted(self._unheld)),
        )  # fmt: skip

    def close(self) -> None:
        """See Store."""

    def _thin(self, device: DeviceId, upto: Micros) -> int:
        gone = self._fixes[device].forget(upto)
        for row in range(len(gone)):
            one = gone.take(np.array([row]))
            nothing: dict[str, Any] = {name: np.full(1, np.nan) for name in FLOAT_COLUMNS[3:]}
            plain = replace(one, **nothing, flags=one.flags * 0, sos=one.sos * 0)
            self._thinned.setdefault((device, int(one.time[0]) // (60 * SECOND)), plain)
        return len(gone)

    def _kept_of(self, what: DataClass) -> tuple[dict[Any, Any], list[tuple[Any, int]]]:
        """Return what is kept of a class, and the moment by which each of it is old or not."""
        waiting = {told.id for told in self._outbox.values()}
        kept: dict[DataClass, tuple[dict[Any, Any], list[tuple[Any, int]]]] = {
            "thinned_positions": (self._thinned, [(key, int(one.time[0])) for key, one in self._thinned.items()]),
            "visits": (
                self._visits, [(id_, one.visit.ended or one.visit.began) for id_, one in self._visits.items()]
            ),
            "verdicts": (
                self._docket, [(id_, one.case.window.end) for id_, one in self._docket.items() if one.closed]
            ),
            "events": (self._events, [(id_, one.time) for id_, one in self._events.items() if id_ not in waiting]),
        }  # fmt: skip
        return kept[what]

    def _said(self, id_: str) -> Said:
        said = self._events[id_].said
        assert said is not None
        return said

    def _keep_fixes(self, batch: Batch) -> int:
        late = np.zeros(len(batch.fixes), bool)
        late[list(batch.late)] = True
        new = 0
        for index, device in enumerate(batch.fixes.devices):
            rows = np.flatnonzero(batch.fixes.device == index)
            if len(rows):
                rows = rows[np.argsort(late[rows], kind="stable")] if batch.late else rows
                fixes = replace(batch.fixes.take(rows), devices=(device,), device=np.zeros(len(rows), np.int64))
                count, news = self._fixes.setdefault(device, FixLog()).add(fixes)
                wardens = [batch.wardens[row] for row in rows.tolist()] if batch.wardens else [None] * len(rows)
                self._held.setdefault(device, Held()).note(fixes.time, wardens)
                new += count
                self._soil((device, Micros(time)) for time in fixes.time[news][late[rows[news]]].tolist())
        return new

    def _keep_duty(self, batch: Batch) -> None:
        self._breaks |= {(one.warden, one.start): one for one in batch.breaks}
        self._breaks = {key: one for key, one in self._breaks.items() if one.start < one.end}
        for new in batch.unheld:
            known = self._unheld.get(new.device, Unheld(new.device, 0, new.last))
            self._unheld[new.device] = Unheld(new.device, known.times + new.times, max(known.last, new.last))
        self._waivers |= {one[:3]: one for one in batch.waivers}
        self._waivers = {key: one for key, one in self._waivers.items() if one.reason is not None}
        for erased in batch.erased:
            self._erase(erased)

    def _erase(self, erased: Erased) -> None:
        device, start, end = erased
        first = self._fixes[device].erase(start, end) if device in self._fixes else None
        if first is not None:
            _stain(self._dirty, [(device, first)])
            if not self._fixes[device].count:
                del self._fixes[device]
        _stain(self._rejudge, [(device, start)])

    def _forget(self, id_: str) -> None:
        for route, seq in [key for key, told in self._outbox.items() if told.id == id_]:
            self.mark_told(route, [seq])
        self._events[id_] = replace(self._events[id_], body={})

    def _soil(self, dirty: Iterable[tuple[DeviceId, Micros]]) -> None:
        found = list(dirty)
        _stain(self._dirty, found)
        _stain(self._rejudge, found)

    def _judge(self, judgement: Judgement) -> None:
        self._docket |= {one.case.id: one for one in judgement.cases}
        self._wrong |= set(judgement.wrong)
        for device in judgement.rejudged:
            self._rejudge.pop(device, None)
        if judgement.frontier is not None:
            self._frontier = judgement.frontier

    def _revise(self, revised: Revised) -> set[VisitId]:
        device = revised.device
        self._wrong |= set(revised.wrong)
        for id_, decided in revised.redated:
            said = self._said(id_)
            event = changed(said.event, decided=decided)
            self._events[id_] = replace(self._events[id_], said=said._replace(event=event))
        for id_ in revised.forgotten:
            self._forget(id_)
        kept = self._checkpoints.get(device, [])
        self._checkpoints[device] = [saved for saved in kept if saved.upto < revised.since]
        self._tracks.pop(device, None)
        self._dirty.pop(device, None)
        visits = (self._said(id_).event.visit for id_ in (*revised.wrong, *(id_ for id_, _ in revised.redated)))
        return {visit.id for visit in visits if visit is not None}

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


def _stain(known: dict[DeviceId, Micros], found: Iterable[tuple[DeviceId, Micros]]) -> None:
    for device, since in found:
        known[device] = min(since, known.get(device, since))


def _closing(docketed: Docketed) -> tuple[Micros, VerdictId]:
    return docketed.case.window.end, docketed.case.id
