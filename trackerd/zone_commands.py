"""What the commands about zones do, with their talk.

What must stay true here: see cli.py; faults are told all at once, one a line, as file, place, what and remedy.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer
from rich.progress import track
from rich.table import Column, Table

from geofence.duration import words
from geofence.model import SECOND, to_datetime
from geofence.track import Rules
from geofence.trial import Advice, Chances, Habits, Size, advise, chances, size
from geofence.zones import UNKNOWN_ACCURACY_M, Frame, Zone
from trackerd.assemble import opened, rules
from trackerd.commands import BRUSSELS, talk, tell_faults, the_town
from trackerd.paper import paper
from trackerd.store import StoreError
from trackerd.town import read_zones
from trackerd.usage import FAULTS
from trackerd.zone_import import Defaults, merged, read_file, written

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Wishes:
    """What ``trackerd zones lint`` was asked; None: as the store shows."""

    accuracy_m: float | None = None
    every_s: float | None = None
    dwell_s: float = 60.0
    json: bool = False


class Judged(NamedTuple):
    """What was found of one zone."""

    zone: Zone
    size: Size
    chances: Chances
    advice: list[Advice]


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
    paper().print(table)


def zones_import(file: Path, into: Path | None, defaults: Defaults) -> None:
    """Make zones of a file drawn elsewhere: shown, or put into a file of zones; nothing is written if one is faulty."""
    found = read_file(file, BRUSSELS, defaults)
    tell_faults(found.faults)
    if any(not fault.warning for fault in found.faults):
        talk.print("nothing was written")
        raise typer.Exit(FAULTS)
    if into is None:
        sys.stdout.write(written(found.features).decode())
        talk.print(f"{len(found.features)} zones")
        return
    features, replaced = found.features, 0
    if into.exists():
        _, faults = read_zones([into], BRUSSELS)
        if any(not fault.warning for fault in faults):
            tell_faults(faults)
            talk.print(f"nothing was written: first mend {into}")
            raise typer.Exit(FAULTS)
        features, replaced = merged(into.read_bytes(), found.features)
    beside = into.with_name(f".{into.name}.new")
    beside.write_bytes(written(features))
    beside.replace(into)
    talk.print(f"{into}: {len(found.features) - replaced} zones added, {replaced} replaced")


def zones_lint(files: list[Path], config: Path | None, wishes: Wishes) -> None:
    """Say of each zone how surely a visit would be proven, and what would do where that is not enough."""
    zones, under = _zones(files, config)
    habits, whence = _habits(wishes, config)
    judged: list[Judged] = []
    ordered = sorted(zones, key=lambda zone: zone.id)
    for zone in track(ordered, "Trying", console=talk, transient=True, disable=not talk.is_terminal):
        found = chances(zone, habits, under)
        judged.append(Judged(zone, size(zone), found, [] if found.good else advise(zone, habits, under)))
    if wishes.json:
        document = {"accuracy_m": habits.accuracy_m, "every_s": habits.every_s, "whence": whence,
                    "zones": [_document(one, habits) for one in judged]}  # fmt: skip
        print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201 - the data asked for
        return
    table = Table(Column("Zone", no_wrap=True), "Kind", Column("Size", no_wrap=True), "Dwell", "Visit proven",
                  "Pass mistaken", "What would do", box=None)  # fmt: skip
    for one in judged:
        dwell = words(one.zone.dwell_s or habits.dwell_s)
        remedy = "" if one.chances.good else _remedy(one)
        table.add_row(one.zone.id, one.zone.kind, _size(one.size), dwell, *_percent(one.chances), remedy)
    paper().print(table)
    poor = sum(not one.chances.good for one in judged)
    talk.print(f"{len(judged)} zones, {poor} of which cannot be judged well, at an accuracy of {habits.accuracy_m:g} m "
               f"and a fix every {words(habits.every_s)} ({whence})")  # fmt: skip


def _habits(wishes: Wishes, config: Path | None) -> tuple[Habits, str]:
    """Return how receivers behave here: as wished, else as the store's last fixes show, else as most do."""
    habits, given = Habits(dwell_s=wishes.dwell_s), "as given"
    if wishes.accuracy_m is None or wishes.every_s is None:
        shown = None if config is None else _shown(config)
        given = "as is usual; say --accuracy and --every" if shown is None else "as the last fixes stored show"
        accuracy, every = shown or (habits.accuracy_m, habits.every_s)
        habits = replace(habits, accuracy_m=accuracy, every_s=every)
    accuracy, every = wishes.accuracy_m or habits.accuracy_m, wishes.every_s or habits.every_s
    return replace(habits, accuracy_m=accuracy, every_s=every), given


