"""The town as the daemon needs it: its zones and its roster, made from the files the configuration names.

What must stay true here: a town is made whole or not at all, with every fault of every file told at once; it is
immutable, so a reload makes a new one and the old one serves until that stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from geofence.calendar import NONE_OFF, DaysOff, Hours, Window
from geofence.faults import Fault
from geofence.geojson import read
from geofence.model import DeviceId, RequirementId, TeamId, WardenId, to_micros
from geofence.plan import Duty, Plan, Roster
from geofence.plan import Requirement as Asked
from geofence.verdict import Terms
from geofence.zones import Zone, ZoneSet
from trackerd import clock
from trackerd.calendars import days_off, horizon, windows
from trackerd.config import WEEK, DutySection, PlanFile, Requirement, Settings
from trackerd.load import named, read_toml
from trackerd.plan_check import check_plan

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


def build(
    settings: Settings, path: Path, *, keep_all: bool = False, fresh: Mapping[Path, bytes] | None = None
) -> tuple[Town | None, list[Fault]]:
    """Make the town of a configuration read from ``path``; None where a file of it has faults.

    ``keep_all``: with no duty at all every device counts as on duty (replay); else only ``require_duty = false``
    does that. ``fresh``: files of zones to be read as if they held this.
    """
    zone = ZoneInfo(settings.site.timezone)
    zones, faults = read_zones([path.parent / section.file for section in settings.zones], zone, fresh or {})
    duties, requirements = list(settings.duty), list(settings.requirement)
    if settings.plan.file is not None:
        plan, found = read_toml(path.parent / settings.plan.file, PlanFile)
        faults += found
        if plan is not None:
            duties += plan.duty
            requirements += plan.requirement
    private = tuple(zone for zone in zones if zone.kind == PRIVATE)
    zones = [zone for zone in zones if zone.kind != PRIVATE]
    file = path.parent / settings.plan.file if settings.plan.file is not None else path
    asked, found = _asked(requirements, file.parent, settings.site.school_holidays, zone)
    faults += found + check_plan(settings, path, file, zones, requirements, duties)
    if any(not fault.warning for fault in faults):
        return None, faults
    everyone = not duties if keep_all else not settings.privacy.require_duty
    teams = {WardenId(warden.id): TeamId(warden.team) for warden in settings.warden if warden.team}
    roster = Roster(tuple(_duty(duty, zone) for duty in duties), zone, teams, everyone)
    owed = Plan(asked, zone)
    topics = tuple((device.topic, DeviceId(device.id)) for device in settings.device if device.topic)
    enrolled = frozenset(DeviceId(device.id) for device in settings.device)
    return Town(ZoneSet(zones), roster, owed, enrolled, topics, private), faults


def faults_beside(path: Path) -> list[Fault]:
    """Find what is wrong with the zones and the plan of a configuration that has faults itself."""
    zones, plan = named(path)
    faults = read_zones([path.parent / file for file in zones], ZoneInfo("UTC"))[1]
    return faults + (read_toml(path.parent / plan, PlanFile)[1] if plan is not None else [])


def read_zones(
    paths: Iterable[Path], zone: ZoneInfo, fresh: Mapping[Path, bytes] = MappingProxyType({})
) -> tuple[list[Zone], list[Fault]]:
    """Read files of zones; an id may stand in one of them only."""
    zones: dict[str, Zone] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            data = fresh[path] if path in fresh else path.read_bytes()
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


def _asked(
    sections: Iterable[Requirement], folder: Path, community: str, zone: ZoneInfo
) -> tuple[tuple[Asked, ...], list[Fault]]:
    """Make the requirements, with the days off and the calendar files of the years around today."""
    first, last = horizon(clock.now().astimezone(zone).date())
    asked: list[Asked] = []
    faults: list[Fault] = []
    for section in sections:
        when: Hours | tuple[Window, ...]
        if section.calendar is not None:
            when, found = windows(folder / section.calendar, zone, first, last)
            faults += found
        else:
            asks = (section.public_holidays, section.school_holidays) != ("on", "on")
            when = _hours(section, days_off(community, first.year, last.year) if asks else NONE_OFF)
        terms = Terms(section.visits, section.dwell, section.spacing, section.together, section.grace)
        by = (section.by,) if isinstance(section.by, str) else section.by
        asked.append(Asked(RequirementId(section.id), when, terms, section.zones, section.kinds, by))
    return tuple(asked), faults


def _hours(section: Requirement, off: DaysOff) -> Hours:
    days = frozenset(WEEK.index(day) for day in section.days)
    season = section.valid_from, section.valid_to
    return Hours(section.start, section.end, days, *season, section.public_holidays, section.school_holidays, off)


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
