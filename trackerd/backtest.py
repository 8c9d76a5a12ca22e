"""What other zones or another plan would have made of the past: the same fixes lived through twice, and compared.

What must stay true here: nothing is told and nothing is written but in memory; both sides are computed anew from the
same fixes, so nothing but the change can make a difference, and no change makes none; a visit is the same visit if the
same device was in the same zone in overlapping time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from geofence.calendar import Window
from geofence.event import Visit
from geofence.model import EVER, NEVER, SECOND, DeviceId, Fixes, IntColumn, Micros, RequirementId, ZoneId, pooled
from geofence.verdict import Case, Outcome
from geofence.wire import moment
from trackerd.house import House
from trackerd.intake import Taken
from trackerd.pipeline import empty, record
from trackerd.shares import Share
from trackerd.store import Batch, Store

LEAD_US = 3600 * SECOND
"""Fixes so long before the time asked about say who was where when it began."""
TAIL_US = 6 * 3600 * SECOND
"""And so long after it: visits end, windows are judged when their grace is over."""
LOT = 20_000
"""Fixes of a turn."""
SAME, NEW, GONE, CHANGED = "same", "new", "gone", "changed"


class Lived(NamedTuple):
    """What became of a time."""

    visits: list[Visit]
    verdicts: dict[Case, Outcome]


@dataclass
class Difference:
    """What the change would have made of it."""

    visits: dict[ZoneId, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    verdicts: dict[tuple[RequirementId, ZoneId], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: dict[tuple[RequirementId, ZoneId], tuple[Counter[str], Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: (Counter(), Counter()))
    )
    """How many of each there were before, and would be."""
    turned: list[tuple[Case, Outcome | None, Outcome | None]] = field(default_factory=list)
    """Each verdict that is not the same: what it was, and would be."""

    @property
    def none(self) -> bool:
        """Whether all would have been the same."""
        counts = [*self.visits.values(), *self.verdicts.values()]
        return not any(count[what] for count in counts for what in (NEW, GONE, CHANGED))


def prepare(house: House, store: Store | None, period: Window) -> House:
    """Let a house in memory know of the store's breaks and waivers, tell nobody, and judge all of the period."""
    house.routes, house.positions, house.worded = (), False, False
    house.docket.horizon_s = (period.end - period.start + TAIL_US + LEAD_US) / SECOND
    if store is not None:
        waivers = store.waivers(period.start - LEAD_US, period.end)
        house.store.commit(Batch(Fixes.of(()), breaks=store.breaks(), waivers=waivers))
        house.intake.gate.recall(store.breaks())
        house.town = house.docket.town = house.intake.town
    return house


def stored(
    house: House, store: Store, period: Window, devices: Iterable[DeviceId], upto: Micros | None = None
) -> Iterator[Taken]:
    """Yield what the store has of some devices in the period, as far as it may be kept by the house's roster.

    ``upto``: nothing later, for a daemon may be writing, and the other side is to see the same.
    """
    end = period.end + TAIL_US if upto is None else min(period.end + TAIL_US, upto + 1)
    for device in devices:
        lot: list[Fixes] = []
        for piece in store.fixes(device, period.start - LEAD_US - 1, end):
            lot += [piece.take(slice(n, n + LOT)) for n in range(0, len(piece), LOT)]
            while sum(map(len, lot)) >= LOT:
                yield _admitted(house, lot.pop(0))
        yield _admitted(house, pooled(lot))


def watch(house: House, past: Iterable[Taken], period: Window, share: Share | None = None) -> Micros | None:
    """Take in the past, or the share of it; return the last moment that all of it speaks of, None if it is empty."""
    last: Micros | None = None
    for taken in past:
        part = _within(taken, period)
        if len(part.fixes):
            newest = Micros(int(part.fixes.time.max()))
            last = newest if last is None else max(last, newest)
        record(house, part if share is None else _shared(part, share), None)
    return last


def judged(house: House, last: Micros | None, period: Window) -> Lived:
    """Let time pass to the ``last`` moment; return what became of the period: nothing, where there is none."""
    if last is None:
        return Lived([], {})
    record(house, empty(), last)
    found = house.store.visits(*period)
    visits = [kept.visit for kept in found if period.start <= kept.visit.began < period.end]
    cases = house.store.docket(period.start, period.end)
    return Lived(
        visits,
        {one.case: one.verdict.outcome for one in cases if one.verdict and one.case.window.start >= period.start},
    )


