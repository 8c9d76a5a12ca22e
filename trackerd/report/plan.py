"""The plan over a period: what was owed and what became of it, by requirement, with the trend by week.

What must stay true here: a window belongs to the day on which it begins; what is excused, still open or taken back
counts neither for nor against anybody; unproven is never counted as skipped, nor as met.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from geofence.calendar import Window
from geofence.model import RequirementId
from geofence.verdict import Outcome
from trackerd.report.record import Record
from trackerd.store import Outcomes


@dataclass(frozen=True, slots=True)
class Count:
    """How many windows came to what."""

    owed: int = 0
    met: int = 0
    partial: int = 0
    skipped: int = 0
    unproven: int = 0
    excused: int = 0
    open: int = 0
    """Not judged yet."""

    @property
    def share(self) -> float | None:
        """Met, of those that were judged and not excused."""
        judged = self.owed - self.excused - self.open
        return self.met / judged if judged else None


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week."""

    monday: date
    count: Count
    change: float | None
    """Of the share met, against the week before: 0.1 is ten points up."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One requirement."""

    requirement: RequirementId
    count: Count
    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """The plan over a period."""

    period: Window
    count: Count
    weeks: tuple[Week, ...]
    requirements: tuple[Standing, ...]


def plan(record: Record, period: Window) -> PlanHistory:
    """Return what became of the plan. Raises ReportFault, StoreError."""
    period = record.past(period)
    found = [one for one in record.store.outcomes(*period) if one.outcome is not None or not one.closed]
    by_requirement: dict[RequirementId, list[Outcomes]] = defaultdict(list)
    for one in found:
        by_requirement[one.requirement].append(one)
    standings = [Standing(id_, _count(of), _weeks(record, of)) for id_, of in sorted(by_requirement.items())]
    return PlanHistory(period, _count(found), _weeks(record, found), tuple(standings))


def _count(found: Iterable[Outcomes]) -> Count:
    came = [one.outcome for one in found]
    return Count(
        len(came), came.count(Outcome.MET), came.count(Outcome.PARTIAL), came.count(Outcome.MISSED),
        came.count(Outcome.UNPROVEN), came.count(Outcome.EXCUSED), came.count(None),
    )  # fmt: skip


def _weeks(record: Record, found: Iterable[Outcomes]) -> tuple[Week, ...]:
    weeks: dict[date, list[Outcomes]] = defaultdict(list)
    mondays: dict[int, date] = {}
    for one in found:
        start = one.window.start
        if start not in mondays:
            year, week, _ = record.local(start).isocalendar()
            mondays[start] = date.fromisocalendar(year, week, 1)
        weeks[mondays[start]].append(one)
    counts = [(monday, _count(of)) for monday, of in sorted(weeks.items())]
    before = [None, *(count.share for _, count in counts)][: len(counts)]
    return tuple(
        Week(monday, count, None if was is None or count.share is None else count.share - was)
        for (monday, count), was in zip(counts, before, strict=True)
    )
