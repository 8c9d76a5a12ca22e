"""What no single table of the plan shows: names that fit nothing, what cannot be fulfilled, what contradicts itself.

What must stay true here: everything is told at once, each with the key at fault and the remedy; what may well be meant
is a warning and refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

from geofence.faults import Fault
from geofence.zones import Zone
from trackerd import clock
from trackerd.calendars import SCHOOL_SURE
from trackerd.config import DutySection, Requirement, Settings


def check_plan(
    settings: Settings, path: Path, file: Path, zones: Sequence[Zone], requirements: Sequence[Requirement],
    duties: Sequence[DutySection],
) -> list[Fault]:  # fmt: skip
    """Find every fault of plan and roster; ``file`` is where they stand."""
    faults = [*_duties(settings, str(file), duties), *_twice(settings, str(path), requirements)]
    teams = {one.id for one in settings.team} | {one.team for one in settings.warden if one.team}
    faults += _told(settings, str(path), zones, teams)
    wardens = {one.id for one in settings.warden} | {duty.warden for duty in duties}
    for one in requirements:
        for key, what, remedy, warning in (*_about(one, zones), *_by(one, teams, wardens), *_possible(one)):
            faults.append(Fault(str(file), f"requirement {one.id}.{key}", what, remedy, warning))
    return faults


def _told(settings: Settings, path: str, zones: Sequence[Zone], teams: set[str]) -> Iterator[Fault]:
    """Find what keeps a route silent for ever."""
    ids, kinds = {zone.id for zone in zones}, {zone.kind for zone in zones}
    for number, one in enumerate(settings.notify, 1):
        for key, patterns, known in (
            ("kinds", one.kinds, kinds),
            ("zones", one.zones, ids),
            ("teams", one.teams, teams),
        ):
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern) for name in known):
                    there = f"there are: {', '.join(sorted(known)) or 'none'}" if key != "zones" else "check the ids"
                    yield Fault(path, f"notify[{number}].{key}", f"nothing fits {pattern!r}", there, warning=True)


Found = Iterator[tuple[str, str, str, bool]]
"""Key, what is wrong, the remedy, and whether it is only a warning."""


def _about(one: Requirement, zones: Sequence[Zone]) -> Found:
    for pattern in one.zones:
        if not any(fnmatchcase(zone.id, pattern) for zone in zones):
            yield "zones", f"no zone fits {pattern!r}", "check the ids of the zones", False
    kinds = {zone.kind for zone in zones}
    for kind in one.kinds:
        if kind not in kinds:
            yield "kinds", f"no zone is of the kind {kind!r}", f"there are: {', '.join(sorted(kinds)) or 'none'}", True


def _by(one: Requirement, teams: set[str], wardens: set[str]) -> Found:
    for name in (one.by,) if isinstance(one.by, str) else one.by:
        if name.startswith("team:"):
            if name.removeprefix("team:") not in teams:
                yield (
                    "by",
                    f"there is no team {name.removeprefix('team:')!r}",
                    "write a [[team]], or [[warden]] team",
                    False,
                )
        elif name != "anyone" and wardens and name not in wardens:
            yield "by", f"there is no warden {name!r}", 'write "anyone", "team:ID" or the id of a [[warden]]', False
    named = [] if isinstance(one.by, str) else [name for name in one.by if not name.startswith("team:")]
    if named and len(named) == len(one.by) and one.together > len(named):
        yield "together", f"{one.together} at once, and only {len(named)} may do it", "name more wardens", False


def _possible(one: Requirement) -> Found:
    if one.calendar is not None:
        return
    hours = timedelta(hours=one.end.hour - one.start.hour, minutes=one.end.minute - one.start.minute)
    length = (hours if hours > timedelta() else hours + timedelta(days=1)).total_seconds()
    needed = one.visits * one.dwell + (one.visits - 1) * one.spacing
    if needed > length:
        yield (
            "dwell",
            "the visits and the time between them do not fit into the window",
            "ask for less, or longer",
            False,
        )
    if not one.days:
        yield "days", "names no day", "leave it out for every day", False
    if one.valid_from and one.valid_to and one.valid_to < one.valid_from:
        yield "valid_to", "lies before valid_from", "change one of them", False
    if one.school_holidays != "on" and clock.now().date() + timedelta(days=365) > SCHOOL_SURE:
        said = f"school holidays after {SCHOOL_SURE} are reckoned by rule, not decreed"
        yield "school_holidays", said, "install a newer trackerd", True


def _duties(settings: Settings, file: str, duties: Sequence[DutySection]) -> Iterator[Fault]:
    devices, wardens = {one.id for one in settings.device}, {one.id for one in settings.warden}
    for number, duty in enumerate(duties, 1):
        where = f"duty[{number}]"
        if devices and duty.device not in devices:
            yield Fault(file, f"{where}.device", f"no [[device]] has the id {duty.device!r}", "enrol it")
        if wardens and duty.warden not in wardens:
            yield Fault(file, f"{where}.warden", f"no [[warden]] has the id {duty.warden!r}", "write it")
    for (n, one), (m, other) in combinations(enumerate(duties, 1), 2):
        if one.device == other.device and one.warden != other.warden and _meet(one, other):
            said = f"{one.warden!r} and {other.warden!r} both carry {one.device!r} at the same time (duty[{n}])"
            yield Fault(file, f"duty[{m}]", said, "only one of them can: change hours or device")


def _meet(one: DutySection, other: DutySection) -> bool:
    """Return whether two weekly duties share an hour; single ones are compared with their like alone."""
    if one.start is not None and one.end is not None and other.start is not None and other.end is not None:
        return one.start.timestamp() < other.end.timestamp() and other.start.timestamp() < one.end.timestamp()
    if None in (one.start_hour, one.end_hour, other.start_hour, other.end_hour):
        return False
    if (one.valid_to or date.max) < (other.valid_from or date.min) or (other.valid_to or date.max) < (
        one.valid_from or date.min
    ):
        return False
    if one.end_hour <= one.start_hour or other.end_hour <= other.start_hour:  # type: ignore[operator]
        return False  # over midnight: too seldom to be worth the reckoning
    same_day = bool(set(one.days) & set(other.days))
    return same_day and one.start_hour < other.end_hour and other.start_hour < one.end_hour  # type: ignore[operator]


def _twice(settings: Settings, path: str, requirements: Sequence[Requirement]) -> Iterator[Fault]:
    for what, ids in (
        ("requirement", [one.id for one in requirements]), ("device", [one.id for one in settings.device]),
        ("warden", [one.id for one in settings.warden]), ("source", [one.name for one in settings.source if one.name]),
        ("notify", [one.name for one in settings.notify]),
    ):  # fmt: skip
        for one in sorted({one for one in ids if ids.count(one) > 1}):
            yield Fault(path, what, f"the id {one!r} is used twice", "give each its own")
