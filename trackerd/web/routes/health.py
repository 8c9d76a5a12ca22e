"""How the installation does, and sending again what could not be told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from geofence.model import SECOND, DeviceId
from geofence.wire import moment
from trackerd import __version__
from trackerd.board import Picture
from trackerd.store import StoreError, Tally
from trackerd.web.access import Caller, Needs, Sees, room_of
from trackerd.web.feed import Feed
from trackerd.web.models.health import DeadLetter, Device, Health, ResendAsked, Resent, Route, Source, StoreHealth
from trackerd.web.problem import described
from trackerd.web.room import Room
from trackerd.web.said import when

router = APIRouter(tags=["health"])
DEAD = 200


@router.get("/api/health", summary="How everything does", responses=described(401, 403, 503))
def health(request: Request, _: Sees) -> Health:
    """Say how devices, sources, receivers and the record do."""
    room = room_of(request)
    feed: Feed = request.app.state.feed
    picture, away = room.picture, room.picture.away
    tally, since, waiting, dead = Tally(), None, [], []
    try:
        with room.readers.lend() as store:
            tally, since, waiting, dead = store.tally(), store.since(), store.waiting(), store.dead(DEAD)
    except StoreError as error:
        away = away or str(error)
    return Health(
        at=moment(picture.at), version=__version__, started=room.started.isoformat().replace("+00:00", "Z"),
        devices=_devices(picture),
        sources=[
            Source(name=one.name, kind=kind, connected=one.status.connected, state=one.status.detail,
                   since=one.status.since.isoformat().replace("+00:00", "Z"))
            for one, kind in ((source, _kind(room, source.name)) for source in room.sources)
        ],
        routes=[
            Route(route=one.route, untold=one.untold, dead=one.dead, oldest=when(one.oldest), tries=one.tries,
                  next=when(one.next), error=one.error)
            for one in waiting
        ],
        dead=[
            DeadLetter(route=one.route, seq=one.seq, id=one.event.id, type=one.event.type, time=moment(one.event.time),
                       error=one.trouble.error if one.trouble else "", tries=one.trouble.tries if one.trouble else 0,
                       since=when(one.trouble.since if one.trouble else None))
            for one in dead
        ],
        store=StoreHealth(kind=room.settings.store.url.partition(":")[0], away=away, fixes=tally.fixes,
                          visits=tally.visits, events=tally.events, refusals=tally.refusals, since=when(since)),
        counts={key: value for key, value in vars(picture.counts).items() if type(value) is int},
        streams=feed.listeners,
    )  # fmt: skip


@router.post("/api/health/resend", summary="Send again", responses=described(401, 403, 422, 503))
def resend(request: Request, _: Annotated[Caller, Depends(Needs("resend"))], asked: ResendAsked) -> Resent:
    """Let what was set aside wait again, as if never tried."""
    with room_of(request).readers.beside() as store:
        return Resent(letters=store.revive(asked.route))


def _devices(picture: Picture) -> list[Device]:
    town = picture.town
    known = {*town.enrolled, *(duty.device for duty in town.roster.duties), *picture.latest}
    return [_device(device, picture) for device in sorted(known)]


def _device(device: DeviceId, picture: Picture) -> Device:
    warden, last = picture.town.roster.holder(device, picture.at), picture.latest.get(device)
    if warden is None or last is None:
        return Device(device=device, on_duty=warden is not None, warden=warden)
    track = picture.tracks.get(device)
    offset = None if last.received is None else round((last.time - last.received) / SECOND, 1)
    return Device(
        device=device, warden=warden, on_duty=True, last_fix=moment(last.time),
        age_s=round((picture.at - last.time) / SECOND, 1), accuracy_m=last.accuracy_m, battery_pct=last.battery_pct,
        silent=track is not None and track.silent, clock_offset_s=offset,
    )  # fmt: skip


def _kind(room: Room, name: str) -> str:
    named = {section.name or f"{section.kind}-{n}": section.kind for n, section in enumerate(room.settings.source, 1)}
    return named.get(name, "")
