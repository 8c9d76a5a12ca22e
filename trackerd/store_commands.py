"""The commands about the store itself: migrate, check, copy, backup.

What must stay true here: see cli.py; nothing here changes a record, but for ``migrate`` its tables, ``copy`` an
empty one, and ``forget`` what is past its term.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from geofence.duration import words
from geofence.model import SECOND, to_micros
from trackerd import clock
from trackerd.assemble import house, keeping, opened, password, store_url
from trackerd.commands import talk, tell_faults
from trackerd.config import Settings
from trackerd.load import load
from trackerd.retention import Retention
from trackerd.store import Store, StoreError, StoreHeld, open_store
from trackerd.store.checks import check as look
from trackerd.store.copy import both, compare, copy, count
from trackerd.store.sql import SqlStore
from trackerd.town import Town
from trackerd.usage import AWAY, FAULTS

T = TypeVar("T")


def migrate(url: str | None, config: Path) -> None:
    """Make a store's tables, or bring them to this version."""
    place, secret = _place(url, config)
    if place.startswith("sqlite:"):
        _asked(lambda: open_store(place).close())
        talk.print("the tables are of this version")
        return
    try:
        from trackerd.store.postgres import prepare  # noqa: PLC0415 - only where it is asked for
    except ImportError:
        _stop("psycopg is not installed: pip install 'trackerd[postgres]'", AWAY)
    taken = _asked(lambda: prepare(place, secret))
    talk.print(f"the tables are of this version; {taken} steps were taken")


def check(url: str | None, config: Path) -> None:
    """Say what is in a store, and what is wrong with it."""
    place, secret = _place(url, config)
    with closing(_open(place, secret, reading=True)) as store:
        found = _asked(lambda: look(store))
    table = Table("What", "Rows", box=None)
    for name, number in found.counts.items():
        table.add_row(name, f"{number:,}")
    talk.print(table)
    now = to_micros(clock.now())
    for route in found.waiting:
        age = words((now - route.oldest) / SECOND) if route.oldest is not None else "no time"
        talk.print(
            f"{route.route}: {route.untold} events wait to be told, the oldest for {age}; {route.dead} set aside"
        )
    for fault in found.faults:
        talk.print(f"fault: {fault}", markup=False)
    if found.faults:
        raise typer.Exit(FAULTS)
    talk.print("no faults")


def copy_all(source: str, target: str) -> None:
    """Copy a record into another store, and compare the two."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(_open(url, None))) for url in (source, target))
        first, second = _asked(lambda: both(first, second))
        rows, there = _asked(lambda: (count(first), count(second)))
        if there:
            talk.print(f"{there:,} rows are there already: going on after them")
        with _bar() as bar:
            copying = bar.add_task("copying", total=rows, completed=min(rows, there))
            _asked(lambda: copy(first, second, lambda _table, done: bar.advance(copying, done)))
            comparing = bar.add_task("comparing", total=rows)
            differing = _asked(lambda: compare(first, second, lambda _table, done: bar.advance(comparing, done)))
    for one in differing:
        talk.print(f"{one.table}: {one.there:,} rows there, {one.here:,} here, and they are not the same")
    if differing:
        _stop(
            "the source has changed since the copy began, or the target was not empty: begin with an empty one", FAULTS
        )
    talk.print(f"{rows:,} rows, the same in both")


def backup(file: Path | None, into: Path | None, keep: int, config: Path) -> None:
    """Write a consistent copy of the embedded store, also while the daemon runs; of those in a folder so many stay."""
    place, _ = _place(None, config)
    if not place.startswith("sqlite:"):
        _stop("the record is in PostgreSQL: back it up with pg_dump -Fc, see docs/store.md", FAULTS)
    from trackerd.store.sqlite import back_up  # noqa: PLC0415 - see above

    source = Path(place.removeprefix("sqlite:///"))
    target = file or (into or Path()) / f"{source.stem}-{clock.now():%Y-%m-%dT%H%M%SZ}.db"
    size = _asked(lambda: back_up(source, target))
    talk.print(f"{target}: {size / 1e6:,.1f} MB, read again and sound", markup=False)
    if into is not None:
        for old in sorted(into.glob(f"{source.stem}-????-??-??T??????Z.db"))[:-keep]:
            old.unlink(missing_ok=True)


def forget(config: Path) -> None:
    """Let go of what is kept no longer, all at once; a daemon that runs does it by itself.

    Zones and plan are not asked: their faults would keep what must go.
    """
    settings = _settings(config)
    try:
        store = opened(settings, config)
    except StoreHeld:
        talk.print("the daemon runs: it does that itself")
        return
    except StoreError as error:
        _stop(str(error), AWAY)
    with closing(store):
        gone = _asked(lambda: Retention(house(settings, Town(), store, {}), keeping(settings)).all())
    talk.print(
        "; ".join(f"{what.replace('_', ' ')}: {rows:,}" for what, rows in gone.items() if rows) or "nothing to do"
    )


def _place(url: str | None, config: Path) -> tuple[str, str | None]:
    """Return the address asked for, or the configuration's with its password."""
    if url is not None:
        return url, None
    settings = _settings(config)
    return store_url(settings, config), _asked(lambda: password(settings, config))


def _settings(config: Path) -> Settings:
    settings, faults = load(config)
    if settings is None:
        tell_faults(faults)
        raise typer.Exit(FAULTS)
    return settings


def _open(url: str, secret: str | None, *, reading: bool = False) -> SqlStore:
    store: Store = _asked(lambda: open_store(url, reading=reading, password=secret))
    if not isinstance(store, SqlStore):
        _stop(f"{url} is no store that can be looked into", FAULTS)
    return store


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=talk, transient=True)


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except StoreError as error:
        _stop(str(error), AWAY)


def _stop(why: str, code: int) -> NoReturn:
    talk.print(f"trackerd: {why}", markup=False)
    raise typer.Exit(code)
