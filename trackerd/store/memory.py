"""A store in memory, for a replay that leaves no record behind: states, docket and duty, and what is let go of.

What must stay true here: it holds to all that a store must (tests/trackerd/test_store.py) but outliving the process.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Any

from geofence.editions import Edition
from geofence.engine import Saved
from geofence.model import EVER, DeviceId, Micros, RequirementId, VerdictId, VisitId, WardenId, ZoneId
from trackerd.store.chronicle import Chronicle
from trackerd.store.positions import Positions, stain
from trackerd.store.rows import text_of
from trackerd.store.values import (
    Asking,
    Batch,
    Break,
    Committed,
    DataClass,
    Docketed,
    Judgement,
    Outcomes,
    Revised,
    Tally,
    Unheld,
    Waiver,
)


class MemoryStore(Positions, Chronicle):
    """See Store."""

    def __init__(self) -> None:
        super().__init__()
        self._askings: list[Asking] = []
        self._tracks: dict[DeviceId, Saved] = {}
        self._checkpoints: dict[DeviceId, list[Saved]] = {}
        self._docket: dict[VerdictId, Docketed] = {}
        self._frontier: Micros | None = None
        self._editions: list[Edition] = []
        self._breaks: dict[tuple[WardenId, Micros], Break] = {}
        self._waivers: dict[tuple[RequirementId, ZoneId, Micros], Waiver] = {}
        self._unheld: dict[DeviceId, Unheld] = {}
        self._refusals: list[tuple[Micros, str]] = []
        self._horizons: dict[DeviceId, Micros] = {}

    def commit(self, batch: Batch) -> Committed:
        """See Store."""
        for event in batch.events:
            text_of(event.body)  # what cannot be told fails before anything is kept
        new = self._keep_fixes(batch)
        self._refusals += [(refusal.received, refusal.why) for refusal in batch.refusals]
        self._keep_duty(batch)
        self._soil(batch.dirty)
        stain(self._rejudge, batch.rejudge)
        touched = self._revise(batch.revised) if batch.revised is not None else set()
        self._tracks |= {saved.track.device: saved for saved in batch.tracks}
        for saved in batch.checkpoints:
            self._checkpoints.setdefault(saved.track.device, []).append(saved)
        self._editions += batch.editions
        told = self._keep_events(batch, touched)
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

    def editions(self) -> list[Edition]:
        """See Store."""
        return sorted(self._editions)

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

    def since(self) -> Micros | None:
        """See Store."""
        first = self.first_position()
        firsts = [] if first is None else [first]
        firsts += [kept.visit.began for kept in self._visits.values()]
        firsts += [one.case.window.start for one in self._docket.values()]
        return min(firsts) if firsts else None

    def ask(self, asking: Asking) -> None:
        """See Store."""
        self._askings.append(asking)

    def askings(self, start: int, end: int) -> list[Asking]:
        """See Store."""
        return sorted((one for one in self._askings if start <= one.at < end), key=attrgetter("at"))

    def open_cases(self) -> list[Docketed]:
        """See Store."""
        return sorted((one for one in self._docket.values() if not one.closed), key=_closing)

    def frontier(self) -> Micros | None:
        """See Store."""
        return self._frontier

    def breaks(self) -> list[Break]:
        """See Store."""
        return sorted(self._breaks.values(), key=lambda one: (one.start, one.warden))

    def waivers(self, start: int, end: int) -> list[Waiver]:
        """See Store."""
        found = (one for one in self._waivers.values() if start <= one.start < end)
        return sorted(found, key=lambda one: (one.start, one.requirement, one.zone))

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

    def _judge(self, judgement: Judgement) -> None:
        self._docket |= {one.case.id: one for one in judgement.cases}
        self._wrong |= set(judgement.wrong)
        for device in judgement.rejudged:
            self._rejudge.pop(device, None)
        if judgement.frontier is not None:
            self._frontier = judgement.frontier

    def _revise(self, revised: Revised) -> set[VisitId]:
        device = revised.device
        kept = self._checkpoints.get(device, [])
        self._checkpoints[device] = [saved for saved in kept if saved.upto < revised.since]
        self._tracks.pop(device, None)
        self._dirty.pop(device, None)
        return self._retell(revised)


def _closing(docketed: Docketed) -> tuple[Micros, VerdictId]:
    return docketed.case.window.end, docketed.case.id
