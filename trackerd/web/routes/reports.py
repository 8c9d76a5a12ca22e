"""Reports, by the same functions as the command line; and who looked at what."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from geofence.model import Micros
from geofence.wire import moment
from trackerd.report import day as days
from trackerd.report import place as places
from trackerd.report import plan as plans
from trackerd.report import zone as zones
from trackerd.report.formats import CsvWishes, as_csv, as_json, chosen
from trackerd.report.page import Page
from trackerd.report.pages import day_page, plan_page, zone_page
from trackerd.report.place_page import place_page
from trackerd.report.record import Record, ReportFault
from trackerd.report.speech import Speech
from trackerd.report_words import period_of, zone_of
from trackerd.store import Asking, Store
from trackerd.web import said
from trackerd.web.access import Caller, Needs, Sees, room_of
from trackerd.web.models.health import Look, Looks
from trackerd.web.models.session import PlaceAsked
from trackerd.web.problem import ProblemError, described
from trackerd.web.room import Room

router = APIRouter(tags=["reports"])
Format = Literal["json", "csv", "xlsx", "html"]
TYPES = {
    "json": "application/json", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
CONTENT: dict[int | str, dict[str, Any]] = {200: {"description": "The report.", "content": {
    "application/json": {"schema": {"type": "object"}}, "text/csv": {"schema": {"type": "string"}},
    "text/html": {"schema": {"type": "string"}}, TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
}}}  # fmt: skip
PAPER = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-modals; frame-ancestors 'self'"
"""A report is a page by itself, without scripts, with its style inside."""
ERRORS = {**CONTENT, **described(401, 403, 404, 422, 503)}
DayAsked = Annotated[str | None, Query(alias="date", max_length=10, examples=["2026-05-04"])]
From = Annotated[
    str | None, Query(alias="from", max_length=40, description="The first day, or a time.", examples=["2026-05-01"])
]
To = Annotated[
    str | None, Query(max_length=40, description="The last day, the whole of it, or a time.", examples=["2026-05-31"])
]
_weighing = threading.BoundedSemaphore(1)


class Wishes:
    """How a report is wanted."""

    def __init__(
        self, format: Annotated[Format, Query()] = "json",  # noqa: A002
        lang: Annotated[Literal["nl", "fr", "de", "en"] | None, Query(description="Else the site's first.")] = None,
        table: Annotated[str | None, Query(max_length=40, description="Which table goes into a CSV.")] = None,
        semicolon: Annotated[bool, Query(description="CSV for Excel in Belgium.")] = False,
        bom: Annotated[bool, Query(description="CSV by which Excel knows UTF-8.")] = False,
    ) -> None:  # fmt: skip
        self.format, self.lang, self.table, self.semicolon, self.bom = format, lang, table, semicolon, bom

    def speech(self, room: Room) -> Speech:
        """Return the language."""
        return Speech(self.lang or room.settings.site.languages[0], room.zone)


Wished = Annotated[Wishes, Depends()]


@router.get("/api/reports/day", summary="Report of a day", responses=ERRORS)
def report_day(request: Request, _: Sees, wishes: Wished, date: DayAsked = None) -> Response:
    """Return where each warden was on a day; duty, silences and distance, by warden and team."""
    room = room_of(request)
    with room.readers.lend() as store:
        record = room.record(store)
        on = said.asked_day(date, record.local(record.now).date())
        page = day_page(days.day(record, on), room.names(store), wishes.speech(room))
    return _answer(page, wishes, record)


@router.get("/api/reports/zone", summary="Report of a zone", responses=ERRORS)
def report_zone(
    request: Request,
    _: Sees,
    wishes: Wished,
    zone: Annotated[str, Query(max_length=256)],
    from_: From = None,
    to: To = None,
) -> Response:
    """Return every visit to a zone and every verdict, and how long nobody came; of four weeks, if not said."""
    room = room_of(request)
    with room.readers.lend() as store:
        record, names = room.record(store), room.names(store)
        history = zones.zone(record, zone_of(zone, names), period_of(record, from_, to))
        page = zone_page(history, names, wishes.speech(room))
    return _answer(page, wishes, record)


@router.get("/api/reports/plan", summary="Report of the plan", responses=ERRORS)
def report_plan(request: Request, _: Sees, wishes: Wished, from_: From = None, to: To = None) -> Response:
    """Return what was owed and what became of it, by requirement and week; of four weeks, if not said."""
    room = room_of(request)
    with room.readers.lend() as store:
        record = room.record(store)
        page = plan_page(plans.plan(record, period_of(record, from_, to)), wishes.speech(room))
    return _answer(page, wishes, record)


@router.post("/api/reports/place", summary="Report of a place", responses=ERRORS)
def report_place(
    request: Request, who: Annotated[Caller, Depends(Needs("place"))], wishes: Wished, asked: PlaceAsked
) -> Response:
    """Return who was at a place, certainly, probably or possibly. Who asks, when and why is kept in the access log.

    It is a POST so that no place stands in an address, which proxies and browsers keep.
    """
    room = room_of(request)
    with room.readers.lend() as store, room.readers.beside() as log:
        record = room.record(_Logging(store, log))  # type: ignore[arg-type]
        period = period_of(record, asked.from_, asked.to)
        if period.end - period.start > MOST_US:
            raise ProblemError(422, "ask about 31 days at most")
        found = places.place(record, places.Spot(asked.lon, asked.lat, asked.radius_m), period, who.name, asked.purpose)
        page = place_page(found, asked.purpose, wishes.speech(room))
    return _answer(page, wishes, record)


@router.get("/api/reports/capacity", summary="Can those on duty do it all?", responses=ERRORS)
def report_capacity(
    request: Request, _: Sees, date: DayAsked = None,
    detour: Annotated[float, Query(ge=1, le=3, description="How much longer the way is than the straight line.")] = 1.3,
) -> Response:  # fmt: skip
    """Say as JSON whether those on duty can do all that is owed on a day, and how many it takes. One at a time."""
    from trackerd.capacity_command import weighed  # noqa: PLC0415 - a solver comes with it

    room = room_of(request)
    if not _weighing.acquire(timeout=10):
        raise ProblemError(503, "somebody else is asking this; try again", headers={"Retry-After": "10"})
    try:
        with room.readers.lend() as store:
            record = room.record(store)
            on = said.asked_day(date, record.local(record.now).date())
            text = weighed(room.settings, room.picture.town, store, on, record.local(record.now).date(), detour)
    finally:
        _weighing.release()
    return Response(text, media_type=TYPES["json"])


@router.get("/api/looks", summary="Who looked at what", responses=described(401, 403, 422, 503))
def looks(
    request: Request, who: Annotated[Caller, Depends(Needs("looks", "own"))],
    before: Annotated[str | None, Query(max_length=40, description="Older than this.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Looks:  # fmt: skip
    """Return the access log, newest first: all of it, or for a warden what was asked about them and about places."""
    room = room_of(request)
    end = room.now() + 1 if before is None else said.asked_moment(before, "before")
    with room.readers.lend() as store:
        found = store.askings(0, end)
    mine = [one for one in found if who.own is None or one.about == who.own or one.question == "place"]
    items = [
        Look(at=moment(one.at), by=one.by, question=one.question, about=one.about, start=moment(one.start),
             end=moment(one.end), purpose=one.purpose)
        for one in mine[::-1][:limit]
    ]  # fmt: skip
    return Looks(items=items, next=items[-1].at if len(mine) > limit else None)


MOST_US = timedelta(days=31) // timedelta(microseconds=1)


class _Logging:
    """A store that is read by one connection and to which askings are written by another."""

    def __init__(self, store: Store, log: Store) -> None:
        self._store, self._log = store, log

    def ask(self, asking: Asking) -> None:
        """See Store."""
        self._log.ask(asking)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def _answer(page: Page, wishes: Wishes, record: Record) -> Response:
    name = f"trackerd-{page.key}-{record.local(record.now):%Y%m%d}.{wishes.format}"
    headers = {} if wishes.format in ("json", "html") else {"Content-Disposition": f'attachment; filename="{name}"'}
    if wishes.format == "html":
        headers["Content-Security-Policy"] = PAPER
    return Response(_written(page, wishes, record.now), headers=headers, media_type=TYPES[wishes.format])


def _written(page: Page, wishes: Wishes, now: Micros) -> bytes:
    if wishes.format == "xlsx":
        from trackerd.report.xlsx import as_xlsx  # noqa: PLC0415 - it takes most of a second to load

        return as_xlsx(page)
    if wishes.format == "html":
        from trackerd.report.html import as_html  # noqa: PLC0415

        return as_html(page, now).encode()
    if wishes.format == "json":
        return as_json(page).encode()
    table = chosen(page.tables, wishes.table)
    if table is None:
        raise ReportFault(f"there is no such table; there are {', '.join(one.key for one in page.tables)}")
    return as_csv(page, table, CsvWishes(wishes.semicolon, wishes.bom)).encode()