def _shown(config: Path) -> tuple[float, float] | None:
    """Return the median accuracy in metres and the median seconds between fixes of each device's last day."""
    settings, _ = the_town(config)
    try:
        with closing(opened(settings, config, reading=True)) as store:
            pieces = [
                piece
                for track, upto in store.tracks()
                for piece in store.fixes(track.device, upto - DAY_S * SECOND, upto + 1)
            ]
    except StoreError:
        return None  # there is none yet
    if not pieces:
        return None
    accuracy = np.concatenate([piece.accuracy_m for piece in pieces])
    every = np.concatenate([np.diff(piece.time) for piece in pieces]) / SECOND
    accuracy, every = accuracy[np.isfinite(accuracy)], every[every < settings.detection.silence]
    if not len(every):
        return None
    known = float(np.median(accuracy)) if len(accuracy) else UNKNOWN_ACCURACY_M
    return max(round(known, 1), 1.0), max(round(float(np.median(every)), 1), 1.0)


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
        if not faults:
            talk.print("no zones: name a file of zones, or a configuration with --config")
        raise typer.Exit(FAULTS if faults else 2)
    return zones, under


def _document(one: Judged, habits: Habits) -> dict[str, object]:
    zone, found = one.zone, one.chances
    return {
        "zone": zone.id, "name": zone.name, "kind": zone.kind, "radius_m": round(one.size.radius_m, 1),
        "hectares": round(one.size.hectares, 4), "dwell_s": zone.dwell_s or habits.dwell_s,
        "proven": round(found.proven, 3), "mistaken": round(found.mistaken, 3), "good": found.good,
        "advice": [{advice.what: advice.value, "proven": round(advice.chances.proven, 3)} for advice in one.advice],
    }  # fmt: skip


def _size(size: Size) -> str:
    return f"radius {size.radius_m:.0f} m" if size.circle else f"{2 * size.radius_m:.0f} m wide"


def _percent(found: Chances) -> tuple[str, str]:
    return f"{found.proven:.0%}", f"{found.mistaken:.0%}"


def _remedy(one: Judged) -> str:
    """Return what would do, in words."""
    parts = [f"{_change(advice, one.size)} ({advice.chances.proven:.0%})" for advice in one.advice]
    return "; or ".join(parts) or "no one thing: a finer receiver, or both a longer dwell and a wider zone"


def _change(advice: Advice, size: Size) -> str:
    if advice.what == "wider_m":
        wide = size.radius_m + advice.value
        return f"a radius of {wide:.0f} m" if size.circle else f"{advice.value:g} m more on every side"
    return f"{'a dwell of' if advice.what == 'dwell_s' else 'a fix every'} {words(advice.value)}"


def _hectares(zone: Zone) -> float:
    west, south, east, north = zone.shape.bounds
    return float(Frame.at((west + east) / 2, (south + north) / 2).to_metres(zone.shape).area) / 10_000


def _valid(zone: Zone) -> str:
    days = [
        "" if at is None else f"{to_datetime(at - before).astimezone(BRUSSELS):%Y-%m-%d}"
        for at, before in ((zone.valid_from, 0), (zone.valid_to, 1))
    ]
    return " … ".join(days) if any(days) else ""
