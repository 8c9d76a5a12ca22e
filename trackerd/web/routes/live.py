"""What is so now, the stream, and the events of the record."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import StreamingResponse

from geofence.model import WardenId, ZoneId
from trackerd.store import Entry, Wanted
from trackerd.web.access import Caller, Needs, SeesOrOwn, room_of
from trackerd.web.book import Ack
from trackerd.web.feed import Feed
from trackerd.web.history import told
from trackerd.web.live import whole
from trackerd.web.models.health import AcknowledgeAsked
from trackerd.web.models.live import Acknowledgement, Events, Live, RecordEvent
from trackerd.web.problem import ProblemError, described

router = APIRouter(tags=["live"])
MOST = 2**62


@router.get("/api/live", summary="Everything as it is now", responses=described(401, 403, 503))
def live(request: Request, who: SeesOrOwn) -> Live:
    """Say who is where and how each zone stands. The stream goes on from its ``seq``."""
    room = room_of(request)
    feed: Feed = request.app.state.feed
    return whole(room.picture, feed.seq, room.demo is not None, who.own)


@router.get(
    "/api/stream", summary="What happens, as it happens", response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
               **described(401, 403, 422, 429)},
)  # fmt: skip
async def stream(
    request: Request, who: SeesOrOwn,
    after: Annotated[int | None, Query(ge=0, le=MOST, description="Begin after this event.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:  # fmt: skip
    """Send server-sent events, each with the record's ``seq`` as its id, so that a browser resumes where it was.

    ``cloudevent``: a RecordEvent. ``live``: a Live, first whole, then what has changed. ``acknowledged``: a
    RecordEvent's id and its acknowledgement. ``missed``: too much happened meanwhile: read /api/events.
    """
    feed: Feed = request.app.state.feed
    begin = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else after
    feed.check(who)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(feed.listen(request, who, begin), media_type="text/event-stream", headers=headers)


@router.get("/api/events", summary="Events of the record", responses=described(401, 403, 422, 503))
def events(
    request: Request, who: SeesOrOwn,
    after: Annotated[int, Query(ge=0, le=MOST, description="Those recorded after this `seq`.")] = 0,
    before: Annotated[int | None, Query(ge=0, le=MOST, description="Newest first, those before this `seq`.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    type: Annotated[list[str] | None, Query(max_length=20, description="With or without `trackerd.`", examples=[["zone.skip"]])] = None,  # noqa: A002, E501
    zone: Annotated[str | None, Query(max_length=64)] = None,
    warden: Annotated[str | None, Query(max_length=64)] = None,
) -> Events:  # fmt: skip
    """Return events in the order they were recorded; with ``before``, the newest first."""
    if not who.sees(warden or who.own):
        raise ProblemError(403, "a warden sees their own data")
    types = tuple(one if one.startswith("trackerd.") else f"trackerd.{one}" for one in type or ())
    about = warden or who.own
    wanted = Wanted(
        types, ZoneId(zone) if zone else None, WardenId(about) if about is not None else None, before is not None
    )
    room = room_of(request)
    with room.readers.lend() as store:
        found = store.history(after if before is None else before, limit, wanted)
    items = told([one for one in found if one.told.body], room.book)
    return Events(items=items, next=found[-1].seq if len(found) == limit else None)


@router.post(
    "/api/events/{id}/acknowledgement", summary="See to an event", responses=described(401, 403, 404, 422, 503)
)
async def acknowledge(
    request: Request, who: Annotated[Caller, Depends(Needs("acknowledge"))],
    id: Annotated[str, Path(max_length=64)], asked: AcknowledgeAsked,  # noqa: A002
) -> Acknowledgement:  # fmt: skip
    """Note that somebody has seen to it; who was first stays. Every page is told."""
    room = room_of(request)
    feed: Feed = request.app.state.feed

    def note() -> RecordEvent:
        with room.readers.lend() as store:
            event = store.event(id)
        if event is None:
            raise ProblemError(404, "there is no such event")
        room.book.acknowledge(id, Ack(who.name, room.now(), asked.note), room.settings.retention.events)
        return told([Entry(0, event, stands=True)], room.book)[0]

    found = await asyncio.to_thread(note)
    assert found.acknowledged is not None
    feed.acknowledged(id, found.event.get("data", {}).get("warden"), found.acknowledged)
    return found.acknowledged
