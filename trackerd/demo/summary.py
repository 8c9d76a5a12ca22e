"""What the demo's day came to: each verdict with its story, and the time spent in each zone.

What must stay true here: everything is read from the record, nothing is known of the day beforehand.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from geofence.duration import words
from geofence.model import EVER, NEVER, to_datetime
from geofence.verdict import Gap, Outcome
from trackerd.house import House
from trackerd.replay import Played
from trackerd.store import Docketed
from trackerd.town import Town

SIGN = {
    Outcome.MET: "[green]✓ met[/]", Outcome.PARTIAL: "[yellow]◐ partial[/]", Outcome.MISSED: "[red]✗ skipped[/]",
    Outcome.UNPROVEN: "[magenta]? unproven[/]", Outcome.EXCUSED: "[dim]– excused[/]",
}  # fmt: skip
ORDER = list(SIGN)


def sum_up(console: Console, town: Town, zone: ZoneInfo, played: Played, made: House) -> None:
    """Show what was owed and what became of it, and how long somebody was where."""
    table = Table("Zone", "Asked", "Verdict", "Why", box=None, title="What was owed", title_justify="left")
    cases = [one for one in made.store.docket(EVER, NEVER) if one.verdict is not None]
    for one in sorted(cases, key=lambda one: (ORDER.index(_outcome(one)), one.case.window, one.case.zone)):
        asked = f"{_hour(one.case.window.start, zone)}–{_hour(one.case.window.end, zone)}"
        known = town.zones.by_id.get(one.case.zone)
        table.add_row(known.name if known else one.case.zone, asked, SIGN[_outcome(one)], _story(one, zone))
    console.print(table)
    times = Table("Zone", "Kind", "Visits", "Time there", box=None, title="Time spent", title_justify="left")
    for known in sorted(town.zones, key=lambda one: (one.kind, one.id)):
        visits = [visit for visit in played.visits.values() if visit.zone == known.id]
        spent = words(sum(visit.seconds for visit in visits)) if visits else ""
        times.add_row(known.name or known.id, known.kind, str(len(visits) or "none"), spent)
    console.print(times)


def _outcome(one: Docketed) -> Outcome:
    assert one.verdict is not None
    return one.verdict.outcome


def _story(one: Docketed, zone: ZoneInfo) -> str:
    """Say in words why the verdict is what it is."""
    verdict, terms = one.verdict, one.case.terms
    assert verdict is not None
    asked = words(terms.dwell_s) if terms.visits == 1 else f"{terms.visits} × {words(terms.dwell_s)}"
    told = {
        Outcome.MET: f"fulfilled at {_hour(verdict.at, zone)}, {words(round(verdict.seconds))} there",
        Outcome.PARTIAL: f"{words(round(verdict.seconds))} is sure, {asked} was asked",
        Outcome.MISSED: f"{', '.join(verdict.seen_elsewhere)} was elsewhere all the time",
        Outcome.UNPROVEN: "; ".join(_gap(gap, zone) for gap in verdict.gaps[:2]) or "the fixes are too coarse to tell",
        Outcome.EXCUSED: verdict.reason or "",
    }[verdict.outcome]
    if one.revision:
        told += " (told otherwise before, and taken back when late data came)"
    return told


def _gap(gap: Gap, zone: ZoneInfo) -> str:
    return f"{gap.warden} could have been there unseen {_hour(gap.start, zone)}–{_hour(gap.end, zone)}"


def _hour(moment: int, zone: ZoneInfo) -> str:
    return f"{to_datetime(moment).astimezone(zone):%H:%M}"
