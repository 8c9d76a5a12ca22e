"""One day, exact tracks, the plan; waivers and breaks.

What must stay true here: exact tracks are told only once it is on disk who asks, about whom, and why.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from geofence.model import SECOND, RequirementId, ZoneId, to_datetime
from geofence.spans import clip
from geofence.wire import moment
from trackerd.breaks import Breaks, extent
from trackerd.orders import Rest, Resume, Waive
from trackerd.report import day as days
from trackerd.store import Asking
from trackerd.web import planning, said
from trackerd.web.access import Caller, Needs, Sees, SeesOrOwn, room_of
from trackerd.web.models.day import (
    BreakAsked,
    DayAnswer,
    DayWarden,
    DayZone,
    Done,
    PlanBoard,
    Track,
    Tracks,
    WaiverAsked,
)
from trackerd.web.models.words import Purpose
from trackerd.web.problem import ProblemError, described
from trackerd.web.room import Room

router = APIRouter(tags=["day and plan"])
DayAsked = Annotated[
    str | None, Query(max_length=10, description="As 2026-05-04; else today.", examples=["2026-05-04"])
]
ORDERED: dict[int | str, dict[str, Any]] = {202: {"model": Done, "description": "Kept; it will be carried out."}}


@router.get("/api/day", summary="A day", responses=described(401, 403, 422, 503))
def day(request: Request, who: SeesOrOwn, date: DayAsked = None) -> DayAnswer:
    """Say who was where on a day, what was silent, and what became of each window."""
    room = room_of(request)
    with room.readers.lend() as store:
        record = room.record(store)
        on = said.asked_day(date, record.local(record.now).date())
        window = record.day(on)
        turns = days.day(record, on).turns if _known(record.store.since(), window, record.now) else ()
        breaks = Breaks(store.breaks()).spans()
        cases = planning.owed(room, record, on)
        names = room.names(store)
    turns = tuple(one for one in turns if who.sees(one.warden))
    wardens = [
        DayWarden(
            warden=one.warden, team=one.team, duty=said.stretches(one.duty), gaps=said.stretches(one.silences),
            breaks=said.stretches(clip(breaks.get(one.warden, ()), *window)), distance_m=one.distance_m,
            visits=[said.visit(kept) for kept in one.visits],
        )
        for one in turns
    ]  # fmt: skip
    windows, visits = defaultdict(list), defaultdict(list)
    for case, kept in cases:
        windows[case.zone].append(said.window(case, kept, record.now, who.own))
    for one in wardens:
        for visit in one.visits:
            visits[ZoneId(visit.zone)].append(visit)
    zones = [
        DayZone(zone=zone, name=names.get(zone, zone), windows=windows[zone],
                visits=sorted(visits[zone], key=lambda one: one.began))
        for zone in sorted({*windows, *visits}, key=lambda zone: names.get(zone, zone))
    ]  # fmt: skip
    return DayAnswer(
        date=on.isoformat(), start=moment(window.start), end=moment(window.end),
        until=moment(max(window.start, min(window.end, record.now))), wardens=wardens, zones=zones,
    )  # fmt: skip


@router.get("/api/day/tracks", summary="Exact tracks", responses=described(401, 403, 422, 503))
def tracks(
    request: Request, who: Annotated[Caller, Depends(Needs("tracks", "own"))], purpose: Annotated[Purpose, Query()],
    date: DayAsked = None, warden: Annotated[str | None, Query(max_length=64, description="Else everybody.")] = None,
) -> Tracks:  # fmt: skip
    """Say where wardens went on a day, to the metre. Who asks about whom and why is kept, and can be read by them."""
    if not who.sees(warden or who.own):
        raise ProblemError(403, "a warden sees their own data")
    room, about = room_of(request), warden or who.own
    with room.readers.lend() as store:
        record = room.record(store)
        on = said.asked_day(date, record.local(record.now).date())
        window = record.day(on)
        found = [one for one in store.visits(*window) if one.warden] if about is None else []
        wardens = {about} if about is not None else {
            *(str(duty) for duty in record.roster.duties_within(window)), *(str(one.warden) for one in found),
        }  # fmt: skip
        looked = _looked(room, who.name, sorted(wardens), window, purpose)
        seen = store.seen(*window)
    items = [
        Track(
            warden=one.warden, device=one.fixes.devices[0], time=[moment(at) for at in one.fixes.time.tolist()],
            lon=[round(lon, 6) for lon in one.fixes.lon.tolist()],
            lat=[round(lat, 6) for lat in one.fixes.lat.tolist()],
            accuracy_m=[None if m != m else round(m, 1) for m in one.fixes.accuracy_m.tolist()],  # noqa: PLR0124 - NaN
        )
        for one in seen
        if len(one.fixes) and (one.warden or one.fixes.devices[0]) in wardens
    ]  # fmt: skip
    return Tracks(date=on.isoformat(), items=items, looked=moment(looked))


@router.get("/api/plan", summary="The board of a day", responses=described(401, 403, 422, 503))
def plan(request: Request, _: Sees, date: DayAsked = None) -> PlanBoard:
    """Return each window of a day: owed, met, due, skipped, unproven, excused; and whether it can still be met."""
    room = room_of(request)
    with room.readers.lend() as store:
        record = room.record(store)
        return planning.board(room, record, said.asked_day(date, record.local(record.now).date()))


@router.post("/api/waivers", summary="Waive a window", status_code=200,
             responses={**ORDERED, **described(401, 403, 404, 409, 422, 503)})  # fmt: skip
def waive(
    request: Request, response: Response, who: Annotated[Caller, Depends(Needs("waive"))], asked: WaiverAsked
) -> Done:
    """Say why one window of one zone need not be met; its verdict becomes excused."""
    room = room_of(request)
    order = _waiver(room, asked.requirement, asked.zone, asked.start, asked.reason, who)
    return _done(response, room.order(order))


@router.delete(
    "/api/waivers", summary="Undo a waiver", responses={**ORDERED, **described(401, 403, 404, 409, 422, 503)}
)
def unwaive(
    request: Request, response: Response, who: Annotated[Caller, Depends(Needs("waive"))],
    requirement: Annotated[str, Query(max_length=64)], zone: Annotated[str, Query(max_length=64)],
    start: Annotated[str, Query(max_length=40, description="Of the window.", examples=["2026-05-04T06:00:00Z"])],
) -> Done:  # fmt: skip
    """Say that a window must be met after all."""
    room = room_of(request)
    return _done(response, room.order(_waiver(room, requirement, zone, start, None, who)))


@router.post("/api/breaks", summary="Begin a break", responses={**ORDERED, **described(401, 403, 409, 422, 503)})
def rest(
    request: Request, response: Response, who: Annotated[Caller, Depends(Needs("break", "own"))], asked: BreakAsked
) -> Done:
    """Say that a warden is on a break: what is measured in it is not kept, and what is kept of it is erased."""
    room = room_of(request)
    _own(who, asked.warden)
    start = room.now() if asked.start is None else said.asked_moment(asked.start, "start")
    until = None if asked.until is None else said.asked_moment(asked.until, "until")
    _warden(room, asked.warden)
    if extent(room.picture.town.roster, asked.warden, start, until) is None:  # type: ignore[arg-type]
        raise ProblemError(422, "until is not after start" if until else f"{asked.warden} is not on duty then")
    return _done(response, room.order(Rest(asked.warden, start, until, who.name)))


@router.delete("/api/breaks", summary="End a break", responses={**ORDERED, **described(401, 403, 409, 422, 503)})
def resume(
    request: Request, response: Response, who: Annotated[Caller, Depends(Needs("break", "own"))],
    warden: Annotated[str, Query(max_length=64)],
) -> Done:  # fmt: skip
    """Say that a warden is back."""
    room = room_of(request)
    _own(who, warden)
    _warden(room, warden)
    return _done(response, room.order(Resume(warden, room.now())))


def _known(since: int | None, window: tuple[int, int], now: int) -> bool:
    return since is not None and since < window[1] and window[0] < now


def _looked(room: Room, by: str, wardens: list[str], window: tuple[int, int], purpose: str) -> int:
    """Write that somebody looks, once for each whom it is about."""
    at = room.now()
    with room.readers.beside() as store:
        for warden in wardens:
            store.ask(Asking(at, by, "tracks", warden, window[0], window[1], purpose))  # type: ignore[arg-type]
    return at


def _waiver(room: Room, requirement: str, zone: str, start: str, reason: str | None, who: Caller) -> Waive:
    """Return the order, for a window there is. Raises ProblemError."""
    at, town = said.asked_moment(start, "start"), room.picture.town
    on = said.asked_day(to_datetime(at).astimezone(room.zone).date().isoformat(), to_datetime(at).date())
    key = (RequirementId(requirement), ZoneId(zone), at)
    if not any(key == (one.requirement, one.zone, one.window.start) for one in town.plan.cases(town.zones, on, on)):
        with room.readers.lend() as store:
            kept = [one.case for one in store.docket(at, at + SECOND, ZoneId(zone))]
        if not any(key == (one.requirement, one.zone, one.window.start) for one in kept):
            raise ProblemError(404, "there is no such window")
    return Waive(requirement, zone, at, reason, who.name, room.now())


def _warden(room: Room, warden: str) -> None:
    town = room.picture.town
    known = {str(duty.warden) for duty in town.roster.duties} | {one.id for one in room.settings.warden}
    if warden not in known and not (town.roster.everyone and warden in {one.id for one in room.settings.device}):
        raise ProblemError(422, "there is no such warden")


def _own(who: Caller, warden: str) -> None:
    if not who.sees(warden):
        raise ProblemError(403, "a warden speaks for themself")


def _done(response: Response, state: str) -> Done:
    if state != "done":
        response.status_code = 202
    return Done(state=state)  # type: ignore[arg-type]
