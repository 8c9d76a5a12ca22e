"""What ``trackerd report`` does: from the words of a command line to a page, written as it was wished.

What must stay true here: see cli.py; all that is wrong with a question is told at once; a place is asked about only
where the asking can be kept.
"""

from __future__ import annotations

import difflib
import getpass
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer

from geofence.calendar import Window
from geofence.model import WardenId, ZoneId, to_micros
from trackerd import clock
from trackerd.assemble import rules, store_url
from trackerd.breaks import Breaks
from trackerd.cli import AWAY, FAULTS
from trackerd.commands import talk, the_town
from trackerd.report import day as days
from trackerd.report import person as persons
from trackerd.report import place as places
from trackerd.report import plan as plans
from trackerd.report import zone as zones
from trackerd.report.formats import CsvWishes, as_csv, as_json, chosen, terminal
from trackerd.report.page import Page
from trackerd.report.pages import day_page, plan_page, zone_page
from trackerd.report.person_page import person_page
from trackerd.report.place_page import askings_page, place_page
from trackerd.report.record import Record, ReportFault
from trackerd.report.speech import Speech
from trackerd.report_commands import Format, Language
from trackerd.store import Store, StoreError, open_store

USAGE = 2
WEEKS = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a report is wanted."""

    format: Format | None
    output: Path | None
    language: Language | None
    semicolon: bool
    bom: bool
    table: str | None

    @property
    def way(self) -> Format:
        """As wished, else as the output's name says, else a table."""
        suffix = self.output.suffix.lstrip(".").lower() if self.output is not None else ""
        return self.format or (Format(suffix) if suffix in list(Format) else Format.TABLE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``trackerd report place`` was asked."""

    lon: float
    lat: float
    radius: float
    from_: str
    to: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The record, the zones' names, the language."""

    record: Record
    names: dict[ZoneId, str]
    say: Speech


def day(config: Path, date_: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report day``."""

    def page(scene: Scene) -> Page:
        on = scene.record.local(scene.record.now).date() if date_ is None else _day(date_)
        return day_page(days.day(scene.record, on), scene.names, scene.say)

    _answer(config, wishes, page)


def zone(config: Path, name: str, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report zone``."""

    def page(scene: Scene) -> Page:
        id_, period = _zone(name, scene.names), _period(scene.record, from_, to)
        return zone_page(zones.zone(scene.record, id_, period), scene.names, scene.say)

    _answer(config, wishes, page)


def plan(config: Path, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report plan``."""
    _answer(
        config, wishes, lambda scene: plan_page(plans.plan(scene.record, _period(scene.record, from_, to)), scene.say)
    )


def place(config: Path, asked: Asked, wishes: Wishes) -> None:
    """Answer ``trackerd report place``."""

    def page(scene: Scene) -> Page:
        spot = places.Spot(asked.lon, asked.lat, asked.radius)
        period = _period(scene.record, asked.from_, asked.to)
        found = places.place(scene.record, spot, period, getpass.getuser(), asked.purpose)
        return place_page(found, asked.purpose, scene.say)

    _answer(config, wishes, page, beside=True)


def warden(config: Path, name: str, from_: str | None, to: str | None, purpose: str, wishes: Wishes) -> None:
    """Answer ``trackerd report warden``."""

    def page(scene: Scene) -> Page:
        period = _period(scene.record, from_, to)
        found = persons.person(scene.record, WardenId(name), period, getpass.getuser(), purpose)
        return person_page(found, purpose, scene.names, scene.say)

    _answer(config, wishes, page, beside=True)


def askings(config: Path, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report askings``."""

    def page(scene: Scene) -> Page:
        asked = _period(scene.record, from_, to)
        return askings_page(scene.record.store.askings(*asked), asked, scene.say)

    _answer(config, wishes, page)


def _answer(config: Path, wishes: Wishes, page: Callable[[Scene], Page], *, beside: bool = False) -> None:
    """Open the store, make the page, write it; leave with a reason where that cannot be."""
    if wishes.way is Format.XLSX and wishes.output is None and sys.stdout.isatty():
        _stop("a workbook is no text: name a file with --output report.xlsx", USAGE)
    settings, town = the_town(config)
    now, zone_ = to_micros(clock.now()), ZoneInfo(settings.site.timezone)
    try:
        with closing(open_store(store_url(settings, config), reading=not beside, beside=beside)) as store:
            roster = replace(town.roster, breaks=Breaks(store.breaks()).spans())
            record = Record(store, now, roster, rules(settings), zone_)
            say = Speech(wishes.language or settings.site.languages[0], zone_)
            names = _names(store) | {one.id: one.name or one.id for one in town.zones}
            made = page(Scene(record, names, say))
    except StoreError as error:
        _stop(str(error), AWAY)
    except ReportFault as error:
        _stop(str(error), FAULTS)
    _write(made, wishes, now)


def _write(page: Page, wishes: Wishes, now: int) -> None:
    data = _rendered(page, wishes, now)
    if wishes.output is None or str(wishes.output) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        wishes.output.write_bytes(data)
    except OSError as error:
        _stop(f"{wishes.output}: cannot be written: {error.strerror}: name another file", FAULTS)
    talk.print(f"written: {wishes.output}", markup=False)


def _rendered(page: Page, wishes: Wishes, now: int) -> bytes:
    if wishes.way is Format.XLSX:
        from trackerd.report.xlsx import as_xlsx  # noqa: PLC0415 - it takes most of a second to load

        return as_xlsx(page)
    if wishes.way is Format.HTML:
        from trackerd.report.html import as_html  # noqa: PLC0415

        return as_html(page, now).encode()
    if wishes.way is Format.JSON:
        return as_json(page).encode()
    if wishes.way is Format.TABLE:
        return terminal(page).encode()
    table = chosen(page.tables, wishes.table)
    if table is None:
        _stop(f"no table {wishes.table!r}; there are {', '.join(one.key for one in page.tables)}", USAGE)
    return as_csv(page, table, CsvWishes(wishes.semicolon, wishes.bom)).encode()


def _names(store: Store) -> dict[ZoneId, str]:
    """Return the names of all zones there ever were, as last known."""
    return {one.id: one.name or one.id for edition in store.editions() for one in edition.zones}


def _zone(name: str, names: dict[ZoneId, str]) -> ZoneId:
    """Return the zone of that id or name."""
    if name in names:
        return ZoneId(name)
    found = [id_ for id_, known in names.items() if known.casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise ReportFault(f"several zones are called {name!r}: name one by its id: {', '.join(sorted(found))}")
    known = {text.casefold(): id_ for id_, text in names.items()} | {id_.casefold(): id_ for id_ in names}
    near = dict.fromkeys(known[text] for text in difflib.get_close_matches(name.casefold(), known, 4, 0.5))
    hint = ", ".join(f"{id_} ({names[id_]})" for id_ in near) or "see trackerd zones list"
    raise ReportFault(
        f"there is no zone {name!r}; did you mean {hint}?" if near else f"there is no zone {name!r}: {hint}"
    )


def _period(record: Record, from_: str | None, to: str | None) -> Window:
    """Return the time asked about; the last four weeks where nothing is said."""
    faults: list[str] = []
    today = record.local(record.now).date()
    end = _moment(to or f"{today}", record, faults, after=True)
    default = record.local(end - 1).date() - WEEKS + timedelta(days=1) if to else today - WEEKS + timedelta(days=1)
    start = _moment(from_ or f"{default}", record, faults, after=False)
    if faults:
        raise ReportFault("; ".join(faults))
    return Window(start, end)  # type: ignore[arg-type]


def _moment(text: str, record: Record, faults: list[str], *, after: bool) -> int:
    """Return the moment, or the first of that day or the first after it; note it where it is none."""
    try:
        if len(text) <= len("2026-05-04"):
            window = record.day(date.fromisoformat(text))
            return window.end if after else window.start
        at = datetime.fromisoformat(text)
        return to_micros(at if at.tzinfo else at.replace(tzinfo=record.zone))
    except (ValueError, OverflowError):
        faults.append(f"{text!r} is no day and no time: write 2026-05-04 or 2026-05-04T14:00")
        return to_micros(clock.now())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ReportFault(f"{text!r} is no day: write 2026-05-04") from None


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
