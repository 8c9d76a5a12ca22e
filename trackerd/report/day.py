"""One day: where each warden was, on duty from when to when, when unheard, how far.

What must stay true here: wardens are told by pseudonym and in the order of it, never ranked; a silence is told only of
a time on duty, off a break, that is over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from geofence.calendar import Window
from geofence.model import SECOND, Fixes, TeamId, WardenId
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
    distance_m: float
    visits: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """One team's day: sums over its wardens."""

    team: TeamId | None
    wardens: int
    duty_s: float
    silence_s: float
    distance_m: float
    visits: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the town's calendar."""

    date: date
    turns: tuple[Turn, ...]
    crews: tuple[Crew, ...]


def day(record: Record, on: date) -> Day:
    """Return what is known of a day. Raises ReportFault, StoreError."""
    window = record.past(record.day(on))
    tracks: dict[WardenId, list[Fixes]] = defaultdict(list)
    for seen in record.store.seen(*window):
        tracks[seen.warden or WardenId(seen.fixes.devices[0])].append(seen.fixes)
    visits: dict[WardenId, list[Kept]] = defaultdict(list)
    for kept in record.store.visits(*window):
        visits[kept.warden or WardenId(kept.visit.device)].append(kept)
    duties = {warden: union(*held.values()) for warden, held in record.roster.duties_within(window).items()}
    wardens = sorted(tracks.keys() | visits.keys() | duties.keys())
    turns = tuple(_turn(record, who, duties.get(who), tracks[who], visits[who], window) for who in wardens)
    return Day(on, turns, _crews(turns))


def _turn(
    record: Record, warden: WardenId, duty: Spans | None, tracks: list[Fixes], visits: list[Kept], window: Window
) -> Turn:
    silence_s = record.rules.silence_s
    spoke = heard([fixes.time for fixes in tracks], silence_s)
    held = duty if duty is not None else ((spoke[0][0], spoke[-1][1]),) if spoke else ()
    silent = tuple((a, b) for a, b in without(clip(held, *window), spoke) if b - a > silence_s * SECOND)
    team = record.roster.team(warden) or next((kept.team for kept in visits if kept.team), None)
    return Turn(warden, team, held, silent, walked_m(tracks, silence_s), tuple(visits))


def _crews(turns: tuple[Turn, ...]) -> tuple[Crew, ...]:
    teams: dict[TeamId | None, list[Turn]] = defaultdict(list)
    for turn in turns:
        teams[turn.team].append(turn)
    return tuple(
        Crew(
            team, len(of), sum(length(one.duty) for one in of) / SECOND,
            sum(length(one.silences) for one in of) / SECOND, sum(one.distance_m for one in of),
            sum(len(one.visits) for one in of),
        )
        for team, of in sorted(teams.items(), key=lambda item: item[0] or "")
    )  # fmt: skip
