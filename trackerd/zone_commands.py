"""What the commands about zones do, with their talk.

What must stay true here: see cli.py; faults are told all at once, one a line, as file, place, what and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from geofence.duration import words
from geofence.model import to_datetime
from geofence.track import Rules
from geofence.trial import Advice, Chances, Habits, advise, chances
from geofence.zones import Frame, Zone
from trackerd.assemble import rules
from trackerd.cli import FAULTS
from trackerd.commands import BRUSSELS, talk, tell_faults, the_town
from trackerd.town import read_zones


def zones_check(files: list[Path]) -> None:
    """Tell every fault of files of zones."""
    zones, faults = read_zones(files, BRUSSELS)
    tell_faults(faults)
    talk.print(f"{len(zones)} sound zones in {len(files)} files")
    if any(not fault.warning for fault in faults):
        raise typer.Exit(FAULTS)


def zones_list(files: list[Path], config: Path | None) -> None:
    """List zones."""
    zones: Iterable[Zone] = _zones(files, config)[0]
    table = Table("Zone", "Name", "Kind", "Team", "Dwell", "Hectares", "Valid", box=None)
    for zone in sorted(zones, key=lambda one: (one.kind, one.id)):
        dwell = words(zone.dwell_s) if zone.dwell_s is not None else ""
        table.add_row(zone.id, zone.name, zone.kind, zone.team or "", dwell, f"{_hectares(zone):.2f}", _valid(zone))
    Console(soft_wrap=True).print(table)


def zones_lint(files: list[Path], config: Path | None, habits: Habits) -> None:
    """Say of each zone how surely a visit would be proven, and what would do where that is not enough."""
    zones, under = _zones(files, config)
    table = Table("Zone", "Dwell", "Visit proven", "Passer-by mistaken", "What would do", box=None)
    poor = 0
    for zone in sorted(zones, key=lambda one: one.id):
        found = chances(zone, habits, under)
        poor += not found.good
        remedy = "" if found.good else _remedy(advise(zone, habits, under))
        table.add_row(zone.id, words(zone.dwell_s or habits.dwell_s), *_percent(found), remedy)
    Console(soft_wrap=True).print(table)
    talk.print(f"{len(zones)} zones, {poor} that cannot be judged well at {habits.accuracy_m:g} m and one fix in "
               f"{habits.every_s:g} s")  # fmt: skip


def _zones(files: list[Path], config: Path | None) -> tuple[list[Zone], Rules]:
    if config is not None:
        settings, town = the_town(config)
        if not files:
            return [*town.zones, *town.private], rules(settings)
        found, under = read_zones(files, BRUSSELS), rules(settings)
    else:
        found, under = read_zones(files, BRUSSELS), Rules()
    zones, faults = found
    tell_faults(faults)
    if not zones:
        raise typer.Exit(FAULTS)
    return zones, under


def _percent(found: Chances) -> tuple[str, str]:
    return f"{found.proven:.0%}", f"{found.mistaken:.0%}"


def _remedy(advice: list[Advice]) -> str:
    says = {"dwell_s": "a dwell of {}", "wider_m": "{:g} m wider all round", "every_s": "a fix every {}"}
    parts = [
        says[one.what].format(words(one.value) if one.what != "wider_m" else one.value) + f" ({one.chances.proven:.0%})"
        for one in advice
    ]
    return "; ".join(parts) or "nothing alone: combine a longer dwell with a wider zone"


def _hectares(zone: Zone) -> float:
    west, south, east, north = zone.shape.bounds
    return float(Frame.at((west + east) / 2, (south + north) / 2).to_metres(zone.shape).area) / 10_000


def _valid(zone: Zone) -> str:
    days = [
        "" if at is None else f"{to_datetime(at - before).astimezone(BRUSSELS):%Y-%m-%d}"
        for at, before in ((zone.valid_from, 0), (zone.valid_to, 1))
    ]
    return " … ".join(days) if any(days) else ""
