"""Whether those on duty can do what is owed, in words and for programs: ``trackerd plan capacity``.

What must stay true here: see cli.py and report/capacity.py; a store that is away only takes away what it knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from geofence.capacity import Split, Worker
from geofence.duration import words
from geofence.model import SECOND, Micros, VerdictId, WardenId, to_datetime, to_micros
from geofence.rounds import Rounds
from geofence.verdict import Case
from geofence.wire import moment
from trackerd import clock
from trackerd.assemble import store_url
from trackerd.breaks import Breaks
from trackerd.commands import talk, the_town
from trackerd.config import Settings
from trackerd.paper import paper
from trackerd.plan_commands import day_of, name_of, town_zone
from trackerd.report.capacity import Capacity, Work, work
from trackerd.report.capacity import capacity as reckoned
from trackerd.store import Docketed, Store, StoreError, open_store
from trackerd.town import Town


def capacity(config: Path, day: str | None, detour: float, as_json: bool) -> None:
    """Say whether those on duty can do all that is owed on a day, and how many it takes."""
    settings, town = the_town(config)
    zone = town_zone(town)
    on = day_of(day, zone)
    asked = work_of(settings, config, town, on)
    if not asked.errands:
        talk.print(f"Nothing is owed by anybody on {on:%A %d %B %Y}.")
    answer = reckoned(asked, detour)
    if as_json:
        typer.echo(json.dumps({"date": str(on), **_told(asked, answer)}, ensure_ascii=False, indent=1))
    elif asked.errands:
        for line in _said(asked, answer, zone, on, detour):
            paper(markup=True).print(line)


def work_of(settings: Settings, config: Path, town: Town, on: date) -> Work:
    """Return a day as work; one that is over as the record has it, where there is one."""
    kept: dict[VerdictId, Docketed] = {}
    if on < clock.now().astimezone(town_zone(town)).date():
        town, kept = _record(settings, config, town, on)
    return work(town, on, _paces(settings), kept)


def weighed(settings: Settings, town: Town, store: Store, on: date, today: date, detour: float) -> str:
    """Return the same as JSON, from a store that is open. Raises StoreError."""
    kept: dict[VerdictId, Docketed] = {}
    if on < today:
        town, kept = _kept(store, town, on)
    asked = work(town, on, _paces(settings), kept)
    return json.dumps({"date": str(on), **_told(asked, reckoned(asked, detour))}, ensure_ascii=False, indent=1)


def _paces(settings: Settings) -> dict[WardenId, float]:
    return {WardenId(warden.id): warden.pace for warden in settings.warden}


def _record(settings: Settings, config: Path, town: Town, on: date) -> tuple[Town, dict[VerdictId, Docketed]]:
    """Return the town with the breaks that were taken, and what was owed on the day."""
    try:
        with closing(open_store(store_url(settings, config), reading=True)) as store:
            then, kept = _kept(store, town, on)
    except StoreError:
        then, kept = town, {}
    if not kept:
        talk.print("No record of that day is at hand: it is reckoned by the plan as it stands now.")
        return town, {}
    return then, kept


def _kept(store: Store, town: Town, on: date) -> tuple[Town, dict[VerdictId, Docketed]]:
    breaks = Breaks(store.breaks()).spans()
    start, end = (to_micros(datetime.combine(d, time(), town_zone(town))) for d in (on, on + timedelta(days=1)))
    kept = [one for one in store.docket(start, end) if start <= one.case.window.start < end]
    return replace(town, roster=replace(town.roster, breaks=breaks)), {one.case.id: one for one in kept}


def _said(day: Work, answer: Capacity, zone: ZoneInfo, on: date, detour: float) -> Iterator[str | Table]:
    def hours(edge: int) -> str:
        return f"{to_datetime(edge).astimezone(zone):%H:%M}"

    yield f"[bold]{on:%A %d %B %Y}[/]: {len(day.errands)} windows owed. On duty:"
    for one in day.crew:
        stretches = ", ".join(f"{hours(a)}–{hours(b)}" for a, b in one.duty)
        yield escape(f"  {one.id} {stretches}, {one.pace_mps:g} m/s")
    if day.excused:
        yield f"  {len(day.excused)} more are excused: nobody who may do them is on duty, or not for long enough."
    left = [day.errands[n].case for n in answer.rounds.left]
    if left:
        yield f"[bold]Found[/]: rounds that do all but {len(left)}:"
        yield from (escape(f"  {one.requirement}, {name_of(one.zone, day.town)}") for one in left)
    else:
        yield "[bold]Found[/]: rounds that do all of it (below)."
    yield "[bold]Proven[/]: " + _proof(answer, hours)
    yield "[bold]Smallest crew found[/]: " + _team(answer.team, answer.tried)
    if answer.split is not None and answer.split != (0, 0, 0):
        yield "[bold]Missed that day[/]: " + _why(answer.split)
    yield _rounds(day, answer.rounds, hours)
    yield (
        f"Found: streets {detour:g} times as long as straight lines, no way to the first place, nothing else to do. "
        "Proven: straight lines from edge to edge at that pace, so streets only make it worse."
    )


def _proof(answer: Capacity, hours: Any) -> str:
    told, least = answer.proven, answer.least
    said = (
        "no crew can do all of it in these hours" if least is None else f"it takes {least} at least, whoever they are"
    )
    if told is None:
        return said + "; nothing says that those on duty are too few."
    start, end = hours(told.start), hours(told.end)
    return f"{said}; those on duty must leave {told.errands} at least: it shows between {start} and {end}."


def _team(team: Sequence[Worker] | None, most: int) -> str:
    if team is None:
        return f"none, up to {most}."
    names = [one.id for one in team if not one.id.startswith("+")]
    more = len(team) - len(names)
    return escape(f"{len(team)}: {', '.join(names)}") + (f" and {more} more who may do everything." if more else ".")


def _why(split: Split) -> str:
    parts = [
        (split.not_done, "could have been done beside the rest (found)"),
        (split.too_few, "too much for those on duty (proven)"), (split.open, "neither found nor proven"),
    ]  # fmt: skip
    return "; ".join(f"{count} {said}" for count, said in parts if count) + "."


def _rounds(day: Work, rounds: Rounds, hours: Any) -> Table:
    table = Table("Warden", "From", "To", "Way", "Zone", "Requirement", box=None)
    for one, calls in zip(day.crew, rounds.calls, strict=True):
        for call in calls:
            case = day.errands[call.errand].case
            row = one.id, hours(call.start), hours(call.end), words(round(call.walk / SECOND / 60) * 60)
            table.add_row(*(escape(cell) for cell in (*row, name_of(case.zone, day.town), case.requirement)))
    return table


def _told(day: Work, answer: Capacity) -> dict[str, Any]:
    def case(one: Case) -> dict[str, Any]:
        return {"requirement": one.requirement, "zone": one.zone, "window": _window(*one.window)}

    proven, split = answer.proven, answer.split
    rounds = [
        {"warden": one.id, "calls": [
            {**case(day.errands[call.errand].case), "at": _window(call.start, call.end), "walk_s": call.walk // SECOND}
            for call in calls]}
        for one, calls in zip(day.crew, answer.rounds.calls, strict=False)
    ]  # fmt: skip
    return {
        "owed": len(day.errands), "excused": [case(one) for one in day.excused],
        "on_duty": [{"warden": one.id, "hours": [_window(*span) for span in one.duty]} for one in day.crew],
        "proven": {
            "crew_at_least": answer.least, "left_at_least": proven.errands if proven else 0,
            "shown_in": _window(proven.start, proven.end) if proven else None,
        },
        "found": {
            "left": [case(day.errands[n].case) for n in answer.rounds.left], "rounds": rounds,
            "crew": None if answer.team is None else len(answer.team),
        },
        "missed": None if split is None else split._asdict(),
    }  # fmt: skip


def _window(start: int, end: int) -> dict[str, str]:
    return {"from": moment(Micros(start)), "to": moment(Micros(end))}
