"""What is owed on a day, what became of it, and what can still be met."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from functools import cache, partial

from geofence.calendar import Window
from geofence.model import SECOND, Micros, RequirementId, VerdictId
from geofence.verdict import Case
from geofence.wire import moment
from trackerd.report.record import Record
from trackerd.store import Docketed, Kept, Waiver
from trackerd.web import said
from trackerd.web.models import day as models
from trackerd.web.room import Room

JUST_US = 120 * SECOND
"""What ended so lately may not be on the docket yet."""


def owed(room: Room, record: Record, on: date) -> list[tuple[Case, Docketed | None]]:
    """Return what is owed in windows that begin on a day, in order of closing, with what the record has of it."""
    window, town = record.day(on), room.picture.town
    known: dict[VerdictId, Docketed] = {
        one.case.id: one for one in record.store.docket(*window) if said.inside(one.case.window, *window)
    }
    found: dict[VerdictId, tuple[Case, Docketed | None]] = {
        id_: (one.case, one) for id_, one in known.items() if one.verdict is not None or not one.closed
    }
    for case in town.plan.cases(town.zones, on, on) if window.end > record.now - JUST_US else ():
        if case.id not in known and case.window.end > record.now - JUST_US:
            found[case.id] = case, room.picture.open.get(case.id)
    return sorted(
        found.values(), key=lambda one: (one[0].window.end, one[0].window.start, one[0].requirement, one[0].zone)
    )


def board(room: Room, record: Record, on: date) -> models.PlanBoard:
    """Return the board of a day."""
    cases = owed(room, record, on)
    window = record.day(on)
    waivers = {one[:3]: one for one in record.store.waivers(*window)}
    visits: dict[str, list[Kept]] = defaultdict(list)
    for one in record.store.visits(window.start, min(window.end, record.now)) if window.start < record.now else ():
        visits[one.visit.zone].append(one)
    able = cache(partial(_able, room, record))  # the same for all zones of a requirement
    shown = [
        _case(room, record, case, kept, waivers.get((case.requirement, case.zone, case.window.start)),
              able(case.requirement, case.window, case.terms.dwell_s), visits[case.zone])
        for case, kept in cases
    ]  # fmt: skip
    counts = Counter(one.state for one in shown)
    return models.PlanBoard(date=on.isoformat(), at=moment(record.now), cases=shown, counts=dict(counts))


def _case(
    room: Room, record: Record, case: Case, kept: Docketed | None, waiver: Waiver | None, able: dict[str, float],
    visits: Iterable[Kept],
) -> models.PlanCase:  # fmt: skip
    names = room.picture.town.zones.by_id
    name = names[case.zone].name if case.zone in names else ""
    fields = said.window_fields(case, kept, record.now)
    pending = fields["state"] in ("open", "due", "coming")
    if waiver is not None and pending:
        fields |= {"state": "excused", "reason": waiver.reason}
    left = (case.window.end - record.now) / SECOND
    told = None
    if waiver is not None:
        told = models.Waiver(reason=waiver.reason or "", by=waiver.by, at=moment(waiver.at))
    return models.PlanCase.model_validate({
        **fields, "zone_name": name or case.zone, "by": _by(room, case), "on_duty": sorted(able), "waived": told,
        "waivable": room.inbox is not None,
        "can_be_met": _can(record, case, able, visits) if pending and left > 0 else None,
        "left_s": round(left) if pending and left > 0 and case.window.start <= record.now else None,
    })  # fmt: skip


def _by(room: Room, case: Case) -> list[str]:
    return list(next((one.by for one in room.picture.town.plan.requirements if one.id == case.requirement), ()))


def _able(room: Room, record: Record, requirement: RequirementId, window: Window, dwell_s: float) -> dict[str, float]:
    """Return who may do it and how many seconds of duty they have left in the window, long enough for one visit."""
    asked = next((one for one in room.picture.town.plan.requirements if one.id == requirement), None)
    left = Window(Micros(max(window.start, min(record.now, window.end - 1))), window.end)
    found = {}
    for warden, devices in record.roster.duties_within(left).items() if asked is not None else ():
        longest = max((b - a for spans in devices.values() for a, b in spans), default=0) / SECOND
        if asked.asks(warden, record.roster.team(warden)) and longest >= dwell_s:  # type: ignore[union-attr]
            found[str(warden)] = longest
    return found


def _can(record: Record, case: Case, able: dict[str, float], visits: Iterable[Kept]) -> bool:
    """Return whether the time left is enough for the visits that are missing; ``visits``: those to its zone."""
    terms = case.terms
    if record.roster.everyone and not record.roster.duties:
        able = {"anyone": (case.window.end - record.now) / SECOND}
    counting = [
        one for one in visits
        if one.visit.seconds >= terms.dwell_s
        and one.visit.began < case.window.end and (one.visit.ended or record.now) > case.window.start
    ]  # fmt: skip
    missing = max(1, terms.visits - len(counting) // terms.together)
    needed = missing * terms.dwell_s + (missing - 1) * terms.spacing_s
    left = (case.window.end - max(record.now, case.window.start)) / SECOND
    return left >= needed and len(able) >= terms.together
