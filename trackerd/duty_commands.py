"""What the commands about duty and waivers do, with their talk.

What must stay true here: see cli.py; nothing here touches the record: a command is left for the daemon, and it is said
when that will take it.
"""

from __future__ import annotations

import difflib
import getpass
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from geofence.calendar import Window
from geofence.model import NEVER, SECOND, Micros, WardenId, to_datetime, to_micros
from geofence.verdict import Case
from trackerd import clock, orders
from trackerd.assemble import inbox_folder, store_url
from trackerd.breaks import extent
from trackerd.commands import talk, the_town
from trackerd.config import Settings
from trackerd.inbox import Inbox
from trackerd.paper import paper
from trackerd.store import StoreError, open_store
from trackerd.town import Town
from trackerd.usage import AWAY, FAULTS

WEEK_US = 7 * 86_400 * SECOND
USAGE = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``trackerd waive`` was asked."""

    requirement: str
    zone: str
    reason: str
    date: str | None
    window: str | None
    by: str | None
    undo: bool


def rest(config: Path, warden: str, from_: str | None, until: str | None) -> None:
    """Leave word of a break."""
    settings, town = the_town(config)
    who, zone, now = _warden(settings, town, warden), _zone(settings), to_micros(clock.now())
    start = now if from_ is None else _moment(from_, zone, "--from")
    end = None if until is None else _moment(until, zone, "--until")
    window = extent(town.roster, who, start, end)
    if window is None and end is not None:
        _stop("--until is not after --from", USAGE)
    if window is None:
        _stop(f"{who} is not on duty at {_said(start, zone)}: of that time nothing is kept anyway", FAULTS)
    file = _leave(settings, config, orders.Rest(who, start, end, _login()))
    ends = "until resumed" if window.end >= NEVER else f"until {_said(window.end, zone)}"
    if end is None and window.end < NEVER:
        ends += ", the end of the duty, or until resumed"
    talk.print(f"{who}: break from {_said(start, zone)} {ends}. {file}")
    if start < now - 60 * SECOND:
        talk.print("What is kept of that time is erased, and what was said because of it taken back.")


def resume(config: Path, warden: str, at: str | None) -> None:
    """Leave word that a break is over."""
    settings, town = the_town(config)
    who, zone = _warden(settings, town, warden), _zone(settings)
    when = to_micros(clock.now()) if at is None else _moment(at, zone, "--at")
    talk.print(f"{who}: back from {_said(when, zone)}. {_leave(settings, config, orders.Resume(who, when))}")


def show(config: Path) -> None:
    """List duties, breaks and stray devices."""
    settings, town = the_town(config)
    zone, now = _zone(settings), to_micros(clock.now())
    try:
        with closing(open_store(store_url(settings, config), reading=True)) as store:
            breaks, strays = store.breaks(), store.tally().unheld
    except StoreError as error:
        _stop(str(error), AWAY)
    table = Table("Warden", "", "From", "Until", "Said by", box=None)
    today = town.roster.planned_within(Window(now, Micros(now + 1)))
    for warden in sorted(today):
        duty = town.roster.stretch(warden, now)
        if duty is not None:
            table.add_row(warden, "duty", _said(duty.start, zone), _said(duty.end, zone), "the roster")
    for one in breaks:
        if one.end > now - WEEK_US:
            until = "resumed" if one.end >= NEVER else _said(one.end, zone)
            table.add_row(one.warden, "break", _said(one.start, zone), until, one.by)
    paper().print(table)
    for stray in strays:
        talk.print(
            f"device {stray.device} is in nobody's hands: heard {stray.times} times, last {_said(stray.last, zone)}"
        )
    waiting = len(list(_inbox(settings, config).waiting()))
    if waiting:
        talk.print(f"{waiting} commands wait for the daemon")


def waive(config: Path, wish: Wish) -> None:
    """Leave word that a window need not be met, or must after all."""
    settings, town = the_town(config)
    if not wish.undo and not wish.reason.strip():
        _stop('a waiver needs its reason: --reason "road works"', USAGE)
    zone = _zone(settings)
    case = _case(town, wish, zone)
    order = orders.Waive(
        case.requirement, case.zone, case.window.start, None if wish.undo else wish.reason.strip(),
        wish.by or _login(), to_micros(clock.now()),
    )  # fmt: skip
    what = "must be met after all" if wish.undo else "need not be met"
    when = f"from {_said(case.window.start, zone)} to {_said(case.window.end, zone)}"
    talk.print(f"{case.requirement} at {case.zone}, {when}: {what}. {_leave(settings, config, order)}")


def _case(town: Town, wish: Wish, zone: ZoneInfo) -> Case:
    """Return the one case that is meant; leave with what there is where it is none, or several."""
    plan = town.plan
    _known("requirement", wish.requirement, [one.id for one in plan.requirements])
    _known("zone", wish.zone, [one.id for one in town.zones])
    start = None if wish.window is None else _moment(wish.window, zone, "--window")
    try:
        day = clock.now().astimezone(zone).date() if wish.date is None else date.fromisoformat(wish.date)
    except ValueError:
        _stop(f"--date: {wish.date!r} is no day; write 2026-05-04", USAGE)
    if start is not None and wish.date is None:
        day = to_datetime(start).astimezone(zone).date()
    pair = (wish.requirement, wish.zone)
    owed = [one for one in plan.cases(town.zones, day, day) if (one.requirement, one.zone) == pair]
    found = [one for one in owed if start in (None, one.window.start)]
    if not owed:
        _stop(f"{wish.requirement} asks nothing of {wish.zone} on {day}", FAULTS)
    if len(found) != 1:
        windows = ", ".join(_said(one.window.start, zone) for one in owed)
        _stop(f"on {day} {wish.requirement} asks it of {wish.zone} from {windows}: name one with --window", FAULTS)
    return found[0]


def _leave(settings: Settings, config: Path, order: orders.Order) -> str:
    """Leave an order; return when it will be carried out, in words."""
    inbox = _inbox(settings, config)
    try:
        inbox.put(orders.write(order))
    except StoreError as error:
        _stop(str(error), AWAY)
    if inbox.attended:
        return "The daemon takes it within a second."
    return "No daemon runs: it holds from its next start."


def _inbox(settings: Settings, config: Path) -> Inbox:
    try:
        return Inbox(inbox_folder(settings, config))
    except StoreError as error:
        _stop(str(error), AWAY)


def _warden(settings: Settings, town: Town, name: str) -> WardenId:
    known = {duty.warden for duty in town.roster.duties} | {WardenId(one.id) for one in settings.warden}
    if town.roster.everyone:
        known |= {WardenId(one.id) for one in settings.device}
    _known("warden", name, sorted(known))
    return WardenId(name)


def _known(what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, 1, 0.6)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
        _stop(f"no {what} is called {name!r}: {remedy}", FAULTS)


def _moment(text: str, zone: ZoneInfo, option: str) -> Micros:
    """Return a time as people write it: an hour of today, or a date with time, by the town's clock."""
    today = clock.now().astimezone(zone).date()
    try:
        hour_only = len(text) <= len("08:00:00") and "T" not in text and ":" in text
        time = datetime.fromisoformat(f"{today}T{text}" if hour_only else text)
        return to_micros(time if time.tzinfo else time.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        _stop(f"{option}: {text!r} is no time; write 12:30, or 2026-05-04T12:30", USAGE)


def _said(moment: int, zone: ZoneInfo) -> str:
    return f"{to_datetime(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.site.timezone)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _stop(text: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {text}", markup=False)
    raise typer.Exit(code)
