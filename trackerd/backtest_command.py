"""``trackerd backtest``: what other zones or another plan would have made of the past.

What must stay true here: see cli.py; the store is read only and nobody is told; the table is for people, in the town's
days, and names no warden.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geofence.calendar import Window
from geofence.faults import Fault
from geofence.model import EVER, NEVER, Micros, to_datetime, to_micros
from trackerd import backtest, clock
from trackerd.assemble import house, opened
from trackerd.backtest import CHANGED, GONE, NEW, SAME, Difference, Lived
from trackerd.cli import AWAY, FAULTS
from trackerd.commands import files, proposed, talk, tell_faults
from trackerd.config import PlanFile, Settings
from trackerd.house import House
from trackerd.intake import Wiring
from trackerd.load import load, read_toml
from trackerd.replay import streamed
from trackerd.store import MemoryStore, Store, StoreError
from trackerd.town import Town, build

WEEKS = timedelta(weeks=4)
SHOWN = 40
"""Verdicts turned that are shown one by one in the table; JSON has all."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What ``trackerd backtest`` was asked."""

    files: list[Path]
    zones: list[Path]
    plan: Path | None
    config: Path
    from_: str | None
    to: str | None
    device: str | None
    decoder: str | None
    as_json: bool


def run(wishes: Wishes) -> None:
    """Live through the past with what is in force and with what is proposed; print the difference."""
    if not wishes.zones and wishes.plan is None:
        _stop("nothing to try: name --zones or --plan", 2)
    settings, (before, after) = _towns(wishes)
    clock_ = ZoneInfo(settings.site.timezone)
    period = _period(wishes, clock_)
    with ExitStack() as stack:
        store = None
        try:
            if not wishes.files:
                store = opened(settings, wishes.config, reading=True)
                stack.callback(store.close)
                _warn(store, period, clock_)
            lived, faults = _lived(wishes, settings, store, period, (before, after))
        except StoreError as error:
            _stop(str(error), AWAY)
    found = backtest.compare(*lived)
    if wishes.as_json:
        typer.echo(json.dumps(backtest.document(found, period), ensure_ascii=False, indent=1))
    else:
        _show(found, clock_)
    for fault in faults:
        talk.print(f"fault: {fault}", markup=False)
    if faults:
        raise typer.Exit(FAULTS)


def _lived(
    wishes: Wishes, settings: Settings, store: Store | None, period: Window, towns: Iterable[Town]
) -> tuple[list[Lived], list[str]]:
    found, faults = [], []
    for town in towns:
        sources, wiring = files(wishes.files, wishes.decoder, wishes.device)
        made = _house(settings, town, wiring, store, period)
        past = streamed(made, sources) if store is None else backtest.stored(made, store, period)
        upto = None if store is None else Micros(min(period.end + backtest.TAIL_US, to_micros(clock.now())))
        found.append(backtest.live(made, past, period, upto))
        faults = [f"{source.name}: {source.fault}" for source in sources if source.fault]
    return found, faults


def _house(settings: Settings, town: Town, wiring: dict[str, Wiring], store: Store | None, period: Window) -> House:
    made = house(settings, town, MemoryStore(), wiring)
    return backtest.prepare(made, store, period)


def _towns(wishes: Wishes) -> tuple[Settings, tuple[Town, Town]]:
    """Return the town as configured, and as proposed; leave with all faults of both told."""
    settings, faults = load(wishes.config)
    before = after = None
    if settings is not None:
        before, found = build(settings, wishes.config, keep_all=True)
        faults += found
        proposed, found = _proposed(settings, wishes)
        faults += found
        if proposed is not None:
            after, found = build(proposed, wishes.config, keep_all=True)
            faults += found
    tell_faults(dict.fromkeys(faults))
    if settings is None or before is None or after is None:
        raise typer.Exit(FAULTS)
    return settings, (before, after)