def compare(before: Lived, after: Lived) -> Difference:
    """Return what would have been otherwise."""
    found = Difference()
    there = _by_place(before), _by_place(after)
    for zone, device in sorted(there[0].keys() | there[1].keys()):
        found.visits[zone].update(_visits(*(side.get((zone, device), []) for side in there)))
    was, is_ = ({_key(case): (case, what) for case, what in lived.verdicts.items()} for lived in (before, after))
    for key in sorted(was.keys() | is_.keys(), key=lambda key: (key[2], key)):
        (case, old), (_, new) = was.get(key) or (is_[key][0], None), is_.get(key) or (None, None)
        about = case.requirement, case.zone
        found.verdicts[about][_what(old, new)] += 1
        for count, outcome in zip(found.outcomes[about], (old, new), strict=True):
            count.update([outcome.value] if outcome else [])
        if old is not new:
            found.turned.append((case, old, new))
    return found


def document(found: Difference, period: Window) -> dict[str, Any]:
    """Return the difference for programs: it names no person."""
    return {
        "period": _window(period),
        "visits": [{"zone": zone, **_counts(count)} for zone, count in sorted(found.visits.items())],
        "verdicts": [
            {"requirement": about[0], "zone": about[1], **_counts(count),
             "before": dict(found.outcomes[about][0]), "after": dict(found.outcomes[about][1])}
            for about, count in sorted(found.verdicts.items())
        ],
        "turned": [
            {"requirement": case.requirement, "zone": case.zone, "window": _window(case.window),
             "before": was and was.value, "after": is_ and is_.value}
            for case, was, is_ in found.turned
        ],
    }  # fmt: skip


def _admitted(house: House, fixes: Fixes) -> Taken:
    holders, passes = house.intake.gate.admit(fixes)
    rows = np.flatnonzero(passes)
    return Taken(fixes.take(rows), [0] * len(rows), [holders[row] for row in rows.tolist()])


def _within(taken: Taken, period: Window) -> Taken:
    """Return what of a batch may say something of the period."""
    time = taken.fixes.time
    return _chosen(taken, np.flatnonzero((time >= period.start - LEAD_US) & (time < period.end + TAIL_US)))


def _shared(taken: Taken, share: Share) -> Taken:
    """Return what of a batch some devices sent."""
    fixes = taken.fixes
    takes = np.array([share.takes(device) for device in fixes.devices], dtype=bool)
    return _chosen(taken, np.flatnonzero(takes[fixes.device]))


def _chosen(taken: Taken, rows: IntColumn) -> Taken:
    if len(rows) == len(taken.fixes):
        return taken
    return replace(
        taken, fixes=taken.fixes.take(rows).lean(), received=[taken.received[row] for row in rows.tolist()],
        wardens=[taken.wardens[row] for row in rows.tolist()],
    )  # fmt: skip


def _by_place(lived: Lived) -> dict[tuple[ZoneId, DeviceId], list[Visit]]:
    found: dict[tuple[ZoneId, DeviceId], list[Visit]] = defaultdict(list)
    for visit in lived.visits:
        found[visit.zone, visit.device].append(visit)
    return found


def _visits(before: Sequence[Visit], after: Sequence[Visit]) -> Iterator[str]:
    """Say of each visit of a device to a zone what became of it; they are in order, and do not overlap."""
    was, is_ = [*reversed(before)], [*reversed(after)]
    while was and is_:
        if _ended(was[-1]) < is_[-1].began:
            was.pop()
            yield GONE
        elif _ended(is_[-1]) < was[-1].began:
            is_.pop()
            yield NEW
        else:
            yield SAME if _alike(was.pop(), is_.pop()) else CHANGED
    yield from [GONE] * len(was) + [NEW] * len(is_)


def _alike(one: Visit, other: Visit) -> bool:
    return (one.began, one.ended, one.seconds) == (other.began, other.ended, other.seconds)


def _ended(visit: Visit) -> int:
    return NEVER if visit.ended is None else visit.ended


def _what(old: Outcome | None, new: Outcome | None) -> str:
    if old is new:
        return SAME
    return NEW if old is None else GONE if new is None else CHANGED


def _key(case: Case) -> tuple[RequirementId, ZoneId, Window]:
    return case.requirement, case.zone, case.window


def _counts(count: Counter[str]) -> dict[str, int]:
    return {what: count[what] for what in (SAME, CHANGED, NEW, GONE)}


def _window(window: Window) -> dict[str, str | None]:
    """Return the two ends; None where there is no end: all that files tell of."""
    return {
        "from": None if window.start == EVER else moment(window.start),
        "to": None if window.end == NEVER else moment(window.end),
    }
