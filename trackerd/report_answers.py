"""What ``trackerd report`` does: from the words of a command line to a page, written as it was wished.

What must stay true here: see cli.py; all that is wrong with a question is told at once; a place is asked about only
where the asking can be kept.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer

from geofence.model import WardenId, ZoneId, to_micros
from trackerd import clock
from trackerd.assemble import rules, store_url
from trackerd.breaks import Breaks
from trackerd.capacity_command import work_of
from trackerd.commands import talk, the_town
from trackerd.config import Settings
from trackerd.notify.make import NotifyFault
from trackerd.notify.sender import Undelivered
from trackerd.report import capacity as capacities
from trackerd.report import day as days
from trackerd.report import person as persons
from trackerd.report import place as places
from trackerd.report import plan as plans
from trackerd.report import zone as zones
from trackerd.report.capacity_page import capacity_page
from trackerd.report.formats import CsvWishes, as_csv, as_json, chosen, terminal
from trackerd.report.page import Page
from trackerd.report.pages import day_page, plan_page, zone_page
from trackerd.report.person_page import person_page
from trackerd.report.place_page import askings_page, place_page
from trackerd.report.record import Record, ReportFault
from trackerd.report.speech import Speech
from trackerd.report_commands import Format, Language
from trackerd.report_words import day_of, period_of, zone_of
from trackerd.store import Store, StoreError, open_store
from trackerd.usage import AWAY, FAULTS

USAGE = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a report is wanted."""

    format: Format | None
    output: Path | None
    language: Language | None
    semicolon: bool
    bom: bool
    table: str | None
    mail: str | None = None
    """The ``[[notify]]`` that is to carry it."""

    @property
    def way(self) -> Format:
        """As wished, else as the output's name says, else a table."""
        suffix = self.output.suffix.lower() if self.output is not None else ""
        known = {f".{one}": one for one in Format} | dict.fromkeys(("", ".txt"), Format.TABLE)
        if self.format is None and suffix not in known:
            _stop(
                f"{suffix} is no format of a report: call it .html, .xlsx, .csv, .json or .txt, or say --format", USAGE
            )
        return self.format or known[suffix]


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
        on = day_of(date_, scene.record.local(scene.record.now).date())
        return day_page(days.day(scene.record, on), scene.names, scene.say)

    _answer(config, wishes, page)


def zone(config: Path, name: str, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report zone``."""

    def page(scene: Scene) -> Page:
        id_, period = zone_of(name, scene.names), period_of(scene.record, from_, to)
        return zone_page(zones.zone(scene.record, id_, period), scene.names, scene.say)

    _answer(config, wishes, page)


def plan(config: Path, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report plan``."""
    _answer(
        config, wishes, lambda scene: plan_page(plans.plan(scene.record, period_of(scene.record, from_, to)), scene.say)
    )


def place(config: Path, asked: Asked, wishes: Wishes) -> None:
    """Answer ``trackerd report place``."""

    def page(scene: Scene) -> Page:
        spot = places.Spot(asked.lon, asked.lat, asked.radius)
        period = period_of(scene.record, asked.from_, asked.to)
        found = places.place(scene.record, spot, period, getpass.getuser(), asked.purpose)
        return place_page(found, asked.purpose, scene.say)

    _answer(config, wishes, page, beside=True)


def warden(config: Path, name: str, from_: str | None, to: str | None, purpose: str, wishes: Wishes) -> None:
    """Answer ``trackerd report warden``."""

    def page(scene: Scene) -> Page:
        period = period_of(scene.record, from_, to)
        found = persons.person(scene.record, WardenId(name), period, getpass.getuser(), purpose)
        return person_page(found, purpose, scene.names, scene.say)

    _answer(config, wishes, page, beside=True)


def capacity(config: Path, date_: str | None, detour: float, wishes: Wishes) -> None:
    """Answer ``trackerd report capacity``: of a day to come from the plan alone, without a store."""
    _writable(wishes)
    settings, town = the_town(config)
    zone_ = ZoneInfo(settings.site.timezone)
    try:
        on = day_of(date_, clock.now().astimezone(zone_).date())
    except ReportFault as error:
        _stop(str(error), FAULTS)
    asked = work_of(settings, config, town, on)
    names = {one.id: one.name or one.id for one in town.zones}
    say = Speech(wishes.language or settings.site.languages[0], zone_)
    made = capacity_page(asked, capacities.capacity(asked, detour), names, detour, say)
    _write(made, wishes, to_micros(clock.now()))


def askings(config: Path, from_: str | None, to: str | None, wishes: Wishes) -> None:
    """Answer ``trackerd report askings``."""

    def page(scene: Scene) -> Page:
        asked = period_of(scene.record, from_, to)
        return askings_page(scene.record.store.askings(*asked), asked, scene.say)

    _answer(config, wishes, page)


def _answer(config: Path, wishes: Wishes, page: Callable[[Scene], Page], *, beside: bool = False) -> None:
    """Open the store, make the page, write it; leave with a reason where that cannot be."""
    _writable(wishes)
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
    if wishes.mail is not None:
        _mailed(made, wishes.mail, settings, config, now)
    else:
        _write(made, wishes, now)


def _mailed(page: Page, name: str, settings: Settings, config: Path, now: int) -> None:
    from trackerd import report_mail  # noqa: PLC0415 - mail and workbook are heavy, and seldom asked for

    try:
        talk.print(report_mail.send(page, name, settings, config, now), markup=False)
    except NotifyFault as error:
        _stop(str(error), FAULTS)
    except Undelivered as error:
        _stop(str(error), AWAY)


def _writable(wishes: Wishes) -> None:
    if wishes.way is Format.XLSX and wishes.output is None and sys.stdout.isatty():
        _stop("a workbook is no text: name a file with --output report.xlsx", USAGE)


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


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
