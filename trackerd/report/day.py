"""One day: where each warden was, on duty from when to when, when unheard, how far.

What must stay true here: wardens are told by pseudonym and in the order of it, never ranked; a silence is told only of
a time on duty, off a break, that is over, and of which positions are still kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from geofence.calendar import Window
from geofence.model import SECOND, Fixes, Micros, TeamId, WardenId
from geofence.spans import Spans, clip, length, union, without
from trackerd.report.record import Record
from trackerd.report.track import heard, walked_m
from trackerd.store import Kept


@dataclass(frozen=True, slots=True)
class Turn:
    """One warden's day."""

    warden: WardenId
    team: TeamId | None
    duty: Spans
    """By the roster, without breaks; where there is none, while heard."""
    silences: Spans
    """On duty, and unheard for longer than a silence."""
    distance_m: float | None
    """None where positions of the day are kept no longer."""
    visits: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """One team's day: sums over its wardens."""

    team: TeamId | None
    wardens: int
    duty_s: float
    silence_s: float
    distance_m: float | None
    visits: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the town's calendar."""

    date: date
    turns: tuple[Turn, ...]
    crews: tuple[Crew, ...]
    forgotten: Micros | None = None
    """Positions from before are kept no longer, if that touches the day."""


def day(record: Record, on: date) -> Day:
    """Return what is known of a day. Raises ReportFault, StoreError."""
    window, forgotten = record.past(record.day(on)), record.forgotten()
    kept_from = max(window.start, min(forgotten or window.start, window.end))
    tracks: dict[WardenId, list[Fixes]] = defaultdict(list)
    for seen in record.store.seen(*window):
        tracks[seen.warden or WardenId(seen.fixes.devices[0])].append(seen.fixes)
    visits: dict[WardenId, list[Kept]] = defaultdict(list)
    for kept in record.store.visits(*window):
        visits[kept.warden or WardenId(kept.visit.device)].append(kept)
    duties = {warden: union(*held.values()) for warden, held in record.roster.duties_within(window).items()}
    wardens = sorted(tracks.keys() | visits.keys() | duties.keys())
    known = Window(Micros(kept_from), window.end)
    turns = tuple(_turn(record, who, duties.get(who), tracks[who], visits[who], known) for who in wardens)
    if kept_from == window.start:
        return Day(on, turns, _crews(turns))
    turns = tuple(replace(turn, distance_m=None) for turn in turns)
    return Day(on, turns, _crews(turns), forgotten)


def _turn(
    record: Record, warden: WardenId, duty: Spans | None, tracks: list[Fixes], visits: list[Kept], known: Window
) -> Turn:
    silence_s = record.rules.silence_s
    spoke = heard([fixes.time for fixes in tracks], silence_s)
    held = duty if duty is not None else ((spoke[0][0], spoke[-1][1]),) if spoke else ()
    silent = tuple((a, b) for a, b in without(clip(held, *known), spoke) if b - a > silence_s * SECOND)
    team = record.roster.team(warden) or next((kept.team for kept in visits if kept.team), None)
    return Turn(warden, team, held, silent, walked_m(tracks, silence_s), tuple(visits))


def _crews(turns: tuple[Turn, ...]) -> tuple[Crew, ...]:
    teams: dict[TeamId | None, list[Turn]] = defaultdict(list)
    for turn in turns:
        teams[turn.team].append(turn)
    return tuple(
        Crew(
            team, len(of), sum(length(one.duty) for one in of) / SECOND,
            sum(length(one.silences) for one in of) / SECOND, _sum(one.distance_m for one in of),
            sum(len(one.visits) for one in of),
        )
        for team, of in sorted(teams.items(), key=lambda item: item[0] or "")
    )  # fmt: skip


def _sum(metres: Iterable[float | None]) -> float | None:
    """Return the sum; None where a part of it is not known."""
    known = list(metres)
    return None if None in known else sum(one for one in known if one is not None)
