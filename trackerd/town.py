"""The town as the daemon needs it: its zones and its roster, made from the files the configuration names.

What must stay true here: a town is made whole or not at all, with every fault of every file told at once; it is
immutable, so a reload makes a new one and the old one serves until that stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from geofence.calendar import Hours, Window
from geofence.faults import Fault
from geofence.geojson import read
from geofence.ledger import Terms
from geofence.model import DeviceId, RequirementId, TeamId, WardenId, to_micros
from geofence.plan import Duty, Plan, Roster
from geofence.plan import Requirement as Asked
from geofence.zones import Zone, ZoneSet
from trackerd.config import WEEK, DutySection, PlanFile, Requirement, Settings
from trackerd.load import read_toml

PRIVATE = "private"
"""The kind of the zones in which nobody is seen."""


@dataclass(frozen=True)
class Town:
    """What is judged, and who may be seen."""

    zones: ZoneSet = field(default_factory=ZoneSet)
    roster: Roster = field(default_factory=lambda: Roster(everyone=True))
    plan: Plan = field(default_factory=Plan)
    enrolled: frozenset[DeviceId] = frozenset()
    """The devices that are known; empty: every device is."""
    topics: tuple[tuple[str, DeviceId], ...] = ()
    """MQTT topics bound to a device by configuration."""
    private: tuple[Zone, ...] = ()
    """Of whoever is or may be in one nothing is kept; they are not among ``zones``, for nothing is judged there."""


def build(settings: Settings, path: Path, *, keep_all: bool = False) -> tuple[Town | None, list[Fault]]:
    """Make the town of a configuration read from ``path``; None where a file of it has faults.

    ``keep_all``: with no duty at all every device counts as on duty (replay); else only ``require_duty = false``
    does that.
    """
    zone = ZoneInfo(settings.site.timezone)
    zones, faults = read_zones([path.parent / section.file for section in settings.zones], zone)
    duties, requirements = list(settings.duty), list(settings.requirement)
    if settings.plan.file is not None:
        plan, found = read_toml(path.parent / settings.plan.file, PlanFile)
        faults += found
        if plan is not None:
            duties += plan.duty
            requirements += plan.requirement
    private = tuple(zone for zone in zones if zone.kind == PRIVATE)
    zones = [zone for zone in zones if zone.kind != PRIVATE]
    faults += _check_plan(settings, path, zones, requirements, duties)
    if any(not fault.warning for fault in faults):
        return None, faults
    everyone = not duties if keep_all else not settings.privacy.require_duty
    teams = {WardenId(warden.id): TeamId(warden.team) for warden in settings.warden if warden.team}
    roster = Roster(tuple(_duty(duty, zone) for duty in duties), zone, teams, everyone)
    owed = Plan(tuple(_requirement(one) for one in requirements), zone)
    topics = tuple((device.topic, DeviceId(device.id)) for device in settings.device if device.topic)
    enrolled = frozenset(DeviceId(device.id) for device in settings.device)
    return Town(ZoneSet(zones), roster, owed, enrolled, topics, private), faults


def read_zones(paths: Iterable[Path], zone: ZoneInfo) -> tuple[list[Zone], list[Fault]]:
    """Read files of zones; an id may stand in one of them only."""
    zones: dict[str, Zone] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            faults.append(Fault(str(path), "", f"cannot be read: {error.strerror}", "check the name and the rights"))
            continue
        found, told = read(data, str(path), zone)
        faults += told
        for one in found:
            if one.id in zones:
                faults.append(Fault(str(path), one.id, "the id stands in another file too", "give it its own"))
            zones.setdefault(one.id, one)
    return list(zones.values()), faults


def _duty(section: DutySection, zone: ZoneInfo) -> Duty:
    when: Hours | Window
    if section.start is not None and section.end is not None:
        when = Window(to_micros(_aware(section.start, zone)), to_micros(_aware(section.end, zone)))
    else:
        assert section.start_hour is not None
        assert section.end_hour is not None
        days = frozenset(WEEK.index(day) for day in section.days)
        when = Hours(section.start_hour, section.end_hour, days, section.valid_from, section.valid_to)
    return Duty(WardenId(section.warden), DeviceId(section.device), when)


def _requirement(section: Requirement) -> Asked:
    days = frozenset(WEEK.index(day) for day in section.days)
    hours = Hours(section.start, section.end, days, section.valid_from, section.valid_to)
    terms = Terms(section.visits, section.dwell, section.spacing, section.together, section.grace)
    by = (section.by,) if isinstance(section.by, str) else section.by
    return Asked(RequirementId(section.id), hours, terms, section.zones, section.kinds, by)


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _check_plan(
    settings: Settings, path: Path, zones: Sequence[Zone], requirements: list[Requirement], duties: list[DutySection]
) -> list[Fault]:
    """Find what no single table shows: names that fit nothing, names given twice."""
    file = str(path.parent / settings.plan.file) if settings.plan.file else str(path)
    faults: list[Fault] = []
    devices, wardens = {one.id for one in settings.device}, {one.id for one in settings.warden}
    for number, duty in enumerate(duties, 1):
        where = f"duty[{number}]"
        if devices and duty.device not in devices:
            faults.append(Fault(file, f"{where}.device", f"no [[device]] has the id {duty.device!r}", "enrol it"))
        if wardens and duty.warden not in wardens:
            faults.append(Fault(file, f"{where}.warden", f"no [[warden]] has the id {duty.warden!r}", "write it"))
    for requirement in requirements:
        for pattern in requirement.zones:
            if not any(fnmatchcase(zone.id, pattern) for zone in zones):
                where = f"requirement {requirement.id}.zones"
                faults.append(Fault(file, where, f"no zone fits {pattern!r}", "check the ids of the zones"))
    for what, ids in (
        ("requirement", [one.id for one in requirements]), ("device", [one.id for one in settings.device]),
        ("warden", [one.id for one in settings.warden]), ("source", [one.name for one in settings.source if one.name]),
        ("notify", [one.name for one in settings.notify]),
    ):  # fmt: skip
        twice = sorted({one for one in ids if ids.count(one) > 1})
        faults += [Fault(str(path), what, f"the id {one!r} is used twice", "give each its own") for one in twice]
    return faults
