"""``trackerd backtest``: what other zones or another plan would have made of the past.

What must stay true here: see cli.py; the store is read only and nobody is told; the table is for people, in the town's
days, and names no warden.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from geofence.calendar import Window
from geofence.model import EVER, NEVER, Micros, to_datetime, to_micros
from trackerd import backtest, clock
from trackerd.assemble import opened
from trackerd.backtest import CHANGED, GONE, NEW, SAME, Difference
from trackerd.backtest_side import Past, both, towns
from trackerd.commands import talk, tell_faults
from trackerd.config import Settings
from trackerd.paper import paper
from trackerd.sources.file import STANDARD_INPUT
from trackerd.store import StoreError
from trackerd.usage import AWAY, FAULTS

WEEKS = timedelta(weeks=4)
SHOWN = 40
"""Verdicts turned that are shown one by one in the table; JSON has all."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What ``trackerd backtest`` was asked."""

    past: Past
    from_: str | None
    to: str | None
    as_json: bool


def run(wishes: Wishes) -> None:
    """Live through the past with what is in force and with what is proposed; print the difference."""
    past = wishes.past
    if not past.zones and past.plan is None:
        _stop("nothing to try: name --zones or --plan", 2)
    if STANDARD_INPUT in past.files:
        _stop("standard input cannot be read twice: name a file", 2)
    for name in past.files:  # a pipe; what is not there is told of when it is opened
        if (path := Path(name)).exists() and not path.is_file() and not path.is_dir():
            _stop(f"{name} cannot be read twice: name a file", 2)
    settings, before, after, found = towns(past)
    tell_faults(dict.fromkeys(found))
    if settings is None or before is None or after is None:
        raise typer.Exit(FAULTS)
    clock_ = ZoneInfo(settings.site.timezone)
    period = _period(wishes, clock_)
    try:
        if not past.files:
            _warn(settings, Path(past.config), period, clock_)
        lives, faults = both(past, settings, before, after, period, talk)
    except StoreError as error:
        _stop(str(error), AWAY)
    difference = backtest.compare(*lives)
    if wishes.as_json:
        typer.echo(json.dumps(backtest.document(difference, period), ensure_ascii=False, indent=1))
    else:
        _show(difference, clock_)
    for fault in faults:
        talk.print(f"fault: {fault}", markup=False)
    if faults:
        raise typer.Exit(FAULTS)


def _period(wishes: Wishes, zone: ZoneInfo) -> Window:
    """Return the time asked about: of a store the last four weeks, of files all they tell of, unless it is said."""
    faults: list[str] = []
    today = clock.now().astimezone(zone).date()
    start, end = EVER, NEVER
    if not wishes.past.files:
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


def _warn(settings: Settings, config: Path, period: Window, zone: ZoneInfo) -> None:
    with closing(opened(settings, config, reading=True)) as store:
        reach = max(store.horizons().values(), default=EVER)
    if reach > period.start:
        day = to_datetime(reach).astimezone(zone).date()
        talk.print(f"warning: exact positions are kept since {day} only; before that both sides know of nobody")


def _show(found: Difference, zone: ZoneInfo) -> None:
    out = paper()
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
            table.add_row(*key, *(str(count[what] or "") for what in (SAME, CHANGED, NEW, GONE)), more)
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
