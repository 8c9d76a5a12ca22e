"""What is owed: ``trackerd plan show`` and ``trackerd plan next``.

What must stay true here: see cli.py; what the same requirement asks of many zones in one window is one line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from geofence.calendar import Window
from geofence.duration import words
from geofence.model import SECOND, ZoneId, to_datetime, to_micros
from geofence.verdict import Case
from geofence.wire import moment
from trackerd import clock
from trackerd.commands import talk, the_town
from trackerd.paper import paper
from trackerd.town import Town

NEXT = 6
"""So many windows to come are shown."""
AHEAD = timedelta(days=14)


def show(config: Path, day: str | None, as_json: bool) -> None:
    """Print what is owed on one day of the town's calendar, and who is on duty then."""
    _, town = the_town(config)
    zone = town_zone(town)
    on = day_of(day, zone)
    cases = town.plan.cases(town.zones, on, on)
    if as_json:
        typer.echo(json.dumps([_told(case, town) for case in cases], ensure_ascii=False, indent=1))
        return
    if not cases:
        talk.print(f"Nothing is owed on {on:%A %d %B %Y}.")
        return
    paper(markup=True).print(_table(cases, town, zone, f"{on:%A %d %B %Y}"))


def due(config: Path, at: str | None, as_json: bool) -> None:
    """Print what is owed now, and what comes soonest."""
    _, town = the_town(config)
    zone = town_zone(town)
    now = to_micros(_time(at, zone))
    today = to_datetime(now).astimezone(zone).date()
    cases = town.plan.cases(town.zones, today - timedelta(days=1), today + AHEAD)
    coming = sorted((case for case in cases if case.window.end > now), key=lambda case: _order(case, now))
    open_ = [case for case in coming if case.window.start <= now]
    rest = [case for same in _together(coming[len(open_) :])[:NEXT] for case in same]
    if as_json:
        typer.echo(json.dumps([_told(case, town) for case in open_ + rest], ensure_ascii=False, indent=1))
        return
    if not coming:
        talk.print(f"Nothing is owed in the next {AHEAD.days} days.")
    if open_:
        paper(markup=True).print(_table(open_, town, zone, "Owed now"))
    if rest:
        paper(markup=True).print(_table(rest, town, zone, "Comes next", dated=True))


def _order(case: Case, now: int) -> tuple[bool, int, str, str]:
    """Put what is open first, by its close; then the rest, by its opening."""
    waits = case.window.start > now
    return waits, case.window.start if waits else case.window.end, case.requirement, case.zone


def _table(cases: Sequence[Case], town: Town, zone: ZoneInfo, title: str, *, dated: bool = False) -> Table:
    table = Table(box=None, title=title, show_header=False)
    table.title_justify = "left"
    table.add_column(no_wrap=True)
    table.add_column()
    shape = "%a %d %b %H:%M" if dated else "%H:%M"
    for same in _together(cases):
        case = same[0]
        start, end = (to_datetime(edge).astimezone(zone) for edge in case.window)
        said = f"{case.requirement}: {asked(case)}, by {_by(case, town)}; on duty: "
        names = ", ".join(name_of(one.zone, town) for one in same)
        what = f"[bold]{escape(said)}[/]{_who(case, town)}\n{escape(names)}"
        table.add_row(f"{start.strftime(shape)}–{end:%H:%M}", what)
    return table


def _together(cases: Sequence[Case]) -> list[list[Case]]:
    """Return cases of one requirement and window together, in the order of the first of each."""
    found: dict[tuple[str, Window], list[Case]] = {}
    for case in cases:
        found.setdefault((case.requirement, case.window), []).append(case)
    return list(found.values())


def name_of(zone: ZoneId, town: Town) -> str:
    """Return what people call a zone."""
    known = town.zones.by_id.get(zone)
    return known.name or known.id if known is not None else zone


def _who(case: Case, town: Town) -> str:
    if town.roster.everyone and not town.roster.duties:
        return "whoever sends"
    return ", ".join(_on_duty(case, town)) or "[red]nobody[/]"


def asked(case: Case) -> str:
    """Say in words what a case asks."""
    terms = case.terms
    said = "a visit" if terms.visits == 1 else f"{terms.visits} visits"
    said += f" of {words(terms.dwell_s)}" if terms.dwell_s else ""
    said += f", {words(terms.spacing_s)} apart" if terms.spacing_s and terms.visits > 1 else ""
    return said + (f", {terms.together} together" if terms.together > 1 else "")


def _told(case: Case, town: Town) -> dict[str, Any]:
    terms = case.terms
    return {
        "requirement": case.requirement, "zone": case.zone,
        "window": {"from": moment(case.window.start), "to": moment(case.window.end)},
        "visits": terms.visits, "dwell_s": terms.dwell_s, "spacing_s": terms.spacing_s, "together": terms.together,
        "by": _by(case, town).split(", "), "on_duty": _on_duty(case, town),
    }  # fmt: skip


def _by(case: Case, town: Town) -> str:
    return ", ".join(next(one.by for one in town.plan.requirements if one.id == case.requirement))


def _on_duty(case: Case, town: Town) -> list[str]:
    """Return who of those who may do it is on duty in the window, long enough for one visit."""
    one = next(one for one in town.plan.requirements if one.id == case.requirement)
    found = []
    for warden, devices in town.roster.duties_within(case.window).items():
        longest = max(b - a for spans in devices.values() for a, b in spans)
        if one.asks(warden, town.roster.team(warden)) and longest >= case.terms.dwell_s * SECOND:
            found.append(str(warden))
    return sorted(found)


def town_zone(town: Town) -> ZoneInfo:
    """Return the town's clock."""
    assert isinstance(town.plan.zone, ZoneInfo)
    return town.plan.zone


def day_of(text: str | None, zone: ZoneInfo) -> date:
    """Return the day that was asked for; today, if none was."""
    if text is None:
        return clock.now().astimezone(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: write 2026-05-19", param_hint="--date") from None


def _time(text: str | None, zone: ZoneInfo) -> datetime:
    if text is None:
        return clock.now()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write 2026-05-19T08:00", param_hint="--at") from None
    return time if time.tzinfo else time.replace(tzinfo=zone)