def _proposed(settings: Settings, wishes: Wishes) -> tuple[Settings | None, list[Fault]]:
    """Put the files named in place of the configuration's; a plan without a roster is judged by the roster there is."""
    if wishes.plan is not None:
        new, faults = read_toml(wishes.plan, PlanFile)
        if new is None:
            return None, faults
        duties = list(settings.duty)
        if settings.plan.file is not None and not new.duty:
            old, _ = read_toml(wishes.config.parent / settings.plan.file, PlanFile)  # its faults are told already
            duties += old.duty if old is not None else ()
        settings = settings.model_copy(update={"duty": tuple(duties), "requirement": ()})
    return proposed(settings, wishes.zones, wishes.plan), []


def _period(wishes: Wishes, zone: ZoneInfo) -> Window:
    """Return the time asked about: of a store the last four weeks, of files all they tell of, unless it is said."""
    faults: list[str] = []
    today = clock.now().astimezone(zone).date()
    start, end = EVER, NEVER
    if not wishes.files:
        start, end = (_edge(f"{day}", zone, faults, after=False) for day in (today - WEEKS, today + timedelta(days=1)))
    start = start if wishes.from_ is None else _edge(wishes.from_, zone, faults, after=False)
    end = end if wishes.to is None else _edge(wishes.to, zone, faults, after=True)
    if not faults and start >= end:
        faults.append("--from is not before --to")
    if faults:
        _stop("; ".join(faults), 2)
    return Window(start, end)


def _edge(text: str, zone: ZoneInfo, faults: list[str], *, after: bool) -> Micros:
    """Return the moment; of a day, where it begins or (``after``) ends."""
    try:
        if len(text) <= len("2026-05-04"):
            day = date.fromisoformat(text) + timedelta(days=after)
            return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))
        at = datetime.fromisoformat(text)
        return to_micros(at if at.tzinfo else at.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        faults.append(f"{text!r} is no day and no time: write 2026-05-04 or 2026-05-04T14:00")
        return EVER


def _warn(store: Store, period: Window, zone: ZoneInfo) -> None:
    reach = max(store.horizons().values(), default=EVER)
    if reach > period.start:
        day = to_datetime(reach).astimezone(zone).date()
        talk.print(f"warning: exact positions are kept since {day} only; before that both sides know of nobody")


def _show(found: Difference, zone: ZoneInfo) -> None:
    out = Console(soft_wrap=True, highlight=False)
    visits = [((id_,), count, "") for id_, count in found.visits.items()]
    verdicts = [(key, count, _turn(*found.outcomes[key])) for key, count in found.verdicts.items()]
    if not visits and not verdicts:
        out.print("Nothing is known of that time: no visit, and nothing owed.")
        return
    if found.none:
        out.print("Nothing would have been otherwise.")
    out.print(_table("Visits", ("Zone",), visits))
    if verdicts:
        out.print(_table("Verdicts", ("Requirement", "Zone"), verdicts))
    for case, was, is_ in found.turned[:SHOWN]:
        start, end = (to_datetime(edge).astimezone(zone) for edge in case.window)
        window = f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}"
        turned = f"{was or 'not owed'} → {is_ or 'not owed'}"
        out.print(f"{window}  {case.requirement}  {case.zone}  {turned}", markup=False)
    if len(found.turned) > SHOWN:
        out.print(f"… and {len(found.turned) - SHOWN} more: --format json has all")


def _table(title: str, heads: Sequence[str], rows: Iterable[tuple[Sequence[str], Counter[str], str]]) -> Table:
    """Return a row for each with any difference, and one for the rest."""
    table = Table(*heads, box=None, title=title, title_justify="left")
    for what in (SAME, CHANGED, NEW, GONE):
        table.add_column(what.capitalize(), justify="right")
    table.add_column("", no_wrap=True)
    alike = 0
    for key, count, more in sorted(rows):
        if set(count) == {SAME}:
            alike += count[SAME]
        else:
            table.add_row(*map(escape, key), *(str(count[what] or "") for what in (SAME, CHANGED, NEW, GONE)), more)
    if alike:
        table.add_row("all others" if table.rows else "all", *[""] * (len(heads) - 1), str(alike))
    return table


def _turn(before: Counter[str], after: Counter[str]) -> str:
    """Say which outcomes there would be more of, and fewer."""
    names = sorted(before.keys() | after.keys())
    return ", ".join(f"{name} {before[name]} → {after[name]}" for name in names if before[name] != after[name])


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
