"""All that is kept of one warden in a period: the copy everybody has a right to (GDPR, article 15).

What must stay true here: nothing kept of the person is left out, and nothing of another's is in it; that it was asked
for is itself kept before anything is told.
"""

from __future__ import annotations

from dataclasses import dataclass

from geofence.calendar import Window
from geofence.model import Fixes, WardenId
from trackerd.report.record import Record, ReportFault
from trackerd.store import Asking, Break, Docketed, Kept


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is kept of a warden."""

    warden: WardenId
    period: Window
    fixes: list[Fixes]
    visits: list[Kept]
    named: list[Docketed]
    """Verdicts that say the warden was elsewhere, or was not heard."""
    breaks: list[Break]
    askings: list[Asking]
    """Who asked of this warden, and of whom all were asked: about a place."""


def person(record: Record, warden: WardenId, period: Window, by: str, purpose: str) -> Dossier:
    """Return it. Raises ReportFault where the period has not begun or no purpose is given."""
    if not purpose.strip():
        raise ReportFault('say why you ask with --purpose, for instance "asked for by gw-1": it is kept')
    period, store = record.past(period), record.store
    store.ask(Asking(record.now, by, "warden", warden, period.start, period.end, purpose.strip()))
    return Dossier(
        warden,
        period,
        [one.fixes for one in store.seen(*period) if one.warden == warden],
        [kept for kept in store.visits(*period) if kept.warden == warden],
        [case for case in store.docket(*period) if _names(case, warden)],
        [one for one in store.breaks() if one.warden == warden and one.start < period.end and one.end > period.start],
        [one for one in store.askings(period.start, record.now + 1) if one.question == "place" or one.about == warden],
    )


def _names(case: Docketed, warden: WardenId) -> bool:
    verdict = case.verdict
    return verdict is not None and (
        warden in verdict.seen_elsewhere or any(gap.warden == warden for gap in verdict.gaps)
    )
