"""One zone over a period: every visit and verdict, and the dose it had, as criminology counts it.

What must stay true here: presence is the time somebody was there, warden-time what each spent there: two together for
ten minutes are ten of the one and twenty of the other. Intermittency is the time nobody was there between two
presences: fifteen minutes now and then deter longer than an hour at once (Koper 1995, Sherman & Weisburd 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from geofence.calendar import Window
from geofence.model import SECOND, Micros, ZoneId
from geofence.spans import Span, Spans, clip, length, union
from trackerd.report.record import Record
from trackerd.store import Docketed, Kept

WEEK_US = 7 * 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Dose:
    """How much of presence a zone had. Times in seconds; None where there is nothing to say."""

    visits: int
    per_week: float
    mean_s: float | None
    """Of a visit, as believed."""
    median_s: float | None
    presence_s: float
    """Somebody was there."""
    warden_s: float
    """All wardens together."""
    certain_s: float
    """The part of that which is proven."""
    gap_median_s: float | None
    """Between two presences."""
    gap: Span | None
    """The longest."""
    last: Micros | None
    """When somebody was last there, up to the period's end."""
    age_s: float | None
    """How long that was before the period's end."""


@dataclass(frozen=True, slots=True)
class ZoneHistory:
    """A zone over a period."""

    zone: ZoneId
    period: Window
    dose: Dose
    visits: tuple[Kept, ...]
    cases: tuple[Docketed, ...]


def zone(record: Record, id_: ZoneId, period: Window) -> ZoneHistory:
    """Return a zone's history. Raises ReportFault, StoreError."""
    period = record.past(period)
    visits = tuple(record.store.visits(*period, id_))
    cases = [one for one in record.store.docket(*period, id_) if one.verdict is not None or not one.closed]
    whole = [(kept.visit.began, record.ended(kept.visit)) for kept in visits]
    there = clip(union(whole), *period)
    earlier = record.store.last_visits().get(id_) if not there else None
    last = Micros(there[-1][1]) if there else earlier if earlier is not None and earlier < period.end else None
    return ZoneHistory(id_, period, _dose(visits, whole, there, period, last), visits, tuple(cases))


def _dose(visits: tuple[Kept, ...], whole: Sequence[Span], there: Spans, period: Window, last: Micros | None) -> Dose:
    long = [(end - start) / SECOND for start, end in whole]
    gaps = [(a[1], b[0]) for a, b in pairwise(there)]
    return Dose(
        visits=len(visits),
        per_week=len(visits) * WEEK_US / (period.end - period.start),
        mean_s=fmean(long) if long else None,
        median_s=median(long) if long else None,
        presence_s=length(there) / SECOND,
        warden_s=length(clip(whole, *period)) / SECOND,
        certain_s=sum(kept.visit.seconds for kept in visits),
        gap_median_s=median(b - a for a, b in gaps) / SECOND if gaps else None,
        gap=max(gaps, key=lambda gap: gap[1] - gap[0], default=None),
        last=last,
        age_s=None if last is None else (period.end - last) / SECOND,
    )
