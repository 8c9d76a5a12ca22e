"""Whether those on duty can do what a day owes: what is proven of it, what was found, and what that says of its misses.

What must stay true here: what is proven and what was only found are never mixed up; a day that is over is judged by
what was owed and who was on duty as the record has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from geofence.calendar import Window
from geofence.capacity import PACE_MPS, Errand, Split, TooMuch, Ways, Worker, fewest, too_much
from geofence.ledger import Whereabouts, judge
from geofence.model import RequirementId, VerdictId, WardenId, ZoneId
from geofence.rounds import Rounds, find, smallest
from geofence.spans import Spans, clip, union
from geofence.verdict import Case, Outcome
from trackerd.store import Docketed
from trackerd.town import Town

MORE = 6
"""So many more than are on duty, or than it takes at least, are tried."""


@dataclass(frozen=True)
class Work:
    """One day of the plan as work for a crew."""

    date: date
    town: Town
    crew: Sequence[Worker]
    errands: Sequence[Errand]
    excused: Sequence[Case]
    """Nobody who may do it is on duty, or not for long enough; or it was waived."""
    known: Mapping[VerdictId, Docketed]
    """What the record has of it."""


@dataclass(frozen=True)
class Capacity:
    """What is proven, and what was found."""

    proven: TooMuch | None
    least: int | None
    """So many it takes at least, whoever they are; None where no crew can do it."""
    rounds: Rounds
    team: Sequence[Worker] | None
    """The smallest crew for which rounds were found, of those tried."""
    tried: int
    """Crews of up to so many."""
    split: Split | None
    """Of a day that was judged: why windows were missed."""


def work(town: Town, on: date, paces: Mapping[WardenId, float], known: Mapping[VerdictId, Docketed]) -> Work:
    """Return a day as work: as the record has it, where it has any of it, else as the plan stands."""
    cases = [one.case for one in known.values()] or town.plan.cases(town.zones, on, on)
    cases = [case for case in cases if case.zone in town.zones.by_id]
    whose = {case.id: able(case, town, known.get(case.id)) for case in cases}
    duties = _duties(town, cases)
    for of in whose.values():
        duties |= {warden: union(spans, duties.get(warden, ())) for warden, spans in of.items()}
    crew = [Worker(warden, duties[warden], paces.get(warden, PACE_MPS)) for warden in sorted(duties)]
    index = {one.id: n for n, one in enumerate(crew)}
    places: dict[ZoneId, int] = {zone.id: n for n, zone in enumerate(town.zones)}
    owed = [case for case in cases if possible(case, whose[case.id])]
    errands = [
        Errand(case, places[case.zone], *case.window, frozenset(index[warden] for warden in whose[case.id]))
        for case in owed
    ]
    return Work(on, town, crew, errands, [case for case in cases if case not in owed], known)


def capacity(asked: Work, detour: float) -> Capacity:
    """Say whether it can be done; streets are ``detour`` times as long as straight lines."""
    if not asked.errands:
        return Capacity(None, 0, Rounds((), ()), (), 0, None)
    ways = Ways.of(asked.town.zones.zones)
    proven = too_much(asked.errands, asked.crew, ways)
    least = fewest(asked.errands, asked.crew, ways)
    rounds = find(asked.errands, asked.crew, ways, detour)
    most = max(len(asked.crew), least or 0) + MORE
    team = None if least is None else smallest(asked.errands, asked.crew, ways, range(least or 1, most + 1), detour)
    outcomes = [one.verdict.outcome for e in asked.errands if (one := asked.known.get(e.case.id)) and one.verdict]
    missed = sum(outcome in (Outcome.MISSED, Outcome.PARTIAL) for outcome in outcomes)
    split = Split.of(missed, outcomes.count(Outcome.UNPROVEN), proven.errands if proven else 0, len(rounds.left))
    return Capacity(proven, least, rounds, team, most, split if outcomes else None)


def never(town: Town, first: date, last: date) -> list[RequirementId]:
    """Return the requirements owed between two days that nobody is ever on duty for, or never for long enough."""
    found: dict[RequirementId, dict[Window, Case]] = {}
    for case in town.plan.cases(town.zones, first, last):
        found.setdefault(case.requirement, {}).setdefault(case.window, case)
    return [id_ for id_, cases in found.items() if not any(possible(case, able(case, town)) for case in cases.values())]


def _duties(town: Town, cases: Sequence[Case]) -> dict[WardenId, Spans]:
    """Return who is on duty at any time at which something is owed."""
    if not cases:
        return {}
    whole = Window(min(case.window.start for case in cases), max(case.window.end for case in cases))
    return {warden: union(*devices.values()) for warden, devices in town.roster.duties_within(whole).items()}


def able(case: Case, town: Town, kept: Docketed | None = None) -> dict[WardenId, Spans]:
    """Return who may do it, with their duty in the window."""
    if kept is not None and kept.duties is not None:
        return {warden: union(*devices.values()) for warden, devices in kept.duties.items()}
    asked = next((one for one in town.plan.requirements if one.id == case.requirement), None)
    duties = town.roster.duties_within(case.window)
    return {
        warden: union(*devices.values())
        for warden, devices in duties.items() if asked is not None and asked.asks(warden, town.roster.team(warden))
    }  # fmt: skip


def possible(case: Case, whose: Mapping[WardenId, Spans]) -> bool:
    """Return whether it is owed at all: what a verdict would excuse is not."""
    nothing = {warden: Whereabouts(clip(duty, *case.window), (), (), (), ()) for warden, duty in whose.items()}
    return judge(case, nothing).outcome is not Outcome.EXCUSED
